"""Every example runs: the scenarios to their end, the small catalogues into a shop."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from shopctl.catalogue import bundled
from support.shop import Shop

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SCENARIOS = sorted(path.name for path in EXAMPLES.glob("*.sh"))


def test_there_are_scenarios() -> None:
    assert len(SCENARIOS) >= 5


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_runs_to_its_end(folder_without_shop: Shop, tmp_path: Path, scenario: str) -> None:
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = folder_without_shop.environment({"PATH": programs, "TMPDIR": str(tmp_path)})

    done = subprocess.run(
        ["sh", EXAMPLES / scenario], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300
    )

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_stops_at_the_first_failure(scenario: str) -> None:
    lines = (EXAMPLES / scenario).read_text().splitlines()

    assert lines[0] == "#!/bin/sh"
    assert lines[1].startswith("# ")
    assert "set -eu" in lines
    assert os.access(EXAMPLES / scenario, os.X_OK)


@pytest.mark.parametrize("file", ["nursery.csv", "lending-library.json"])
def test_a_small_catalogue_imports_without_a_reject(any_shop: Shop, file: str) -> None:
    counts = any_shop.run("catalogue", "import", EXAMPLES / file, "-o", "json").json

    assert counts["rejected"] == 0
    assert counts["created"] == counts["rows"] > 5


def test_the_bundled_catalogue_imports_whole_and_comes_out_as_it_went_in(any_shop: Shop) -> None:
    with bundled.catalogue() as path:
        counts = any_shop.run("catalogue", "import", path, "-o", "json").json
        again = any_shop.run("catalogue", "import", path, "-o", "json").json
        skus = [json.loads(line)["sku"] for line in path.read_text("utf-8").splitlines()]
    exported = any_shop.run("catalogue", "export", "--format", "ndjson", "--out", "-").ndjson

    assert (counts["created"], counts["rejected"]) == (len(skus), 0)
    assert again["unchanged"] == len(skus)
    assert sorted(product["sku"] for product in exported) == sorted(skus)
