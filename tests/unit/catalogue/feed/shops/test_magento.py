"""Magento's product file: variants find their product wherever it stands, and nothing of a row is lost."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from shopctl.catalogue.feed.errors import TooConnected
from shopctl.catalogue.feed.shops import magento
from shopctl.catalogue.sheet_writing import SheetWriter
from shopctl.kernel import clock
from unit.catalogue.feed.conftest import Read, Reader

BASE = ("sku", "store_view_code", "attribute_set_code", "product_type")


def feed(*rows: Mapping[str, str], columns: tuple[str, ...] = ()) -> str:
    """A file with the columns the rows need."""
    names = list(dict.fromkeys([*BASE, *columns, *(name for row in rows for name in row)]))
    file = io.StringIO()
    writer = csv.DictWriter(file, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({"attribute_set_code": "Default", **row} for row in rows)
    return file.getvalue()


def simple(sku: str, **cells: str) -> dict[str, str]:
    return {"sku": sku, "product_type": "simple", "name": sku.title(), **cells}


HAT = {
    "sku": "hat", "product_type": "configurable", "name": "Hat",
    "configurable_variations": "sku=hat-s,size=S,dye=Red|sku=hat-m,size=M,dye=Blue, dark",
    "configurable_variation_labels": "size=Size,dye=Colour",
}  # fmt: skip


@pytest.fixture
def one(read: Reader) -> Callable[..., dict[str, Any]]:
    """The fields of a single simple product; its attributes as a dictionary."""

    def run(**cells: str) -> dict[str, Any]:
        result = read(feed(simple("mug", **cells)))
        assert result.rejects == []
        return _plain(result["mug"])

    return run


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "extra": json.loads(row.get("extra", "{}"))}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (0, 2, 1)])
def test_variants_get_their_product_and_options_wherever_it_stands(read: Reader, order: tuple[int, ...]) -> None:
    rows = [
        simple("hat-s", additional_attributes="size=S,dye=Red,care=Wash|Iron"),
        simple("hat-m", additional_attributes="size=M"),
        HAT,
    ]

    result = read(feed(*(rows[index] for index in order)))

    assert result.feed.format == "magento"
    assert result.rejects == []
    assert result["hat-s"]["parent_sku"] == "hat"
    assert json.loads(result["hat-s"]["options"]) == {"Size": "S", "Colour": "Red"}
    assert json.loads(result["hat-m"]["options"]) == {"Size": "M", "Colour": "Blue, dark"}
    assert "parent_sku" not in result["hat"]
    # What the option says already is no attribute as well.
    assert json.loads(result["hat-s"]["extra"])["care"] == ["Wash", "Iron"]
    assert "size" not in json.loads(result["hat-s"]["extra"])


def test_the_first_of_two_configurable_products_has_a_variant(read: Reader) -> None:
    result = read(feed(simple("hat-s"), HAT, {**HAT, "sku": "cap"}))

    assert result["hat-s"]["parent_sku"] == "hat"


def test_rows_of_store_views_change_texts_and_add_no_product(read: Reader) -> None:
    rows = [
        simple("mug", price="9.90"),
        {"sku": "mug", "store_view_code": "de", "name": "Becher", "product_type": "simple"},
        {"sku": "mug", "store_view_code": "fr", "name": "Tasse", "product_type": "simple"},
        simple("pot"),
        {"sku": "mug", "store_view_code": "it", "name": "Tazza", "product_type": "simple"},
    ]

    result = read(feed(*rows))

    assert result.skus == ["mug", "pot"]
    assert result["mug"]["name"] == "Mug"
    extra = json.loads(result["mug"]["extra"])
    assert {key: extra[key] for key in extra if key.startswith("store_view_")} == {
        "store_view_de": {"name": "Becher"},
        "store_view_fr": {"name": "Tasse"},
        "store_view_it": {"name": "Tazza"},
    }


def test_a_row_of_a_store_view_above_its_product(read: Reader) -> None:
    result = read(feed({"sku": "mug", "store_view_code": "de", "name": "Becher"}, simple("pot"), simple("mug")))

    assert result.skus == ["pot", "mug"]
    assert json.loads(result["mug"]["extra"])["store_view_de"] == {"name": "Becher"}


def test_a_row_of_a_store_view_without_its_product_changes_nothing_else(read: Reader) -> None:
    result = read(feed({"sku": "mug", "store_view_code": "de", "name": "Becher"}, simple("pot")))

    assert "name" not in result["mug"]
    assert json.loads(result["mug"]["extra"]) == {"store_view_de": {"name": "Becher"}}


def test_the_default_store_view_is_the_product_where_no_other_row_is(read: Reader) -> None:
    result = read(feed(simple("mug", store_view_code="default"), simple("pot", store_view_code="default")))

    assert [result[sku]["name"] for sku in result.skus] == ["Mug", "Pot"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("simple", "physical"), ("virtual", "service"), ("downloadable", "digital"), ("bundle", "bundle"),
     ("grouped", "bundle"), ("giftcard", "physical")],
)  # fmt: skip
def test_the_kind_by_the_type(one: Callable[..., dict[str, Any]], name: str, kind: str) -> None:
    row = one(product_type=name)

    assert row["kind"] == kind
    assert row["extra"].get("product_type") == (name if name in ("grouped", "giftcard") else None)


def test_bundles_and_groups_hold_their_parts(read: Reader) -> None:
    result = read(
        feed(
            simple("kit", product_type="bundle", bundle_values="name=A,type=select,required=1,sku=mug,default_qty=2"),
            simple("set", product_type="grouped", associated_skus="mug=1.0000,pot=3.0000"),
            simple("mug"),
        )
    )

    assert json.loads(result["kit"]["components"]) == [{"quantity": 2, "sku": "mug"}]
    assert json.loads(result["set"]["components"])[1] == {"quantity": 3, "sku": "pot"}
    assert json.loads(result["mug"]["components"]) == []


def test_what_a_buyer_pays_is_on_the_default_list(one: Callable[..., dict[str, Any]]) -> None:
    undated = one(price="39.0000", special_price="33.0000")
    assert undated["prices"] == (("EUR", 3900, "compare-at", 1, 0, None), ("EUR", 3300, "default", 1, 0, None))

    dated = one(price="39", special_price="33", special_price_from_date="10/25/16", special_price_to_date="2016-10-31")
    start, end = clock.parse("2016-10-25"), clock.parse("2016-11-01")
    assert dated["prices"] == (("EUR", 3900, "default", 1, 0, None), ("EUR", 3300, "default", 1, start, end))

    higher = one(price="39", special_price="99", msrp_price="45", map_price="30")
    assert {price[:3] for price in higher["prices"]} == {
        ("EUR", 3900, "default"),
        ("EUR", 4500, "msrp"),
        ("EUR", 3000, "map"),
    }
    assert higher["extra"]["special_price"] == "99"


def test_the_special_price_of_a_bundle_is_a_percentage(one: Callable[..., dict[str, Any]]) -> None:
    row = one(product_type="bundle", price="100.00", special_price="80.0000")

    assert [price[1] for price in row["prices"]] == [10000]
    assert row["extra"]["special_price"] == "80.0000"


def test_net_prices_with_four_decimals_are_rounded_and_kept(one: Callable[..., dict[str, Any]]) -> None:
    row = one(price="41.3223", qty="2.5000")

    assert row["prices"][0][1] == 4132
    assert row["extra"]["price_exact"] == "41.3223"
    assert row["stock"] == (("default", 2),)
    assert row["extra"]["qty_exact"] == "2.5000"
    assert one(price="12.345000")["prices"][0][1] == 1235
    assert "price_exact" not in one(price="36.000000")["extra"]


def test_stock_owed_to_buyers_is_none_and_stays_visible(one: Callable[..., dict[str, Any]]) -> None:
    row = one(qty="-3.0000", is_in_stock="1")

    assert row["stock"] == (("default", 0),)
    assert (row["extra"]["oversold"], row["extra"]["is_in_stock"]) == ("3", "1")


def test_the_other_fields_of_a_row(one: Callable[..., dict[str, Any]]) -> None:
    row = one(
        categories="Default Category/Home/Mugs,Default Category/Sale",
        product_online="2",
        tax_class_name="Taxable Goods",
        additional_attributes="manufacturer=Pottery & Co,glaze=matt",
        base_image="/m/a.jpg",
        base_image_label="front",
        small_image="/m/a.jpg",
        thumbnail_image="/m/t.jpg",
        additional_images="/m/b.jpg,/m/a.jpg",
        additional_image_labels="side,",
        url_key="mug",
        meta_title="__EMPTY__VALUE__",
        weight="0.3",
        related_skus="pot,cup",
        own_column="kept",
        structured='{"depth": 3}',
    )

    assert (row["category"], row["categories"]) == ("Default Category > Home > Mugs", '["Default Category > Sale"]')
    assert (row["status"], row["tax_class"], row["brand"]) == ("draft", "Taxable Goods", "Pottery & Co")
    assert json.loads(row["media"]) == [{"alt": "front", "url": "/m/a.jpg"}, {"alt": "side", "url": "/m/b.jpg"}]
    assert row["extra"] == {
        "glaze": "matt", "thumbnail_image": "/m/t.jpg", "url_key": "mug",
        "weight": "0.3", "related_skus": "pot,cup", "own_column": "kept", "structured": {"depth": 3},
    }  # fmt: skip


def test_bad_rows_are_named_and_can_be_imported_alone(read: Reader) -> None:
    content = feed(
        simple("a", price="cheap"),
        simple("b", qty="some"),
        simple("c", price="9", special_price="8", special_price_from_date="soon"),
        simple("d", price="9", special_price="8", special_price_from_date="2026-02-02", special_price_to_date="1/1/26"),
        {"sku": "", "product_type": "simple", "name": "Nobody"},
        {"sku": "e", "product_type": "simple"},
        simple("f", price="-1"),
    )

    result = read(content)

    assert result.rows == []
    assert result.codes == [
        (2, "price.invalid"), (3, "stock.invalid"), (4, "date.invalid"), (5, "price.period"), (6, "sku.missing"),
        (7, "name.missing"), (8, "price.negative"),
    ]  # fmt: skip
    assert result.rejects[0].row[0] == "a"


def test_known_products_are_not_read_again_but_a_new_place_is_noticed(read: Reader) -> None:
    rows = [simple("hat-s"), simple("pot"), HAT]
    known = {row[1] for row in read(feed(*rows)).rows}

    again = read(feed(*rows), known=known)
    assert again.rows == []
    assert len(again.known) == 3

    moved = {**HAT, "configurable_variations": "sku=hat-s,size=XL"}
    assert sorted(read(feed(simple("hat-s"), simple("pot"), moved), known=known).skus) == ["hat", "hat-s"]


def test_an_import_goes_on_where_it_stopped(read: Reader) -> None:
    content = feed(*(simple(f"s{number}") for number in range(1200)), {**HAT, "configurable_variations": "sku=s1100"})
    whole = read(content)
    stopped = whole.lines[0]

    rest = read(content, start_line=stopped)

    assert 1 < stopped < 1200
    assert len(whole.rows) == 1201
    assert rest.rows == [row for row in whole.rows if row[0] > stopped]
    assert rest["s1100"]["parent_sku"] == "hat"


def test_it_is_recognised_as_a_spreadsheet_and_by_semicolons_too(read: Reader) -> None:
    rows = list(csv.reader(io.StringIO(feed(simple("hat-s", price="9,90"), HAT))))
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows(rows)
    result = read(text.getvalue())
    assert (result.feed.format, result["hat-s"]["parent_sku"]) == ("magento", "hat")
    assert result["hat-s"]["prices"][0][1] == 990

    file = io.BytesIO()
    with SheetWriter(file) as writer:
        for row in rows:
            writer.row(row)
    sheet = read(file.getvalue())
    assert sheet.feed.format == "magento"
    assert sheet["hat-s"]["parent_sku"] == "hat"


def test_a_plain_file_with_a_sku_is_not_taken_for_one(read: Reader) -> None:
    assert read("sku,name,price,qty,url_key,visibility\nmug,Mug,9,1,mug,yes\n").feed.format == "csv"


def test_what_must_be_held_is_bounded(read: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(magento, "_MOST_BYTES", 100)

    with pytest.raises(TooConnected):
        read(feed(simple("hat-s"), HAT))


FIRST = """\
sku,_store,_attribute_set,_type,_category,_root_category,name,price,status,visibility,qty,_media_image,image,\
_super_products_sku,_super_attribute_code,_super_attribute_option,_associated_sku,_associated_default_qty
tee-s,,Default,simple,Shirts,Root,Tee S,19.9900,1,1,5.0000,/t/s.jpg,/t/s.jpg,,,,,
,,,,Sale,Root,,,,,,/t/b.jpg,,,,,,
,de,,,,,Hemd S,,,,,,,,,,,
tee,,Default,configurable,Shirts,Root,Tee,19.9900,2,4,0,,,tee-s,size,S,,
,,,,,,,,,,,,,tee-s,colour,Red,,
pack,,Default,grouped,Shirts,Root,Pack,,1,4,0,,,,,,tee-s,2.0000
,,,,,,,,,,,,,,,,tee,0.0000
"""


def test_the_first_release_goes_on_in_rows_without_a_sku(read: Reader) -> None:
    result: Read = read(FIRST)

    assert result.rejects == []
    assert result.skus == ["tee-s", "tee", "pack"]
    tee = result["tee-s"]
    assert (tee["category"], tee["categories"]) == ("Root > Shirts", '["Root > Sale"]')
    assert (tee["parent_sku"], json.loads(tee["options"])) == ("tee", {"size": "S", "colour": "Red"})
    assert [link["url"] for link in json.loads(tee["media"])] == ["/t/s.jpg", "/t/b.jpg"]
    assert json.loads(tee["extra"])["store_view_de"] == {"name": "Hemd S"}
    assert "visibility" not in json.loads(tee["extra"])  # the usual one of a variant
    assert result["tee"]["status"] == "draft"
    assert [part["quantity"] for part in json.loads(result["pack"]["components"])] == [2, 1]
