"""Rules of the house that a reader of one file cannot see."""

import ast
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from farzi_core import limits

ROOT = Path(__file__).resolve().parents[1]
CORE = sorted((ROOT / "farzi_core").rglob("*.py"))
PAGES = sorted((ROOT / "pages").glob("*.py"))
EVERYTHING = [ROOT / "app.py", *CORE, *PAGES]

# Readers that can run code from data, and one that only looks harmless (its `persist` option unpickles).
UNSAFE_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
UNSAFE_CALLS = {
    "eval",
    "exec",
    "torch.load",
    "torch.save",
    "yaml.load",
    "yaml.unsafe_load",
    "pd.read_pickle",
    "pandas.read_pickle",
}
UNSAFE_KEYWORDS = {"allow_pickle", "persist", "unsafe_allow_html", "unsafe_allow_javascript"}


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def imported(module: ast.Module) -> set[str]:
    """Top-level names of everything `module` imports, at any depth."""
    names = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def calls(module: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(module) if isinstance(node, ast.Call))


def offences(module: ast.Module) -> list[str]:
    """Every use of a reader that can run code, as `line: what`."""
    found = [f"import {name}" for name in sorted(imported(module) & UNSAFE_MODULES)]
    for call in calls(module):
        if ast.unparse(call.func) in UNSAFE_CALLS:
            found.append(f"{call.lineno}: {ast.unparse(call.func)}")
        found += [f"{call.lineno}: {word.arg}" for word in call.keywords if word.arg in UNSAFE_KEYWORDS]
    return found


@pytest.mark.parametrize("file", CORE, ids=lambda file: str(file.relative_to(ROOT)))
def test_core_never_imports_streamlit(file: Path) -> None:
    assert "streamlit" not in imported(tree(file))


@pytest.mark.parametrize("file", EVERYTHING, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_reader_that_can_run_code(file: Path) -> None:
    assert offences(tree(file)) == []


def test_the_search_for_unsafe_readers_finds_them() -> None:
    sample = (
        "import pickle\nnp.load(path, allow_pickle=True)\ntorch.load(path)\nst.cache_data(persist='disk')\neval(text)"
    )
    assert offences(ast.parse(sample)) == ["import pickle", "2: allow_pickle", "3: torch.load", "4: persist", "5: eval"]


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
class TestPages:
    def test_name_shadows_no_module_of_the_standard_library(self, file: Path) -> None:
        assert file.stem not in sys.stdlib_module_names, "pages/ comes first on sys.path"

    def test_never_waits_and_never_writes_raw_html(self, file: Path) -> None:
        module = tree(file)
        assert not [node for node in ast.walk(module) if isinstance(node, ast.While)]
        banned = {"time.sleep", "sleep", "st.html", "st.iframe", "st.components.v1.html"}
        assert not [ast.unparse(call.func) for call in calls(module) if ast.unparse(call.func) in banned]

    def test_every_picture_has_words_for_those_who_do_not_see_it(self, file: Path) -> None:
        pictures = {"plotly_chart", "image", "altair_chart"}
        silent = [
            call.lineno
            for call in calls(tree(file))
            if isinstance(call.func, ast.Attribute) and call.func.attr in pictures
            if "alt" not in {word.arg for word in call.keywords}
        ]
        assert silent == []

    def test_stays_small(self, file: Path) -> None:
        assert len(file.read_text(encoding="utf-8").splitlines()) <= 150


def test_pages_import_no_torch_even_indirectly() -> None:
    """A fresh interpreter imports what the pages import; torch would cost 190 MB and a second in the server."""
    modules = sorted({name for file in [ROOT / "app.py", *PAGES] for name in _modules_of_ours(tree(file))})
    assert "farzi_core.runs.store" in modules
    code = f"import sys\nfor name in {modules!r}: __import__(name)\nprint('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=120,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("False", "")


def _modules_of_ours(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("farzi_core"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("farzi_core"):
            assert node.module
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                is_module = (ROOT / (inner.replace(".", "/") + ".py")).is_file()
                yield inner if is_module else node.module


def test_server_settings_close_what_must_be_closed() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    server = settings["server"]
    assert server["address"] == "127.0.0.1"
    assert server["allowedHosts"] == ["localhost", "127.0.0.1"]
    assert server["enableXsrfProtection"] is True
    assert server["enableCORS"] is True
    assert server["enableStaticServing"] is False
    assert server["enableAgentApi"] is False
    assert server["maxUploadSize"] * limits.MIB == limits.MAX_UPLOAD_BYTES
    assert settings["client"]["showErrorDetails"] == "none"
    assert settings["browser"]["gatherUsageStats"] is False
    assert settings["runner"]["magicEnabled"] is False


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read_on_its_background(theme: str) -> None:
    """WCAG 2.2 AA: 4.5 to 1 for text; links on the page and on cards too."""
    colors = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["theme"][theme]
    for text in ("textColor", "linkColor"):
        for background in ("backgroundColor", "secondaryBackgroundColor"):
            assert contrast(colors[text], colors[background]) >= 4.5
    assert contrast("#ffffff", colors["primaryColor"]) >= 4.5, "white words on a primary button"
    for color in colors["chartCategoricalColors"][:4]:
        assert contrast(color, colors["backgroundColor"]) >= 2.5, "marks of a chart"


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two `#rrggbb` colours as WCAG defines it."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    channels = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
