"""Feeds of other shops on a catalogue that has a life of its own: what they change, and what they leave alone."""

from __future__ import annotations

import csv
from pathlib import Path

from shopctl.catalogue.service import CatalogueService
from shopctl.storage.database import Database
from support.feeds import Feeds, counted

HEADER = (
    "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,Variant Inventory "
    "Tracker,Variant Inventory Qty,Variant Price,Variant Compare At Price,Image Src,SEO Title,Variant Barcode\n"
)
MUG = (
    "mug,Mug,,Potters,Cups,clay,true,Size,Small,MUG-S,shopify,5,9.00,12.00,https://e.test/1.jpg,Mugs!,111\n"
    "mug,,,,,,,,Large,MUG-L,shopify,3,11.00,,https://e.test/2.jpg,,\n"
    "mug,,,,,,,,,,,,,,https://e.test/3.jpg,,\n"
)
LAMP = "lamp,Lamp,,Davy,Lamps,,true,Title,Default Title,LAMP,shopify,1,30.00,,,,\n"
SHOP = HEADER + MUG + LAMP


def prices(feeds: Feeds, sku: str) -> dict[tuple[str, str], str]:
    return {(p["currency"], p.get("list", "default")): p["amount"] for p in feeds.record(sku)["prices"]}


def test_the_parent_counts_as_a_row_of_its_own(feeds: Feeds, database: Database) -> None:
    report = feeds.run(SHOP)

    assert counted(report) == {"rows": 4, "created": 4}
    assert [record["sku"] for record in feeds.records()] == ["LAMP", "MUG-L", "MUG-S", "mug"]
    assert counted(feeds.run(SHOP)) == {"rows": 4, "unchanged": 4}
    assert feeds.value("select count(*) from import_row") == 0


def test_what_the_product_says_changes_all_its_variants(feeds: Feeds) -> None:
    feeds.run(SHOP)

    assert counted(feeds.run(SHOP.replace("mug,Mug", "mug,Cup"))) == {"rows": 4, "updated": 3, "unchanged": 1}
    assert {record["name"] for record in feeds.records()} == {"Cup", "Lamp"}


def test_what_the_format_cannot_say_stays(feeds: Feeds, catalogue: CatalogueService) -> None:
    feeds.run(SHOP)
    feeds.run(
        '{"sku":"MUG-L","name":"Mug, large","tax_class":"","attributes":{"volume_ml":400},'
        '"prices":[{"currency":"USD","amount":"11.00"},{"currency":"EUR","amount":"10.00"},'
        '{"currency":"USD","amount":"9.00","min_quantity":10}],"publish_at":"2026-01-01"}\n',
        "own.ndjson",
    )
    before = feeds.record("MUG-L")

    assert counted(feeds.run(SHOP)) == {"rows": 4, "unchanged": 4}
    assert feeds.record("MUG-L") == before
    feeds.run(SHOP.replace("11.00", "11.50"))
    after = feeds.record("MUG-L")
    assert (after["name"], after["attributes"], after["publish_at"]) == (
        "Mug, large",
        {"volume_ml": 400},
        before["publish_at"],
    )
    assert [(p["currency"], p["amount"]) for p in after["prices"]] == [
        ("EUR", "10.00"),
        ("USD", "11.50"),
        ("USD", "9.00"),
    ]


def test_a_blank_cell_clears_what_the_format_would_have_said(feeds: Feeds) -> None:
    feeds.run(SHOP)
    assert prices(feeds, "MUG-S") == {("USD", "default"): "9.00", ("USD", "compare-at"): "12.00"}

    changed = (
        SHOP.replace("12.00", "").replace("Mugs!", "").replace(",111", ",").replace("clay", "").replace("Potters", "")
    )
    feeds.run(changed)

    small, parent = feeds.record("MUG-S"), feeds.record("mug")
    assert prices(feeds, "MUG-S") == {("USD", "default"): "9.00"}
    assert (small["attributes"], parent["attributes"]) == ({}, {})
    assert (parent["tags"], small["brand"]) == ([], "")


def test_a_blank_price_and_a_missing_column_say_nothing(feeds: Feeds) -> None:
    feeds.run(SHOP)

    feeds.run(SHOP.replace("30.00", ""))
    assert prices(feeds, "LAMP") == {("USD", "default"): "30.00"}
    feeds.run("Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price\nmug,Mug,Size,Small,MUG-S,9.50\n")
    assert prices(feeds, "MUG-S") == {("USD", "default"): "9.50", ("USD", "compare-at"): "12.00"}
    assert feeds.record("mug")["media"][0]["url"] == "https://e.test/1.jpg"
    assert feeds.record("MUG-S")["attributes"] == {"barcode": "111"}


