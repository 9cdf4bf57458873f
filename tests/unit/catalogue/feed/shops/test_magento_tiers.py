"""Magento's advanced-pricing CSV: price lists and quantity tiers, and nothing else."""

from __future__ import annotations

import json

from unit.catalogue.feed.conftest import Reader

HEADER = "sku,tier_price_website,tier_price_customer_group,tier_price_qty,tier_price,tier_price_value_type\n"
ROWS = (
    "MUG,All Websites [USD],ALL GROUPS,10.0000,8.5000,Fixed\n"
    "MUG,All Websites [USD],ALL GROUPS,1.0000,9.00,Fixed\n"
    "MUG,base,Wholesale,5,7.995,Fixed\n"
    "MUG,de,ALL GROUPS,5,7,Fixed\n"
    "MUG,All Websites [EUR],Retailer,5,6,Fixed\n"
    "MUG,All Websites [USD],Retailer,20,15.00,Discount\n"
    "HAT,All Websites [USD],General,2,3,Fixed\n"
)


def test_tiers_are_prices_of_lists_and_quantities(read: Reader) -> None:
    feed = read(HEADER + ROWS)

    assert feed.feed.format == "magento-tiers"
    assert feed.skus == ["MUG", "HAT"]
    mug = feed["MUG"]
    assert set(mug["prices"]) == {
        ("USD", 850, "default", 10, 0, None),
        ("USD", 900, "default", 1, 1_000_000, None),  # beside the regular price, not instead of it
        ("EUR", 800, "Wholesale", 5, 0, None),
        ("EUR", 700, "ALL GROUPS @ de", 5, 0, None),
        ("EUR", 600, "Retailer", 5, 0, None),
    }
    assert mug.keys() - {"line", "hash", "sku", "prices", "prices_whole", "extra"} == set()
    # Percent of a price that this file does not tell.
    discounts = [{"list": "Retailer", "min_quantity": 20, "percent": "15.00"}]
    assert json.loads(mug["extra"]) == {"tier_price_discounts": discounts}


def test_what_is_no_tier_is_named(read: Reader) -> None:
    wrong = ("A,,ALL GROUPS,0,1,Fixed\nB,,ALL GROUPS,1.5,1,Fixed\nC,,ALL GROUPS,2,cheap,Fixed\n"
             "D,,ALL GROUPS,2,1,Fixed\nD,,ALL GROUPS,2,2,Fixed\n")  # fmt: skip

    feed = read(HEADER + wrong)

    assert feed.codes == [
        (2, "price.min_quantity"), (3, "price.min_quantity"), (4, "price.invalid"), (5, "price.twice"),
    ]  # fmt: skip
    assert feed.skus == []
