"""README's tour is what the program really prints: every command in it is run, every line of output compared."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
# What differs from run to run: identifiers, moments, durations. `…` in README stands for any text on its line.
ANYTHING = re.compile(r"…")


def steps() -> list[tuple[str, list[str]]]:
    """The commands of the tour in order, each with the lines it printed."""
    found: list[tuple[str, list[str]]] = []
    for block in CONSOLE.findall((ROOT / "README.md").read_text()):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif line.strip():
                found[-1][1].append(line.rstrip())
    return found


def test_the_tour_prints_what_readme_shows(tmp_path: Path) -> None:
    programs = Path(sys.executable).parent
    shutil.copy(ROOT / "examples/nursery.csv", tmp_path)
    told = steps()
    assert len(told) > 8
    for command, expected in told:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=tmp_path,
            env={"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8", "COLUMNS": "100"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        printed = [line.rstrip() for line in done.stdout.splitlines() if line.strip()]
        assert len(printed) == len(expected), f"$ {command}\n{done.stdout}"
        for shown, line in zip(expected, printed, strict=True):
            pattern = ".*".join(re.escape(part) for part in ANYTHING.split(shown))
            assert re.fullmatch(pattern, line), f"$ {command}\n{line!r} is not {shown!r}"
