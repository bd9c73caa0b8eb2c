"""One run, three doors: command line, notebook and app mean the same settings; the report is one harmless page."""

import json
import re
import shlex
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import fixtures
import pytest
from small import SETTINGS

from farzi_core.commands.settings import configured
from farzi_core.config import RunConfig, with_settings
from farzi_core.evaluation.report import Metric, RowName
from farzi_core.presets import PRESETS
from farzi_core.runs.run import settings_digest
from farzi_core.views import notebook, report_html, settings
from farzi_core.views.load import RunView

HOSTILE = "'''\"\"\" <script>alert(1)</script> ![x](http://evil.example/x.png)"
SMALL = with_settings(
    PRESETS["demo"].config, {**SETTINGS, "data.source": "planted", "data.max_items": 500, "name": HOSTILE}
)


def cells(config: RunConfig) -> list[str]:
    """The code of the notebook; its form is checked on the way."""
    content = json.loads(notebook.notebook(config, config.name))
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)
    for cell in content["cells"]:
        assert {"id", "cell_type", "metadata", "source"} <= set(cell)
        if cell["cell_type"] == "markdown":
            assert "![x](" not in cell["source"]
            assert "<script>" not in cell["source"]
    assert len({cell["id"] for cell in content["cells"]}) == len(content["cells"])
    return [cell["source"] for cell in content["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("config", [SMALL, PRESETS["standard"].config, PRESETS["paper-ml-1m"].config])
def test_command_notebook_and_app_have_one_digest(config: RunConfig) -> None:
    namespace: dict[str, Any] = {}
    exec(cells(config)[0], namespace)
    assert namespace["config"] == config
    assert settings_digest(namespace["config"]) == settings_digest(config)
    words = shlex.split(settings.command(config, PRESETS[config.preset].config))
    pairs = [word for flag, word in pairwise(words) if flag == "--set"]
    typed = with_settings(configured(None, config.preset, pairs), {"data.source": words[words.index("--data") + 1]})
    assert settings_digest(typed) == settings_digest(config)


def test_the_notebook_gives_no_unit_to_a_number_that_depends_on_the_objective() -> None:
    assert not any("nats" in code for code in cells(SMALL))


@pytest.mark.parametrize("labels", ["next", "own"])
def test_every_cell_of_the_notebook_runs(labels: str, capsys: pytest.CaptureFixture[str]) -> None:
    namespace: dict[str, Any] = {}
    for code in cells(with_settings(SMALL, {"synthetic.labels": labels})):
        exec(code, namespace)
    assert namespace["table"].loc["distilled", "hr@10"] > 0
    assert namespace["run"].recovery is not None, "planted data know their truth"
    assert " -> " in capsys.readouterr().out


class Tags(HTMLParser):
    """Names and attributes of every tag, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_report_says_what_the_table_says(view: RunView) -> None:
    page = Tags(report_html.report(view, "A run", fixtures.events()).decode())
    for row in view.evaluation.rows:
        assert f"{100 * row.mean[Metric.HR10]:.1f} %" in page.text
    assert "Is this good enough for" in page.text
    assert page.tags.count("svg") == 1
    assert page.tags.count("aside") >= 4


def test_report_loads_nothing_and_runs_nothing(hostile: RunView) -> None:
    content = report_html.report(hostile, HOSTILE, fixtures.events()).decode()
    page = Tags(content)
    assert not {"script", "img", "link", "iframe", "a", "b", "object"} & set(page.tags)
    assert not [name for name in page.attributes if name.startswith("on") or name in {"src", "href"}]
    assert not re.search(r"url\(|@import", content)
    assert "<script>alert(1)</script>" in page.text, "shown as text"
    assert len(content) < 200_000


def test_uses_follow_the_share_of_full_data(view: RunView) -> None:
    report = view.evaluation
    distilled = report.row(RowName.DISTILLED)
    assert distilled is not None
    found = {}
    for share in (79.0, 85.0, 95.0, 100.0):
        changed = distilled.model_copy(update={"percent_of_full": {**distilled.percent_of_full, Metric.HR10: share}})
        rows = tuple(changed if row.name is RowName.DISTILLED else row for row in report.rows)
        found[share] = [answer for _, answer, _ in report_html.uses(report.model_copy(update={"rows": rows}))][1:]
    assert found == {
        79.0: ["no", "no", "no", "no"],
        85.0: ["yes", "no", "no", "no"],
        95.0: ["yes", "yes", "no", "no"],
        100.0: ["yes", "yes", "yes", "no"],
    }
