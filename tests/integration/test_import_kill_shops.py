"""An import of another shop's feed, whose lines say several products each, killed at any point and resumed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from integration.test_import_kill import Feed, assert_sound, import_, points_of, shops_of, spread
from shopctl.storage.database import open_database
from support.shop import Shop

HEADER = "Handle,Title,Vendor,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price,Image Src\n"
PORTION = 500


def written(path: Path, products: int, price: str = "1.00") -> Feed:
    """Products of two variants and a further image each; one variant in fifty has no price that is one."""
    bad = set()
    with path.open("w") as file:
        file.write(HEADER)
        for number in range(products):
            line = 2 + number * 3
            second = "2.00"
            if number % 25 == 12:
                bad.add(line + 1)
                second = "dear"
            cost = price if number % 3 == 0 else "1.00"
            file.write(
                f"p{number},Thing {number},Acme,Size,S,P{number}-S,{number % 9},{cost},https://e.test/{number}.jpg\n"
            )
            file.write(f"p{number},,,,L,P{number}-L,1,{second},\n")
            file.write(f"p{number},,,,,,,,https://e.test/{number}-2.jpg\n")
    return Feed(path, products * 3, frozenset(bad), price)


def assert_whole(shop: Shop, feed: Feed, report: dict[str, int]) -> None:
    products = feed.rows // 3
    assert (report["rows"], report["rejected"]) == (feed.rows, len(feed.bad))
    assert report["rows"] == sum(report[name] for name in ("created", "updated", "unchanged", "rejected", "superseded"))
    database = open_database(shop.database_url or f"sqlite:///{shop.folder / '.shopctl' / 'shop.db'}")
    with database.read() as unit:
        assert unit.value("select count(*) from product where parent_sku = ''") == products
        assert unit.value("select count(*) from product where parent_sku <> ''") == products * 2 - len(feed.bad)
        assert unit.value("select count(*) from product where media like '%-2.jpg%'") == products
        assert unit.value("select count(*) from import_row") == 0
        assert unit.value("select count(*) from feed_record") == feed.good
        assert unit.value("select count(*) from change where kind = 'create'") == feed.good
        assert unit.value("select count(*) from change") == unit.value("select sum(version) from product")
        dear = "select count(*) from price where amount = :amount"
        assert unit.value(dear, amount=250) == (-(-products // 3) if feed.price == "2.50" else 0)
    database.close()


@pytest.mark.assure("R18")
@pytest.mark.parametrize("way", ["first", "again"])
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_killed_at_points_all_over_and_resumed(
    kind: str, way: str, tmp_path: Path, request: pytest.FixtureRequest, scale: Callable[[int, int], int]
) -> None:
    first = written(tmp_path / "first.csv", scale(900, 30_000))
    changed = written(tmp_path / "changed.csv", scale(900, 30_000), price="2.50")
    shops = shops_of(kind, tmp_path, request)
    original = next(shops)
    feed = first
    if way == "again":
        assert import_(original, first).returncode == 6
        feed = changed
    points = points_of(next(shops)(original), feed, SHOPCTL_TEST_PORTION=PORTION)

    for point in spread(points, scale(3, 20)):
        trial = next(shops)(original)
        killed = import_(trial, feed, SHOPCTL_TEST_POINT=point, SHOPCTL_TEST_PORTION=PORTION)
        assert killed.returncode == -9, f"point {point} of {points}: {killed.stderr!r}"
        done = import_(trial, feed, "--resume", SHOPCTL_TEST_PORTION=PORTION)
        assert done.returncode == 6, f"point {point} of {points}: {done.stderr!r}"
        assert_whole(trial, feed, json.loads(done.stdout))
        assert_sound(trial)