def test_reading_a_feed_again_does_not_undo_the_sales_since(feeds: Feeds, database: Database) -> None:
    feeds.run(SHOP)
    with database.unit() as unit:
        unit.execute("update stock set on_hand = 2 where product_id = (select id from product where sku = 'MUG-S')")

    feeds.run(SHOP.replace("9.00", "9.10"))
    assert feeds.record("MUG-S")["stock"] == {"default": 2}
    feeds.run(SHOP.replace("shopify,5", "shopify,2"))  # the other shop has seen the sale, too
    with database.unit() as unit:
        unit.execute("update stock set on_hand = 1 where product_id = (select id from product where sku = 'MUG-S')")
    feeds.run(SHOP.replace("shopify,5", "shopify,2").replace("9.00", "9.20"))
    assert feeds.record("MUG-S")["stock"] == {"default": 1}


def test_rejects_are_corrected_and_imported_again(feeds: Feeds) -> None:
    feeds.run(SHOP)
    bad = SHOP.replace("11.00", "eleven").replace("mug,Mug", "mug,Cup")

    report = feeds.run(bad, on_error="skip-rows")
    assert counted(report) == {"rows": 4, "updated": 2, "unchanged": 1, "rejected": 1}
    assert report.rejects_file is not None
    path = Path(report.rejects_file)
    path.write_text(path.read_text("utf-8").replace("eleven", "11.75"), "utf-8")

    again = feeds.run(path)
    assert counted(again) == {"rows": 2, "updated": 1, "unchanged": 1}
    assert prices(feeds, "MUG-L") == {("USD", "default"): "11.75"}
    assert {feeds.record(sku)["name"] for sku in ("mug", "MUG-S", "MUG-L")} == {"Cup"}
    assert len(feeds.record("mug")["media"]) == 3


def test_variants_of_a_product_that_is_a_variant_itself_are_named_whole(feeds: Feeds) -> None:
    feeds.run(
        '{"sku":"V","name":"n"}\n{"sku":"MUG-S","name":"n"}\n{"sku":"W","name":"n","parent_sku":"MUG-S"}\n',
        "own.ndjson",
    )

    report = feeds.run(SHOP, on_error="skip-rows")

    assert counted(report) == {"rows": 4, "created": 3, "rejected": 1}  # what has variants cannot become one
    assert report.rejects_file is not None
    with open(report.rejects_file, encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["line"], row["code"], row["Title"], row["Option1 Name"]) == ("2", "parent.invalid", "Mug", "Size")
    assert len(row["Image Src"].splitlines()) == 3


def test_a_product_edited_here_takes_its_variants_along_again(feeds: Feeds, catalogue: CatalogueService) -> None:
    feeds.run(SHOP)
    catalogue.edit("mug", ["name=Cup"])

    assert counted(feeds.run(SHOP.replace("mug,Mug", "mug,Cup"))) == {"rows": 4, "updated": 2, "unchanged": 2}
    assert {record["name"] for record in feeds.records()} == {"Cup", "Lamp"}


def test_both_products_of_a_line_may_be_rejected(feeds: Feeds) -> None:
    report = feeds.run(HEADER + MUG.replace("mug,Mug", f"mug,{'M' * 2001}") + LAMP, on_error="skip-rows")

    assert counted(report) == {"rows": 4, "created": 1, "rejected": 3}
    assert [(reject["line"], reject["sku"]) for reject in report.rejects] == [(2, "MUG-S"), (2, "mug"), (3, "MUG-L")]
    assert report.rejects_file is not None
    with open(report.rejects_file, encoding="utf-8", newline="") as file:
        assert [row["line"] for row in csv.DictReader(file)] == ["2", "3"]


def test_pruning_retires_variants_and_products_that_are_gone(feeds: Feeds) -> None:
    feeds.run(SHOP)

    report = feeds.run(HEADER + MUG.splitlines(keepends=True)[0] + LAMP, prune=True)

    assert report.counts.retired == 1
    assert feeds.record("MUG-L")["status"] == "retired"
    assert feeds.run(HEADER + LAMP, prune=True).counts.retired == 2
    assert feeds.record("mug")["status"] == "retired"


def test_the_last_of_several_variants_of_one_sku_wins(feeds: Feeds) -> None:
    report = feeds.run(HEADER + MUG + LAMP + LAMP.replace("lamp,Lamp", "light,Light"))

    assert counted(report) == {"rows": 5, "created": 4, "superseded": 1}
    assert feeds.record("LAMP")["name"] == "Light"


def test_a_dry_run_shows_only_what_would_change(feeds: Feeds) -> None:
    feeds.run(SHOP)

    report = feeds.run(SHOP.replace("30.00", "33.00"), dry_run=True)

    assert [(change["sku"], list(change["fields"])) for change in report.changes] == [("LAMP", ["prices"])]


def test_more_products_than_a_batch_holds_are_merged_line_by_line(feeds: Feeds) -> None:
    text = HEADER + "".join(
        MUG.replace("mug,", f"mug-{number},").replace("MUG-", f"M{number}-") for number in range(1500)
    )

    assert counted(feeds.run(text)) == {"rows": 4500, "created": 4500}
    assert feeds.value("select count(*) from product where parent_sku <> ''") == 3000
    assert counted(feeds.run(text.replace("9.00", "9.10"))) == {"rows": 4500, "updated": 1500, "unchanged": 3000}
