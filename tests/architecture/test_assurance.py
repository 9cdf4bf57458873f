"""docs/assurance.md and the tests agree: each row has its tests, and each mark its row."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/assurance.md").read_text("utf-8")


def rows() -> set[str]:
    """The rows of the tables, such as S17."""
    return set(re.findall(r"^\| ([SR]\d+) \|", PAGE, re.MULTILINE))


def marked() -> dict[str, list[str]]:
    """The rows that tests are marked with, and the files they stand in."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for marks in re.findall(r"mark\.assure\(([^)]*)\)", path.read_text("utf-8")):
            for row in re.findall(r'"([SR]\d+)"', marks):
                found.setdefault(row, []).append(str(path.relative_to(ROOT)))
    return found


def test_the_page_has_rows() -> None:
    assert len(rows()) > 10


def test_every_row_has_a_test() -> None:
    assert sorted(rows() - marked().keys()) == []


def test_every_mark_has_a_row() -> None:
    assert sorted(marked().keys() - rows()) == []
