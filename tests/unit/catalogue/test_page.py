"""docs/catalogue.md tells the life cycle and the settable fields as they are."""

from __future__ import annotations

import re
from pathlib import Path

from shopctl.catalogue.assignments import SETTABLE
from shopctl.catalogue.model import KINDS, LIFE_CYCLE

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "catalogue.md").read_text(encoding="utf-8")


def test_the_page_has_the_life_cycle():
    rows = re.findall(r"^\| (\w+) \| ([\w, ]+) \| (\w+) \|$", PAGE, re.MULTILINE)

    assert rows[1:] == [(step.trigger, ", ".join(sorted(step.sources)), step.target) for step in LIFE_CYCLE]


def test_the_page_has_every_settable_field_and_kind():
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == list(SETTABLE)
    assert all(f"`{kind}`" in PAGE for kind in KINDS)
