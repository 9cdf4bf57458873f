"""Shopify's inventory CSV: stock by location, and nothing else."""

from __future__ import annotations

from unit.catalogue.feed.conftest import Reader

HEADER = (
    "Handle,Title,Option1 Name,Option1 Value,Option2 Name,Option2 Value,SKU,HS Code,COO,Location,Bin name,"
    "Incoming (not editable),Unavailable (not editable),Committed (not editable),Available (not editable),"
    "On hand (current),On hand (new)\n"
)
ROWS = (
    "mug,Mug,Size,Small,,,MUG-S,,,Berlin,,0,0,1,4,5,\n"
    "mug,Mug,Size,Small,,,MUG-S,,,Paris,,0,0,0,9,9,7\n"
    "mug,Mug,Size,Large,,,,,,Berlin,,0,0,0,0,not stocked,\n"
    "mug,Mug,Size,Large,,,,,,Paris,,0,0,0,-2,-2,\n"
    "lamp,Lamp,Title,Default Title,,,,,,Berlin,,0,0,0,3,3,\n"
)


def test_the_rows_of_a_variant_are_one_record_of_its_stock(read: Reader) -> None:
    feed = read(HEADER + ROWS)

    assert feed.feed.format == "shopify-inventory"
    assert feed.skus == ["MUG-S", "mug-Large", "lamp"]
    small = feed["MUG-S"]
    assert dict(small["stock"]) == {"Berlin": 5, "Paris": 7}
    assert small.keys() - {"line", "hash", "sku", "stock", "extra"} == set()
    assert dict(feed["mug-Large"]["stock"]) == {"Paris": 0}
    assert dict(feed["lamp"]["stock"]) == {"Berlin": 3}


def test_a_quantity_that_is_none_is_named(read: Reader) -> None:
    feed = read(HEADER + ROWS.replace(",5,\n", ",some,\n"))

    assert feed.codes == [(2, "stock.invalid")]
    assert feed.skus == ["mug-Large", "lamp"]
