"""WooCommerce's product CSV: types, parents, prices, stock and the way its cells are written."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

import pytest

from shopctl.catalogue.feed.shops.woocommerce_columns import (
    escaped,
    joined,
    several,
    unescaped,
    with_lines,
    without_lines,
)
from shopctl.catalogue.feed.shops.woocommerce_types import kind_of, type_of
from unit.catalogue.feed.conftest import Reader

HEADER = (
    'ID,Type,SKU,"GTIN, UPC, EAN, or ISBN",Name,Published,"Is featured?","Visibility in catalog","Short description",'
    'Description,"Date sale price starts","Date sale price ends","Tax status","Tax class","In stock?",Stock,'
    '"Low stock amount","Backorders allowed?","Sold individually?","Weight (kg)","Length (cm)","Width (cm)",'
    '"Height (cm)","Allow customer reviews?","Purchase note","Sale price","Regular price",Categories,Tags,'
    '"Shipping class",Images,"Download limit","Download expiry days",Parent,"Grouped products",Upsells,Cross-sells,'
    '"External URL","Button text",Position,Brands,"Attribute 1 name","Attribute 1 value(s)","Attribute 1 visible",'
    '"Attribute 1 global","Attribute 1 default","Attribute 2 name","Attribute 2 value(s)","Attribute 2 visible",'
    '"Attribute 2 global","Download 1 name","Download 1 URL","Meta: _vendor"'
)


def file(*rows: Mapping[str, str]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, next(csv.reader([HEADER])), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def simple(sku: str = "MUG", **cells: str) -> dict[str, str]:
    usual = {"Type": "simple", "SKU": sku, "Name": "Mug", "Published": "1", "In stock?": "1", "Tax status": "taxable"}
    usual |= {"Visibility in catalog": "visible", "Allow customer reviews?": "1", "Regular price": "9.50"}
    return usual | {_NAMES.get(name, name.replace("_", " ")): cell for name, cell in cells.items()}


_NAMES = {
    "Until": "Date sale price ends", "From": "Date sale price starts", "In_stock": "In stock?", "Weight": "Weight (kg)",
    "Featured": "Is featured?", "Visibility": "Visibility in catalog", "Vendor": "Meta: _vendor",
    "Backorders": "Backorders allowed?",
}  # fmt: skip
RUG = (
    {"ID": "44", "Type": "variable", "Name": "Rug", "Published": "1", "Description": "Soft",
     "Tax class": "reduced-rate", "Categories": "Home, Home > Rugs", "Tags": r"wool, soft\, warm", "Brands": "Acme",
     "Attribute 1 name": "Colour",
     "Attribute 1 value(s)": r"Red, Blue\, dark", "Attribute 1 visible": "1", "Attribute 1 global": "1",
     "Attribute 1 default": "Red", "Attribute 2 name": "Material", "Attribute 2 value(s)": "Wool",
     "Attribute 2 visible": "0", "Attribute 2 global": "1", "In stock?": "1", "Images": "https://e.test/rug.jpg"},
    {"ID": "45", "Type": "variation", "Name": "Rug - Red", "Published": "1", "Tax class": "parent", "In stock?": "1",
     "Stock": "7", "Regular price": "99", "Parent": "id:44", "Attribute 1 name": "Colour",
     "Attribute 1 value(s)": "Red", "Allow customer reviews?": "0", "Position": "1"},
    {"ID": "46", "Type": "variation", "SKU": "RUG-B", "Name": "Rug - Blue", "Published": "1", "Parent": "id:44",
     "Regular price": "99", "Stock": "parent", "In stock?": "1", "Attribute 1 name": "Colour",
     "Attribute 1 value(s)": r"Blue\, dark", "Images": "https://e.test/blue.jpg"},
)  # fmt: skip


def said(record: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(record.get("extra", "{}"))
    return found


def test_a_variation_has_from_its_parent_what_it_does_not_say(read: Reader) -> None:
    feed = read(file(*RUG))

    assert feed.feed.format == "woocommerce"
    assert feed.rejects == []
    assert feed.skus == ["id:44", "id:45", "RUG-B"]  # without a SKU the number, as others refer to it
    red, blue = feed["id:45"], feed["RUG-B"]
    for variation in (red, blue):
        assert variation["parent_sku"] == "id:44"
        assert (variation["description"], variation["brand"], variation["category"]) == ("Soft", "Acme", "Home > Rugs")
        assert json.loads(variation["tags"]) == ["wool", "soft, warm"]
        assert said(variation)["Material"] == "Wool"
    assert (red["name"], red["options"], red["tax_class"]) == ("Rug - Red", '{"Colour":"Red"}', "reduced-rate")
    assert (blue["options"], blue["tax_class"]) == ('{"Colour":"Blue, dark"}', "")
    assert red["stock"] == (("default", 7),)
    assert "stock" not in blue  # its parent's


def test_a_parent_keeps_its_attributes_and_how_they_are_shown(read: Reader) -> None:
    assert said(read(file(*RUG))["id:44"]) == {
        "Colour": ["Red", "Blue, dark"],
        "Material": "Wool",
        "attribute_flags": {"Colour": {"default": "Red"}, "Material": {"visible": "0"}},
        "product_type": "variable",
    }


@pytest.mark.parametrize("order", [(1, 0, 2), (1, 2, 0)])
def test_a_parent_may_stand_below_its_variations(read: Reader, order: tuple[int, ...]) -> None:
    text = file(*(RUG[index] for index in order), simple())
    usual, turned = read(file(*RUG, simple())), read(text)

    assert sorted(turned.skus) == sorted(usual.skus)
    for sku in usual.skus:
        assert turned[sku] | {"line": 0, "hash": 0} == usual[sku] | {"line": 0, "hash": 0}
    for line in turned.lines:
        assert read(text, start_line=line).skus == [row[2] for row in turned.rows if row[0] > line]


def test_a_variation_without_its_parent_keeps_the_reference(read: Reader) -> None:
    feed = read(file(RUG[1], simple(), {"Type": "variation", "SKU": "X", "Name": "X", "Regular price": "1"}))

    assert feed["id:45"]["parent_sku"] == "id:44"
    assert feed.codes == [(4, "parent.unknown")]


def test_a_variation_with_the_sku_of_its_parent_is_known_by_its_number(read: Reader) -> None:
    feed = read(file({**RUG[0], "SKU": "RUG"}, {**RUG[1], "SKU": "RUG", "Parent": "RUG"}))

    assert feed.skus == ["RUG", "id:45"]
    assert feed["id:45"]["parent_sku"] == "RUG"


def test_a_parent_is_found_by_its_number_and_by_its_sku(read: Reader) -> None:
    feed = read(file({**RUG[0], "SKU": "RUG"}, RUG[1], {**RUG[2], "Parent": "RUG"}))

    assert {feed[sku]["parent_sku"] for sku in ("id:45", "RUG-B")} == {"RUG"}


@pytest.mark.parametrize(
    ("cells", "prices"),
    [
        ({}, [(950, "default", 0, None)]),
        ({"Sale_price": "8"}, [(800, "default", 0, None), (950, "compare-at", 0, None)]),
        ({"Sale_price": "8", "From": "2026-11-27 0:00:00", "Until": "2026-11-30 23:59:59"},
         [(950, "default", 0, None), (800, "default", 1795737600000000, 1796083200000000)]),
        ({"Sale_price": "8", "Until": "2026-11-30"},
         [(950, "default", 0, None), (800, "default", 1000000, 1796083200000000)]),
        ({"Regular_price": "1,50"}, [(150, "default", 0, None)]),
        ({"Regular_price": ""}, []),
    ],
)  # fmt: skip
def test_prices_and_sales(read: Reader, cells: dict[str, str], prices: list[tuple[Any, ...]]) -> None:
    found = read(file(simple(**cells)))["MUG"]["prices"]

    assert [(price[1], price[2], price[4], price[5]) for price in found] == prices


@pytest.mark.parametrize(
    ("cells", "stock", "attributes"),
    [
        ({"Stock": "12"}, (("default", 12),), {}),
        ({"Stock": "12.0000"}, (("default", 12),), {}),
        ({"Stock": ""}, None, {}),
        ({"Stock": "", "In_stock": "0"}, (("default", 0),), {"manage_stock": "false"}),
        ({"Stock": "-3", "In_stock": "backorder", "Backorders": "notify"}, (("default", 0),),
         {"oversold": "3", "in_stock": "backorder", "backorders": "notify"}),
    ],
)  # fmt: skip
def test_stock(read: Reader, cells: dict[str, str], stock: object, attributes: dict[str, str]) -> None:
    record = read(file(simple(**cells)))["MUG"]

    assert record.get("stock") == stock
    assert said(record) == attributes


@pytest.mark.parametrize(
    ("published", "status"),
    [("1", "active"), ("0", "draft"), ("-1", "draft"), ("'-1", "draft"), ("", "active"), ("private", "draft")],
)
def test_publication(read: Reader, published: str, status: str) -> None:
    assert read(file(simple(Published=published)))["MUG"]["status"] == status


@pytest.mark.parametrize(
    ("types", "kind"),
    [("simple", "physical"), ("simple, virtual", "digital"), ("simple, downloadable, virtual", "digital"),
     ("grouped", "bundle"), ("external", "physical"), ("variable-subscription", "subscription"),
     ("subscription, virtual", "subscription"), ("booking", "service"), ("unheard-of", "physical"), ("", "physical")],
)  # fmt: skip
def test_types(types: str, kind: str) -> None:
    assert kind_of(types) == kind


def test_a_type_is_kept_while_it_fits() -> None:
    def of(kind: str, said: object = None, parent: bool = False, variant: bool = False) -> str:
        return type_of(kind, said, is_parent=parent, is_variant=variant)

    assert of("physical", "external") == "external"
    assert of("digital", "external") == "simple, virtual"
    assert of("physical", "external", parent=True) == "variable"
    assert of("physical", "variable", variant=True) == "variation"
    assert of("subscription", "variable-subscription", parent=True) == "variable-subscription"
    assert of("bundle") == "grouped"


def test_what_belongs_together_is_named_by_sku(read: Reader) -> None:
    rows = ({**simple("SET"), "Type": "grouped", "Grouped products": "MUG, id:44"}, simple(Upsells="SET, id:44"))
    feed = read(file(*rows))

    assert json.loads(feed["SET"]["components"]) == [{"quantity": 1, "sku": "MUG"}, {"quantity": 1, "sku": "id:44"}]
    assert said(feed["MUG"]) == {"upsells": ["SET", "id:44"]}


def test_what_the_model_has_no_field_for_is_an_attribute(read: Reader) -> None:
    cells = {"Featured": "1", "Visibility": "hidden", "Weight": "0.5", "Vendor": "V1", "Short_description": r"a\nb"}
    downloads = {"Download 1 name": "Part", "Download 1 URL": "https://e.test/a.pdf"}
    record = read(file(simple(**cells) | downloads))["MUG"]

    assert said(record) == {
        "featured": "1", "catalog_visibility": "hidden", "weight_kg": "0.5", "meta:_vendor": "V1",
        "short_description": "a\nb", "downloads": [{"name": "Part", "url": "https://e.test/a.pdf"}],
    }  # fmt: skip


def test_a_bad_row_is_named_with_what_its_parent_says(read: Reader) -> None:
    feed = read(file(RUG[0], {**RUG[1], "Regular price": "dear"}, RUG[2]))

    assert feed.skus == ["id:44", "RUG-B"]
    assert feed.codes == [(3, "price.invalid")]
    row = dict(zip(feed.feed.header, feed.rejects[0].row, strict=True))
    assert (row["Description"], row["Brands"], row["Tax class"]) == ("Soft", "Acme", "reduced-rate")


@pytest.mark.parametrize("text", ["a\nb", r"a\nb", "a\r\nb", "", "\n", "\\"])
def test_line_ends_in_descriptions(text: str) -> None:
    assert "\n" not in without_lines(text)
    assert with_lines(without_lines(text)) == text


@pytest.mark.parametrize("values", [[], ["a"], ["a, b", "c"], ["ü", "x > y"]])
def test_lists_in_cells(values: list[str]) -> None:
    assert several(joined(values)) == values


@pytest.mark.parametrize("cell", ["=1+1", "@x", "-", "- dash", "plain", "-1", "+49"])
def test_formulas_in_cells(cell: str) -> None:
    assert unescaped(escaped(cell)) == cell
    assert (escaped(cell)[0] == "'") == (cell in ("=1+1", "@x", "-", "- dash"))


def test_a_plain_feed_with_a_type_is_not_woocommerces(read: Reader) -> None:
    assert read("sku,type,name,price\nA,simple,Thing,1\n").feed.format == "csv"
