"""Feeds of other shops on the command line: found by themselves, named, refused, exported with what they lack."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shopctl.catalogue import bundled
from support.shop import Shop

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
ZERO = {"created": 0, "updated": 0, "retired": 0, "rejected": 0, "superseded": 0}


@pytest.mark.parametrize(
    ("shop_name", "prices"),
    [
        ("shopify", "prices of 420 (EUR, JPY, "),
        ("woocommerce", "prices of 420 (EUR, JPY, "),
        ("magento", "prices of 420 (EUR, JPY, "),
        ("medusa", "prices of 86 (EUR by quantity, "),
    ],
)
def test_what_a_format_has_no_room_for_is_named_and_stays(any_shop: Shop, shop_name: str, prices: str) -> None:
    with bundled.catalogue() as path:
        rows = any_shop.run("catalogue", "import", path, "-o", "json").json["created"]
    before = any_shop.run("catalogue", "export", "--format", "ndjson").stdout

    done = any_shop.run("catalogue", "export", "--format", shop_name, "--out", "out.csv")
    assert f"The format {shop_name} has no room for: " in done.stderr
    assert prices in done.stderr
    assert "stock of 191 (osaka, rotterdam)" in done.stderr
    assert f"{rows} products written to out.csv" in done.stderr

    report = any_shop.run("catalogue", "import", "out.csv", "-o", "json").json
    assert report["unchanged"] == report["rows"] == rows
    assert {name: report[name] for name in ZERO} == ZERO
    assert any_shop.run("catalogue", "export", "--format", "ndjson").stdout == before


def test_nothing_is_named_where_everything_has_its_place(shop: Shop) -> None:
    shop.run("catalogue", "import", EXAMPLES / "lanterns-shopify.csv")

    done = shop.run("catalogue", "export", "--format", "shopify", "--out", "-")

    assert "no room" not in done.stderr
    assert done.stdout.startswith("Handle,Title,Body (HTML),Vendor,")


def test_an_export_of_the_past_in_the_format_of_a_shop(shop: Shop) -> None:
    shop.run("catalogue", "import", EXAMPLES / "lanterns-woocommerce.csv")
    before = shop.run("catalogue", "export", "--format", "woocommerce").stdout
    moment = shop.run("catalogue", "history", "WICK-10", "-o", "json").json[0]["at"]
    shop.run("catalogue", "set", "WICK-10", "name=Wicks, twelve")

    assert shop.run("catalogue", "export", "--format", "woocommerce").stdout != before
    assert shop.run("catalogue", "export", "--format", "woocommerce", "--at", moment).stdout == before


@pytest.mark.parametrize(("feed", "name"), [("sku,name\nA,Mug\n", "shopify"), ('{"sku":"A"}\n', "woocommerce")])
def test_a_file_of_another_shop_is_refused(shop: Shop, feed: str, name: str) -> None:
    (shop.folder / "feed").write_text(feed)

    refused = shop.run("catalogue", "import", "feed", "--format", name, "-o", "json", expect=12)

    assert refused.error["code"] == "feed.other_shop"
    assert name in refused.error["message"]


def test_a_rejects_file_is_recognised_as_what_it_was(any_shop: Shop) -> None:
    text = (EXAMPLES / "lanterns-shopify.csv").read_text("utf-8").replace("45.00", "much")
    (any_shop.folder / "feed.csv").write_text(text)

    report = any_shop.run("catalogue", "import", "feed.csv", "--on-error", "skip-rows", "-o", "json", expect=6).json
    assert (report["created"], report["rejected"]) == (9, 1)
    rejects = Path(report["rejects_file"])
    rejects.write_text(rejects.read_text("utf-8").replace("much", "45.00"))

    again = any_shop.run("catalogue", "import", rejects, "-o", "json").json
    assert (again["created"], again["unchanged"], again["rejected"]) == (1, 1, 0)
    product = json.loads(any_shop.run("catalogue", "show", "LAN-S-C", "-o", "json").stdout)
    assert (product["parent_sku"], product["options"]) == ("storm-lantern", {"Finish": "Copper", "Size": "Small"})
    whole = any_shop.run("catalogue", "import", EXAMPLES / "lanterns-shopify.csv", "-o", "json").json
    assert {name: whole[name] for name in ZERO} == ZERO
