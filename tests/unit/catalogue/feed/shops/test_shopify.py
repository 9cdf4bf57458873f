"""Shopify's product CSV: what its rows mean, in the columns of all its releases and with the quirks of its stores."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping

import openpyxl
import pytest

from unit.catalogue.feed.conftest import Reader

OLD = (
    "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value,"
    "Variant SKU,Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,"
    "Variant Fulfillment Service,Variant Price,Variant Compare At Price,Variant Requires Shipping,Variant Taxable,"
    "Variant Barcode,Image Src,Image Position,Image Alt Text,Gift Card,SEO Title,SEO Description,"
    "Google Shopping / MPN,Variant Image,Variant Weight Unit,Variant Tax Code"
)
NEW = (
    "Title,URL handle,Description,Vendor,Product category,Type,Tags,Published on online store,Status,SKU,Barcode,"
    "Option1 name,Option1 value,Option1 Linked To,Price,Compare-at price,Cost per item,Charge tax,Tax code,"
    "Unit price total measure,Inventory tracker,Inventory quantity,Continue selling when out of stock,"
    "Weight value (grams),Weight unit for display,Requires shipping,Fulfillment service,Product image URL,"
    "Image position,Image alt text,Variant image URL,Gift card,SEO title,SEO description,"
    "Color (product.metafields.shopify.color-pattern),Care (product.metafields.custom.care),"
    "Google Shopping / Manufacturer part number (MPN),Included / Europe,Price / Europe,Compare At Price / Europe"
)


def file(header: str, *rows: Mapping[str, str]) -> str:
    out = io.StringIO()
    names = next(csv.reader([header]))
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def pot(**cells: str) -> dict[str, str]:
    """The first row of a product in the old columns; cells by their names with `_` for a blank."""
    usual = {
        "Handle": "pot", "Title": "Clay pot", "Vendor": "Potters", "Published": "true", "Option1 Name": "Title",
        "Option1 Value": "Default Title", "Variant Price": "9.99", "Variant Inventory Tracker": "shopify",
        "Variant Inventory Qty": "4",
    }  # fmt: skip
    return usual | {name.replace("_", " "): cell for name, cell in cells.items()}


SIZES = (
    pot(Option1_Name="Size", Option1_Value="Small", Tags="pot, plants", Type="Outdoor")
    | {"Body (HTML)": "<p>Clay</p>", "Image Src": "https://e.test/1.jpg", "Image Position": "1", "Variant Grams": "500",
       "Image Alt Text": "Front", "SEO Title": "Pots!", "Variant Weight Unit": "kg", "Google Shopping / MPN": "M1"},
    {"Handle": "pot", "Option1 Value": "Large", "Variant SKU": "POT-L", "Variant Price": "15.99",
     "Variant Compare At Price": "20", "Variant Inventory Tracker": "shopify", "Variant Inventory Qty": "0",
     "Variant Image": "https://e.test/2.jpg", "Image Src": "https://e.test/2.jpg", "Image Position": "2",
     "Image Alt Text": "Large one"},
    {"Handle": "pot", "Image Src": "https://e.test/3.jpg", "Image Position": "3"},
)  # fmt: skip


def test_a_product_with_variants_is_a_parent_and_its_variants(read: Reader) -> None:
    feed = read(file(OLD, *SIZES))

    assert feed.feed.format == "shopify"
    assert feed.rejects == []
    assert feed.skus == ["pot", "pot-Small", "POT-L"]
    parent, large = feed["pot"], feed["POT-L"]
    assert [row[0] for row in feed.rows] == [2, 2, 3]  # the parent stands on the line of its first variant
    assert parent["parent_sku"] == ""
    assert (large["parent_sku"], large["options"]) == ("pot", '{"Size":"Large"}')
    for record in (parent, large):
        assert (record["name"], record["description"], record["brand"]) == ("Clay pot", "<p>Clay</p>", "Potters")
        assert (record["category"], record["tags"]) == ("Outdoor", '["pot","plants"]')
        assert json.loads(record["extra"])["google_shopping_mpn"] == "M1"
    assert large["prices"] == (("EUR", 1599, "default", 1, 0, None), ("EUR", 2000, "compare-at", 1, 0, None))
    assert large["stock"] == (("default", 0),)
    assert "prices" not in parent
    assert "stock" not in parent


def test_images_belong_to_the_product_and_one_to_a_variant(read: Reader) -> None:
    feed = read(file(OLD, *SIZES))

    assert [image["url"][-5:] for image in json.loads(feed["pot"]["media"])] == ["1.jpg", "2.jpg", "3.jpg"]
    assert json.loads(feed["POT-L"]["media"]) == [{"alt": "Large one", "url": "https://e.test/2.jpg"}]
    assert feed["pot-Small"]["media"] == "[]"


def test_what_the_model_has_no_field_for_is_an_attribute_unless_it_says_nothing(read: Reader) -> None:
    feed = read(file(OLD, *SIZES))

    assert json.loads(feed["pot"]["extra"]) == {"google_shopping_mpn": "M1", "seo_title": "Pots!"}
    assert json.loads(feed["pot-Small"]["extra"]) == {"google_shopping_mpn": "M1", "grams": "500", "weight_unit": "kg"}


def test_a_product_with_only_the_default_variant_is_one_product(read: Reader) -> None:
    feed = read(
        file(OLD, pot(), {"Handle": "pot", "Image Src": "https://e.test/2.jpg"}, pot(Handle="lamp", Variant_SKU="L1"))
    )

    assert feed.skus == ["pot", "L1"]
    assert feed["pot"]["stock"] == (("default", 4),)
    assert json.loads(feed["pot"]["media"]) == [{"alt": "", "url": "https://e.test/2.jpg"}]
    assert feed["L1"]["extra"] == '{"handle":"lamp"}'


def test_one_variant_with_an_option_is_a_variant(read: Reader) -> None:
    feed = read(file(OLD, pot(Option1_Name="Size", Option1_Value="Small")))

    assert feed.skus == ["pot", "pot-Small"]


def test_a_parent_never_has_the_sku_of_its_variant(read: Reader) -> None:
    feed = read(file(OLD, pot(Option1_Name="Size", Option1_Value="S", Variant_SKU="pot")))

    assert feed.skus == ["pot-product", "pot"]
    assert feed["pot"]["parent_sku"] == "pot-product"
    assert json.loads(feed["pot-product"]["extra"]) == {"handle": "pot"}


def test_a_sku_that_variants_share_does_not_tell_them_apart(read: Reader) -> None:
    rows = [pot(Option1_Name="Size", Option1_Value=size, Variant_SKU="SAME") for size in ("S", "L")]

    feed = read(file(OLD, *rows))

    assert feed.skus == ["pot", "pot-S", "pot-L"]
    assert json.loads(feed["pot-L"]["extra"])["shared_sku"] == "SAME"


@pytest.mark.parametrize(
    ("status", "published", "meant"),
    [("active", "true", "active"), ("Active", "TRUE", "active"), ("active", "false", "draft"),
     ("draft", "false", "draft"), ("archived", "true", "retired"), ("", "true", "active"), ("", "false", "draft"),
     ("", "", "active"), ("unlisted", "true", "draft")],
)  # fmt: skip
def test_status_and_publication(read: Reader, status: str, published: str, meant: str) -> None:
    feed = read(file(OLD + ",Status", pot(Status=status, Published=published)))

    assert feed["pot"]["status"] == meant


def test_stock_that_nobody_tracks_is_not_given(read: Reader) -> None:
    feed = read(file(OLD, pot(Variant_Inventory_Tracker="", Variant_Inventory_Qty="1")))
    below = read(file(OLD, pot(Variant_Inventory_Qty="-3")))

    assert "stock" not in feed["pot"]
    assert below["pot"]["stock"] == (("default", 0),)
    assert json.loads(below["pot"]["extra"]) == {"oversold": "3"}


@pytest.mark.parametrize(("cells", "kind"), [({}, "physical"), ({"Variant_Requires_Shipping": "false"}, "digital"),
                                             ({"Gift_Card": "true"}, "digital")])  # fmt: skip
def test_what_is_not_shipped_is_digital(read: Reader, cells: dict[str, str], kind: str) -> None:
    assert read(file(OLD, pot(**cells)))["pot"]["kind"] == kind


def test_numbers_kept_from_spreadsheets_lose_their_apostrophe(read: Reader) -> None:
    feed = read(file(OLD, pot(Variant_SKU="'0012345", Variant_Barcode="'4006381333931")))

    assert feed.skus == ["0012345"]
    assert json.loads(feed["0012345"]["extra"])["barcode"] == "4006381333931"


def test_the_columns_of_the_newest_release(read: Reader) -> None:
    row = {
        "Title": "Scarf", "URL handle": "scarf", "Description": "<b>Warm</b>", "Vendor": "Loom",
        "Product category": "Apparel & Accessories > Scarves", "Type": "Scarf", "Tags": "wool",
        "Published on online store": "TRUE", "Status": "Active", "SKU": "SC-1", "Barcode": "123",
        "Option1 name": "Color", "Option1 value": "Red",
        "Option1 Linked To": "product.metafields.shopify.color-pattern",
        "Price": "30.00", "Compare-at price": "35.00", "Cost per item": "11.50", "Charge tax": "FALSE",
        "Tax code": "PC040100", "Unit price total measure": "2", "Inventory tracker": "shopify",
        "Inventory quantity": "7", "Continue selling when out of stock": "CONTINUE", "Weight value (grams)": "120",
        "Weight unit for display": "g", "Requires shipping": "TRUE", "Fulfillment service": "manual",
        "Product image URL": "https://e.test/a.jpg", "Image position": "1", "Variant image URL": "https://e.test/a.jpg",
        "Gift card": "FALSE", "SEO title": "Scarves", "Color (product.metafields.shopify.color-pattern)": "red; blue",
        "Care (product.metafields.custom.care)": "By hand", "Google Shopping / Manufacturer part number (MPN)": "77",
        "Included / Europe": "true", "Price / Europe": "28", "Compare At Price / Europe": "33",
    }  # fmt: skip
    feed = read(file(NEW, row))

    assert feed.feed.format == "shopify"
    assert feed.skus == ["scarf", "SC-1"]
    variant, product = feed["SC-1"], feed["scarf"]
    assert variant["category"] == "Apparel & Accessories > Scarves"
    assert variant["tax_class"] == "PC040100"
    assert {(price[2], price[1]) for price in variant["prices"]} == {
        ("default", 3000), ("compare-at", 3500), ("Europe", 2800), ("Europe compare-at", 3300)
    }  # fmt: skip
    said = json.loads(variant["extra"])
    assert said == {
        "barcode": "123", "care": "By hand", "cost_per_item": "11.50", "google_shopping_mpn": "77", "grams": "120",
        "Included / Europe": "true", "inventory_policy": "CONTINUE", "product_type": "Scarf",
        "shopify.color-pattern": "red; blue", "taxable": "false", "unit_price_total_measure": "2", "weight_unit": "g",
    }  # fmt: skip
    assert json.loads(product["extra"])["option1_linkedto"] == "product.metafields.shopify.color-pattern"


def test_a_handle_may_be_blank(read: Reader) -> None:
    feed = read(file(OLD, pot(Handle="", Title="Oak Table"), {"Image Src": "https://e.test/2.jpg"}, pot()))

    assert feed.skus == ["oak-table", "pot"]
    assert len(json.loads(feed["oak-table"]["media"])) == 1


def test_further_rows_of_a_product_may_stand_elsewhere(read: Reader) -> None:
    feed = read(file(OLD, SIZES[0], pot(Handle="lamp"), SIZES[1]))

    assert feed.rejects == []
    assert feed.skus == ["pot", "pot-Small", "lamp", "POT-L"]
    assert (feed["POT-L"]["name"], feed["POT-L"]["options"]) == ("Clay pot", '{"Size":"Large"}')


def test_a_mapping_has_the_last_word_on_the_columns_it_names(read: Reader) -> None:
    feed = read(file(OLD, pot(Variant_Barcode="42")), mapping='[columns]\n"Variant Barcode" = "attribute:ean"\n')

    assert feed.feed.format == "shopify"
    assert json.loads(feed["pot"]["extra"]) == {"ean": "42"}


def test_a_spreadsheet_of_shopify_is_recognised(read: Reader) -> None:
    book = openpyxl.Workbook()
    for row in csv.reader(io.StringIO(file(OLD, *SIZES))):
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)

    feed = read(content.getvalue())

    assert feed.feed.format == "shopify"
    assert feed.skus == ["pot", "pot-Small", "POT-L"]


def test_bad_rows_are_named_whole_and_the_others_go_in(read: Reader) -> None:
    bad = {**SIZES[1], "Variant Price": "cheap"}
    feed = read(file(OLD, SIZES[0], bad, SIZES[2], pot(Handle="lamp")))

    assert feed.skus == ["pot", "pot-Small", "lamp"]
    assert feed.codes == [(3, "price.invalid")]
    assert feed.rejects[0].sku == "POT-L"
    row = dict(zip(feed.feed.header, feed.rejects[0].row, strict=True))
    assert (row["Title"], row["Option1 Name"], row["Option1 Value"]) == ("Clay pot", "Size", "Large")
    assert row["Image Src"].splitlines() == [f"https://e.test/{number}.jpg" for number in (1, 2, 3)]


def test_a_known_product_is_passed_over_and_a_change_of_it_read_for_all_its_variants(read: Reader) -> None:
    text = file(OLD, *SIZES, pot(Handle="lamp"))
    hashes = {row[1] for row in read(text).rows}

    assert len(hashes) == 4
    assert read(text, known=hashes).rows == []
    assert len(read(text, known=hashes).known) == 4
    assert read(text.replace("Clay pot,<p>", "Stone pot,<p>"), known=hashes).skus == ["pot", "pot-Small", "POT-L"]


def test_a_product_still_being_gathered_is_read_again_after_a_kill(read: Reader) -> None:
    rows = [row | {"Handle": f"pot-{number}"} for number in range(700) for row in SIZES]
    text = file(OLD, *rows)
    whole = read(text)

    assert len(whole.rows) == 2100
    assert len(set(whole.lines)) > 1
    for line in whole.lines:
        rest = read(text, start_line=line)
        assert rest.skus == [row[2] for row in whole.rows if row[0] > line]


def test_a_plain_feed_with_a_handle_is_not_shopifys(read: Reader) -> None:
    assert read("sku,handle,title,price\nA,a,Thing,1\n").feed.format == "csv"
    assert read(file(OLD, pot()), format="csv").feed.format == "csv"
