"""An export imports with no change, and a second shop filled from it exports the same: all formats and real files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from contract.catalogue.conftest import Open
from support.feeds import Feeds
from support.parts import crossed

FORMATS = ("csv", "ndjson", "json", "xlsx")
EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
REAL = (
    "medusa-exported-products-comma.csv", "medusa-exported-products-semicolon.csv", "medusa-prices-with-region.csv",
    "medusa-product-with-categories.csv", "medusa-invalid-column.csv", "medusa-invalid-prices.csv",
    "shopify-apparel.csv", "shopify-home-and-garden.csv", "shopify-jewelery.csv", "vendure-products.csv",
    "saleor-populatedb.json",
)  # fmt: skip
OWN = ("nursery.csv", "lending-library.json", "bundled", "relevance")


def round_trip(first: Feeds, second: Feeds, format: str) -> None:
    """Out of the first, into it again, into the second, and out of that."""
    path = first.export(format, f"out.{format}")
    products = first.value("select count(*) from product")
    before = first.records()

    again = first.run(path)
    assert again.counts.as_dict() == {"rows": products, "unchanged": products} | dict.fromkeys(
        ("created", "updated", "retired", "rejected", "superseded"), 0
    ), again.rejects
    assert first.records() == before

    filled = second.run(path)
    assert (filled.counts.created, filled.counts.rejected) == (products, 0), filled.rejects
    assert second.export(format, f"out.{format}").read_bytes() == path.read_bytes()
    assert second.records() == before


@pytest.mark.parametrize(("name", "format"), crossed([*REAL, *OWN], FORMATS, every=2))
def test_every_format_on_every_real_file(opened: Open, path_of: Callable[[str, int], Path], name: str, format: str):
    first = opened("first", "sqlite")
    taken = first.run(path_of(name, 2000), on_error="skip-rows")
    if taken.refused:
        pytest.skip(f"{name} has no row that goes in without a mapping")
    assert taken.counts.created

    round_trip(first, opened("second", "sqlite"), format)


@pytest.mark.parametrize(
    ("kinds", "format", "name"),
    crossed(
        [("sqlite", "postgres"), ("postgres", "sqlite"), ("postgres", "postgres")],
        FORMATS,
        ["shopify-apparel.csv", "vendure-products.csv", "bundled"],
        every=3,
    ),
    ids=lambda given: given if isinstance(given, str) else "-".join(given),
)
def test_across_databases(
    opened: Open, path_of: Callable[[str, int], Path], name: str, format: str, kinds: tuple[str, str]
):
    first = opened("first", kinds[0])
    first.run(path_of(name, 0), on_error="skip-rows")

    round_trip(first, opened("second", kinds[1]), format)


def test_skus_are_in_the_order_of_their_bytes_on_every_database(opened: Open):
    skus = ["a", "B", "Z", "ä", "z", "Ä", "a-1", "a1", "é", "10", "9", "_", "~", "ﷺ", "😀", "A b"]
    feed = "sku,name\n" + "".join(f"{sku},x\n" for sku in skus)
    orders = []
    for kind in ("sqlite", "postgres"):
        feeds = opened(kind, kind)
        feeds.run(feed)
        orders.append([record["sku"] for record in feeds.records()])

    assert orders[0] == orders[1] == sorted(skus, key=str.encode)
