"""What use cases return becomes plain data."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from shopctl.cli.records import field, plain


class Colour(StrEnum):
    RED = "red"


class Row(NamedTuple):
    sku: str
    colour: Colour


@dataclass(frozen=True)
class Whole:
    rows: list[Row]
    price: Decimal
    at: datetime
    path: Path


def test_any_depth_of_records_becomes_dicts_lists_and_text():
    whole = Whole([Row("A", Colour.RED)], Decimal("1.50"), datetime(2026, 11, 24, tzinfo=UTC), Path("a/b"))
    made = plain({"whole": whole, "more": (x for x in (1, None, True, 2.5))})
    assert made == {
        "whole": {
            "rows": [{"sku": "A", "colour": "red"}],
            "price": "1.50",
            "at": "2026-11-24T00:00:00+00:00",
            "path": "a/b",
        },
        "more": [1, None, True, 2.5],
    }
    assert type(made["whole"]["rows"][0]["colour"]) is str


def test_a_field_may_look_inside():
    row = {"a": {"b": {"c": 1}}, "n": None, "a.b": 2}
    assert field(row, "a.b.c") == (True, 1)
    assert field(row, "a.b") == (True, 2)
    assert field(row, "n.x") == (True, None)
    assert field(row, "a.x") == (False, None)
    assert field(row, "z") == (False, None)
