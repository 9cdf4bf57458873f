"""An import killed at any point and resumed: the good rows are in, the bad ones named, none of them twice."""

from __future__ import annotations

import csv
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from shopctl.storage.database import open_database
from support.shop import Shop

TESTS = Path(__file__).resolve().parents[1]
BAD_EVERY = 100


class Feed(NamedTuple):
    """A file, and what is in it."""

    path: Path
    rows: int
    bad: frozenset[int]  # lines
    price: str

    @property
    def good(self) -> int:
        return self.rows - len(self.bad)


def written(path: Path, rows: int, *, price: str = "1.00", changed_every: int = 1) -> Feed:
    """A feed of `rows` rows, one in a hundred bad; every so many-th has `price`, the others 1.00."""
    bad = set()
    with path.open("w") as file:
        tail = "," if changed_every > 1 else ""
        file.write(f"sku,name,price,stock,category{tail and ',parent_sku'}\n")
        for number in range(rows):
            if number % BAD_EVERY == BAD_EVERY // 2:
                bad.add(number + 2)
                file.write(f"S{number:07},,{price},1,{tail}\n")
            else:
                cost = price if number % changed_every == 0 else "1.00"
                file.write(f"S{number:07},Thing {number},{cost},{number % 50},Home > {number % 9}{tail}\n")
    return Feed(path, rows, frozenset(bad), price)


def import_(shop: Shop, feed: Feed, *arguments: str, **environment: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "support.points", "catalogue", "import", feed.path, "--on-error", "skip-rows", "-o",
         "json", *arguments],
        cwd=shop.folder,
        env=shop.environment({"PYTHONPATH": str(TESTS)} | {name: str(value) for name, value in environment.items()}),
        capture_output=True,
        timeout=1200,
    )  # fmt: skip


def points_of(shop: Shop, feed: Feed, **environment: object) -> int:
    count = shop.folder / "points"
    done = import_(shop, feed, SHOPCTL_TEST_POINTS_FILE=count, **environment)
    assert done.returncode == 6, done.stderr
    return int(count.read_text())


