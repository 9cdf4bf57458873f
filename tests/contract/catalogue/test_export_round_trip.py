"""An export imports with no change, and a second shop filled from it exports the same: all formats and real files."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from shopctl.audit.keys import create_key
from shopctl.audit.service import Audit
from shopctl.catalogue import bundled
from shopctl.kernel.clock import Clock
from shopctl.storage.database import open_database
from shopctl.storage.migrations import upgrade
from support.feeds import Feeds
from support.postgres import fresh_database

FORMATS = ("csv", "ndjson", "json", "xlsx")
EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
REAL = (
    "medusa-exported-products-comma.csv", "medusa-exported-products-semicolon.csv", "medusa-prices-with-region.csv",
    "medusa-product-with-categories.csv", "medusa-invalid-column.csv", "medusa-invalid-prices.csv",
    "shopify-apparel.csv", "shopify-home-and-garden.csv", "shopify-jewelery.csv", "vendure-products.csv",
    "saleor-populatedb.json",
)  # fmt: skip
OWN = ("nursery.csv", "lending-library.json", "bundled", "relevance")
Open = Callable[[str, str], Feeds]


@pytest.fixture
def opened(turned: Clock, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens a new shop of a name on a kind of database."""
    with ExitStack() as stack:

        def open_(name: str, kind: str) -> Feeds:
            folder = tmp_path / name
            folder.mkdir()
            if kind == "postgres":
                url = stack.enter_context(fresh_database(request.getfixturevalue("postgres_server")))
            else:
                url = f"sqlite:///{folder / 'shop.db'}"
            database = open_database(url)
            stack.callback(database.close)
            if kind == "sqlite":
                database.create()
            upgrade(database, "shop")
            create_key(folder / "audit.key")
            return Feeds(database, Audit(database, folder / "audit.key", actor="os:anna"), turned, folder)

        yield open_


@pytest.fixture
def path_of(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str, int], Path]]:
    """Finds a catalogue by its name; of the large one `most` lines."""
    with ExitStack() as stack:

        def path(name: str, most: int) -> Path:
            if name == "bundled":
                return stack.enter_context(bundled.catalogue())
            if name in OWN[:2]:
                return EXAMPLES / name
            shared: Path = request.getfixturevalue("shared_data")
            if name != "relevance":
                return shared / "catalogues" / name
            cut = tmp_path / "relevance.csv"
            with gzip.open(shared / "relevance" / "products.csv.gz", "rb") as file:
                cut.write_bytes(b"".join(line for line, _ in zip(file, range(most), strict=False)))
            return cut

        yield path


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


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", [*REAL, *OWN])
def test_every_format_on_every_real_file(opened: Open, path_of: Callable[[str, int], Path], name: str, format: str):
    first = opened("first", "sqlite")
    taken = first.run(path_of(name, 2000), on_error="skip-rows")
    if taken.refused:
        pytest.skip(f"{name} has no row that goes in without a mapping")
    assert taken.counts.created

    round_trip(first, opened("second", "sqlite"), format)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", ["shopify-apparel.csv", "vendure-products.csv", "bundled"])
@pytest.mark.parametrize(
    "kinds", [("sqlite", "postgres"), ("postgres", "sqlite"), ("postgres", "postgres")], ids="-".join
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
