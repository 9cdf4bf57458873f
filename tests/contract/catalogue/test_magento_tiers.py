"""Magento's advanced prices over products that are there: only what the file says changes."""

from __future__ import annotations

from support.feeds import Feeds, counted, csv_text

HEADER = "sku,tier_price_website,tier_price_customer_group,tier_price_qty,tier_price,tier_price_value_type"
EVERY = "All Websites [USD]"
TIERS = [("MUG", EVERY, "ALL GROUPS", 10, "8.50", "Fixed"), ("MUG", EVERY, "Wholesale", 5, "7", "Fixed")]


def test_prices_by_group_and_quantity_stand_beside_the_regular_one(feeds: Feeds):
    feeds.run("sku,name,price,stock\nMUG,Mug,10.00,4\nHAT,Hat,5.00,1\n")
    before = feeds.record("HAT")
    file = csv_text(HEADER, *TIERS, ("MUG", EVERY, "Wholesale", 50, "20", "Discount"))

    assert counted(feeds.run(file, "tiers.csv")) == {"rows": 1, "updated": 1}

    mug = feeds.record("MUG")
    prices = [(each["amount"], each.get("list"), each.get("min_quantity")) for each in mug["prices"]]
    assert prices == [("7.00", "Wholesale", 5), ("10.00", None, None), ("8.50", None, 10)]
    assert (mug["name"], mug["stock"]) == ("Mug", {"default": 4})
    assert mug["attributes"]["tier_price_discounts"] == [{"list": "Wholesale", "min_quantity": 50, "percent": "20"}]
    assert feeds.record("HAT") == before

    # The same in another order is nothing new; a tier that is gone from its product goes.
    turned = csv_text(HEADER, *TIERS[::-1], ("MUG", EVERY, "Wholesale", 50, "20", "Discount"))
    assert counted(feeds.run(turned, "tiers.csv")) == {"rows": 1, "unchanged": 1}
    feeds.run(csv_text(HEADER, TIERS[0]), "tiers.csv")
    mug = feeds.record("MUG")
    assert [(each["amount"], each.get("min_quantity")) for each in mug["prices"]] == [("10.00", None), ("8.50", 10)]
    assert "tier_price_discounts" not in mug["attributes"]


def test_a_bundle_is_held_together_by_what_the_shop_has(feeds: Feeds):
    feeds.run("sku,name,price\nMUG,Mug,10.00\nHAT,Hat,5.00\n")
    header = "sku,attribute_set_code,product_type,product_websites,name,price,bundle_values"
    values = "name=Set,type=select,required=1,sku={},price=0.0000,default=1,default_qty=2.0000,price_type=fixed"
    rows = [(sku, "Default", "bundle", "base", "Set", "", values.format(part)) for sku, part in
            (("SET", "MUG"), ("ODD", "LOST"))]  # fmt: skip

    report = feeds.run(csv_text(header, *rows), "bundles.csv", on_error="skip-rows")

    assert counted(report) == {"rows": 2, "created": 1, "rejected": 1}
    assert feeds.record("SET")["components"] == [{"sku": "MUG", "quantity": 2}]
    [reject] = report.rejects
    assert (reject["sku"], reject["code"]) == ("ODD", "components.unknown")
    assert "'LOST'" in reject["message"]
