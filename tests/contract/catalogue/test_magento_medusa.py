"""Files of Magento and Medusa in a shop: in, out, in again and into a second shop, with texts that mean harm."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shopctl.audit.service import Audit
from shopctl.kernel.clock import Clock
from shopctl.storage.database import Database, open_database
from shopctl.storage.migrations import upgrade
from support.feeds import Feeds

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


@pytest.fixture
def shop(database: Database, audit: Audit, turned: Clock, tmp_path: Path) -> Feeds:
    return Feeds(database, audit, turned, tmp_path)


@pytest.fixture
def second(audit: Audit, turned: Clock, tmp_path: Path) -> Iterator[Feeds]:
    """A second shop, whatever the first one is kept in."""
    folder = tmp_path / "second"
    folder.mkdir()
    database = open_database(f"sqlite:///{folder / 'shop.db'}")
    database.create()
    upgrade(database, "shop")
    yield Feeds(database, Audit(database, tmp_path / "audit.key", actor="os:anna"), turned, folder)
    database.close()


def changes(shop: Feeds, path: Path) -> dict[str, int]:
    report = shop.run(path, on_error="skip-rows")
    assert not report.rejects, report.rejects[:3]
    return {name: count for name, count in report.counts.as_dict().items() if count and name != "rows"}


def test_what_a_magento_file_says_anew(shop: Feeds) -> None:
    shop.run(EXAMPLES / "lanterns-magento.csv")
    lines = (EXAMPLES / "lanterns-magento.csv").read_text("utf-8")
    other = (
        lines.replace("11.9000,10/25/26,2026-12-31 00:00:00", ",,")  # the offer is over
        .replace("sku=LANT-20-CO,height=20 cm", "sku=LANT-20-CO,height=25 cm")
        .replace("LANT-HOOK=2.0000", "LANT-HOOK=5.0000")
        .replace(",burning_hours=8,", ",,")
    )

    assert changes(shop, shop.file(other)) == {"updated": 3, "unchanged": 7}
    assert shop.record("CANDLE-6")["prices"] == [
        {"currency": "USD", "amount": "14.90"},
        {"currency": "USD", "amount": "16.00", "list": "msrp"},
    ]
    assert "burning_hours" not in shop.record("CANDLE-6")["attributes"]
    assert shop.record("LANT-20-CO")["options"]["Height"] == "25 cm"
    assert shop.record("LANT-SET")["components"][-1]["quantity"] == 5


def test_what_a_medusa_file_says_anew(shop: Feeds) -> None:
    shop.run(EXAMPLES / "lanterns-medusa.csv")
    shop.run(json.dumps({"sku": "CANDLE-6", "brand": "Imkerei", "stock": 4}), "more.ndjson")
    rows = list(csv.DictReader((EXAMPLES / "lanterns-medusa.csv").read_text("utf-8").splitlines(keepends=True)))
    rows[0]["Variant Price Northern islands [EUR]"] = ""
    rows[3]["Product Title"] = "Twelve beeswax candles"
    path = shop.folder / "anew.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)

    assert changes(shop, path) == {"updated": 2, "unchanged": 3}
    candles = shop.record("CANDLE-6")
    assert (candles["name"], candles["brand"], candles["stock"]) == (
        "Twelve beeswax candles",
        "Imkerei",
        {"default": 4},
    )
    assert {price.get("list") for price in shop.record("LANT-20-CO")["prices"]} == {None}


@pytest.mark.parametrize("format", ["magento", "medusa"])
def test_naughty_texts_in_every_field_go_out_and_in_again(
    shop: Feeds, second: Feeds, format: str, shared_data: Path
) -> None:
    texts = json.loads((shared_data / "security" / "naughty-strings.json").read_text("utf-8"))
    texts = [text for text in texts if text.strip() and "\0" not in text]
    shop.run("\n".join(json.dumps(record) for record in naughty(texts)), "naughty.ndjson", on_error="skip-rows")
    before = shop.records()
    assert len(before) > 500

    file = shop.export(format, "out.csv")

    assert changes(shop, file) == {"unchanged": len(before)}
    assert shop.records() == before
    second.run(file, on_error="skip-rows")
    out = second.export(format, "out.csv")
    assert changes(second, out) == {"unchanged": second.value("select count(*) from product")}


def naughty(texts: list[str]) -> Iterator[dict[str, Any]]:
    for number, text in enumerate(texts):
        other = texts[(number * 7 + 3) % len(texts)]
        yield {
            "sku": f"P{number}", "name": text, "description": other, "brand": other[:200], "tax_class": text[:200],
            "category": text[:200].replace(">", "/"), "categories": [other[:200].replace(">", "/")],
            "attributes": {text[:200]: other, "plain": text, "list": [text, other], "deep": {"a": [1, None, text]}},
            "media": [{"url": text, "alt": other}, {"url": other}], "tags": [text[:200]],
            "prices": [{"currency": "USD", "amount": "1.50"}, {"currency": "USD", "amount": "1", "list": text[:200]}],
        }  # fmt: skip
        yield {
            "sku": f"V{number}", "name": other, "parent_sku": f"P{number}", "options": {text[:200]: other[:200]},
        }  # fmt: skip
