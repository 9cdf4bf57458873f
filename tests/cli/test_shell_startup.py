"""What starting costs: which modules a command loads (the figures are measured by benchmarks)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import shopctl

TINY = Path(__file__).resolve().parent.parent / "support" / "tiny.py"


def loaded(*words: str) -> set[str]:
    """The top-level packages that a shopctl process has imported by its end."""
    code = "import sys; from shopctl.__main__ import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stderr.splitlines()[-1].split()}


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["__complete", ""], ["__complete", "cat"]])
def test_names_and_versions_come_without_typer(words):
    costly = {"typer", "rich", "pydantic", "sqlite3", "sqlalchemy", "inspect", "json"}
    assert not loaded(*words) & costly


def test_help_of_a_noun_loads_no_drivers_and_no_pydantic():
    assert not loaded("completion", "--help") & {"rich", "pydantic", "sqlite3", "sqlalchemy", "yaml", "jmespath"}


def test_showing_data_as_json_loads_nothing_it_does_not_need():
    for output in ("json", "ndjson", "table", "csv"):
        done = subprocess.run(
            [sys.executable, str(TINY), "tiny", "loaded", "-o", output], capture_output=True, text=True, check=True
        )
        assert done.stderr == "\n"


def test_the_version_and_what_it_runs_on():
    def said(*words: str) -> str:
        line = [sys.executable, "-m", "shopctl", *words]
        return subprocess.run(line, capture_output=True, text=True, check=True, env=dict(os.environ)).stdout

    assert said("--version") == f"shopctl {shopctl.__version__}\n"
    verbose = said("--version", "-v")
    for name in ("python", "sqlite", "platform", "extras"):
        assert re.search(rf"^{name} +\S", verbose, re.MULTILINE)