def spread(points: int, wanted: int) -> list[int]:
    """So many of the points, the first and the last among them."""
    return sorted({1 + (points - 1) * index // max(1, wanted - 1) for index in range(wanted)})


def assert_whole(shop: Shop, feed: Feed, report: dict[str, Any], imports: int) -> None:
    """The catalogue is what the feed says, however it got there."""
    assert report["rows"] == feed.rows
    assert report["rejected"] == len(feed.bad)
    assert report["rows"] == sum(report[name] for name in ("created", "updated", "unchanged", "rejected", "superseded"))
    with open(report["rejects_file"], encoding="utf-8", newline="") as file:
        named = [int(row["line"]) for row in csv.DictReader(file)]
    assert named == sorted(feed.bad)
    database = open_database(shop.database_url or f"sqlite:///{shop.folder / '.shopctl' / 'shop.db'}")
    with database.read() as unit:
        skus = [sku for (sku,) in unit.tuples("select sku from product order by sku")]
        assert skus == [f"S{line - 2:07}" for line in range(2, feed.rows + 2) if line not in feed.bad]
        for table, expected in {
            "price": feed.good,
            "stock": feed.good,
            "feed_record": feed.good,
            "import_row": 0,
        }.items():
            assert unit.value(f"select count(*) from {table}") == expected, table
        twice = "select count(*) from (select product_id, version from change group by 1, 2 having count(*) > 1) as t"
        assert unit.value(twice) == 0
        assert unit.value("select count(*) from change where kind = 'create'") == feed.good
        assert unit.value("select count(*) from change") == unit.value("select sum(version) from product")
        assert unit.value("select count(*) from catalogue_import") == imports
        assert unit.value("select count(*) from catalogue_import where state not in ('done', 'abandoned')") == 0
    database.close()


def assert_sound(shop: Shop) -> None:
    shop.run("audit", "verify")
    shop.run("db", "check", timeout=1200)


@pytest.mark.assure("R18")
@pytest.mark.parametrize("way", ["direct", "staged"])
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_killed_at_points_all_over_and_resumed(
    kind: str, way: str, tmp_path: Path, request: pytest.FixtureRequest, scale: Callable[[int, int], int]
) -> None:
    rows = scale(3000, 1_000_000)
    portion = scale(500, 20_000)
    first = written(tmp_path / "first.csv", rows)
    changed = written(tmp_path / "changed.csv", rows, price="2.50", changed_every=7)
    shops = shops_of(kind, tmp_path, request)
    shop = next(shops)
    if way == "staged":
        prepared = import_(shop, first)
        assert prepared.returncode == 6, prepared.stderr
    feed = first if way == "direct" else changed
    original = shop
    trial = next(shops)(original)
    points = points_of(trial, feed, SHOPCTL_TEST_PORTION=portion)
    assert points > 40
    earlier = 0 if way == "direct" else 1

    for number, point in enumerate(spread(points, scale(4, 20))):
        trial = next(shops)(original)
        killed = import_(trial, feed, SHOPCTL_TEST_POINT=point, SHOPCTL_TEST_PORTION=portion)
        assert killed.returncode == -9, f"point {point} of {points}: {killed.stderr!r}"
        # Every third time it is killed again while it resumes; every fourth it is begun anew instead.
        resume = [] if number % 4 == 3 else ["--resume"]
        if number % 3 == 2:
            import_(trial, feed, *resume, SHOPCTL_TEST_POINT=20, SHOPCTL_TEST_PORTION=portion)
        done = import_(trial, feed, *resume, SHOPCTL_TEST_PORTION=portion)
        assert done.returncode == 6, f"point {point} of {points}: {done.stderr!r}"
        report = json.loads(done.stdout)
        with_journal = open_database(trial.database_url or f"sqlite:///{trial.folder / '.shopctl' / 'shop.db'}")
        with with_journal.read() as unit:
            imports = unit.value("select count(*) from catalogue_import")
        with_journal.close()
        assert_whole(trial, feed, report, imports)
        assert imports <= earlier + 3
        if resume and number % 3 != 2 and report["resumed"]:
            assert imports == earlier + 1, "a resumed import is the same import"
        assert_sound(trial)


def shops_of(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    """First a new shop, then functions that copy one, each once."""
    names = itertools.count()
    if kind == "sqlite":
        yield request.getfixturevalue("first_shop").copy(tmp_path / "original")
        while True:
            yield lambda shop: shop.copy(tmp_path / f"copy-{next(names)}")
    from support.postgres import fresh_database

    server, template = request.getfixturevalue("postgres_server"), request.getfixturevalue("first_postgres_shop")

    def copied(shop: Shop) -> Shop:
        urls = []
        for url in (shop.database_url, shop.auth_database_url):
            made = fresh_database(server, like=url)
            urls.append(made.__enter__())
            request.addfinalizer(lambda made=made: made.__exit__(None, None, None))
        return shop.copy(tmp_path / f"copy-{next(names)}", database_url=urls[0], auth_database_url=urls[1])

    yield copied(template)
    while True:
        yield copied


def test_a_reader_that_dies_is_told_and_the_import_can_be_resumed(any_shop: Shop, tmp_path: Path) -> None:
    feed = written(tmp_path / "feed.csv", 40_000)
    running = any_shop.start("catalogue", "import", feed.path, "--on-error", "skip-rows")
    reader = child_of(running.pid)
    os.kill(reader, 9)
    _, errors = running.communicate(timeout=60)

    assert running.returncode == 1
    assert b"The process that reads the feed ended without a word (signal 9)" in errors
    assert b"--resume" in errors
    done = import_(any_shop, feed, "--resume")
    assert_whole(any_shop, feed, json.loads(done.stdout), 1)


def test_a_killed_import_leaves_no_reader_and_no_lock(any_shop: Shop, tmp_path: Path) -> None:
    feed = written(tmp_path / "feed.csv", 60_000)
    running = any_shop.start("catalogue", "import", feed.path, "--on-error", "skip-rows")
    reader = child_of(running.pid)
    running.kill()
    running.communicate(timeout=60)
    killed_at = time.monotonic()

    while os.path.exists(f"/proc/{reader}") and Path(f"/proc/{reader}/stat").read_text().split()[2] not in "ZX":
        assert time.monotonic() - killed_at < 2
        time.sleep(0.01)
    done = import_(any_shop, feed, "--resume")
    assert done.returncode == 6, done.stderr
    assert_whole(any_shop, feed, json.loads(done.stdout), 1)


def child_of(pid: int) -> int:
    """The reader that an import has forked, once it is there."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for child in children:
            # Forked, not executed: it has its parent's command line.
            if Path(f"/proc/{child}/cmdline").read_bytes() == Path(f"/proc/{pid}/cmdline").read_bytes():
                return int(child)
        time.sleep(0.005)
    raise AssertionError("no reader was started")
