"""Pages use the store and the launcher; torch would cost the server 0.6 GB and seconds."""

import subprocess
import sys

import pytest

LIGHT = [
    "store",
    "run",
    "launcher",
    "slots",
    "manifest",
    "migrate",
    "metrics_log",
    "files",
    "locks",
    "environment",
    "worker",
]


def test_nothing_that_pages_use_imports_torch(pytestconfig: pytest.Config) -> None:
    lines = [*(f"import farzi_core.runs.{name}" for name in LIGHT), "import sys", "assert 'torch' not in sys.modules"]
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True, cwd=pytestconfig.rootpath)
