"""Applying a plan, and rolling it back, killed at any point and run again: done once, as if nothing had happened."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from integration.test_import_kill import TESTS, assert_sound, shops_of, spread
from shopctl.storage.database import open_database
from support.shop import Shop

# What differs from one run to another: identifiers, moments, and what is recorded of attempts.
_TABLES = ("product", "price", "stock", "feed_record", "change", "stock_movement", "removed_product", "import_row")
_MOMENTS = frozenset({"at", "xid", "import_id", "reference", "created_at", "updated_at", "removed_at", "id"})


def run(shop: Shop, *arguments: str, **environment: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "support.points", "catalogue", *arguments, "-o", "json"],
        cwd=shop.folder,
        env=shop.environment({"PYTHONPATH": str(TESTS)} | {name: str(value) for name, value in environment.items()}),
        capture_output=True,
        timeout=1200,
    )


def written(path: Path, rows: int, *, price: str, changed_every: int, first: int = 0) -> Path:
    """A feed whose every so many-th row has `price`; rows begin at `first`."""
    with path.open("w") as file:
        file.write("sku,name,price,stock,parent_sku\n")
        for number in range(first, first + rows):
            changed = number % changed_every == 0
            file.write(f"S{number:07},Thing {number},{price if changed else '1.00'},{number % 50 + changed},\n")
    return path


def content(shop: Shop) -> dict[str, list[tuple[Any, ...]]]:
    """The catalogue with its past, without what differs from run to run."""
    database = open_database(shop.database_url or f"sqlite:///{shop.folder / '.shopctl' / 'shop.db'}")
    found: dict[str, list[tuple[Any, ...]]] = {}
    with database.read() as unit:
        for table in _TABLES:
            columns = [name for name in _columns(unit, table) if name not in _MOMENTS]
            found[table] = sorted(unit.tuples(f"select {', '.join(columns)} from {table}"), key=repr)
    database.close()
    return found


def _columns(unit: Any, table: str) -> list[str]:
    if unit.dialect == "sqlite":
        return [name for (name,) in unit.tuples(f"select name from pragma_table_info('{table}')")]
    sql = (
        "select column_name::text from information_schema.columns where table_name = :table and table_schema = 'public'"
    )
    return [name for (name,) in unit.tuples(sql, table=table)]


@pytest.mark.assure("R18")
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_applied_and_rolled_back_although_killed_at_points_all_over(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, scale: Callable[[int, int], int]
) -> None:
    rows = scale(600, 200_000)
    portion = scale(200, 20_000)
    shops = shops_of(kind, tmp_path, request)
    original = next(shops)
    first = written(tmp_path / "first.csv", rows, price="1.00", changed_every=1)
    # Some change, some are new, some are gone.
    second = written(tmp_path / "second.csv", rows, price="2.50", changed_every=7, first=rows // 10)
    plan = str(tmp_path / "plan")
    assert run(original, "import", str(first)).returncode == 0
    assert run(original, "import", str(second), "--prune", "--plan-out", plan).returncode == 0
    untouched = next(shops)(original)
    whole = next(shops)(original)
    count = whole.folder / "points"
    limits: dict[str, object] = {"SHOPCTL_TEST_PORTION": portion}

    done = run(whole, "apply", plan, SHOPCTL_TEST_POINTS_FILE=count, **limits)
    assert done.returncode == 0, done.stderr
    applying, applied = int(count.read_text()), content(whole)
    to_undo = next(shops)(whole)
    import_id = json.loads(done.stdout)["import_id"]
    assert run(whole, "rollback", import_id, SHOPCTL_TEST_POINTS_FILE=count, **limits).returncode == 0
    undoing, undone = int(count.read_text()), content(whole)
    assert applying > 30
    assert undoing > 20
    assert [row[:17] for row in undone["product"]] != [row[:17] for row in applied["product"]]

    for number, point in enumerate(spread(applying, scale(3, 20))):
        trial = next(shops)(untouched)
        killed = run(trial, "apply", plan, SHOPCTL_TEST_POINT=point, **limits)
        assert killed.returncode == -9, f"point {point} of {applying}: {killed.stderr!r}"
        if number % 2:
            run(trial, "apply", plan, SHOPCTL_TEST_POINT=15, **limits)
        done = run(trial, "apply", plan, **limits)
        # At the last points everything is committed: then it says that it was applied already.
        assert done.returncode == 0 or b"plan_applied" in done.stderr, f"point {point} of {applying}: {done.stderr!r}"
        assert content(trial) == applied, f"point {point} of {applying}"
        assert_sound(trial)

    for number, point in enumerate(spread(undoing, scale(3, 20))):
        trial = next(shops)(to_undo)
        killed = run(trial, "rollback", import_id, SHOPCTL_TEST_POINT=point, **limits)
        assert killed.returncode == -9, f"point {point} of {undoing}: {killed.stderr!r}"
        if number % 2:
            run(trial, "rollback", import_id, SHOPCTL_TEST_POINT=10, **limits)
        done = run(trial, "rollback", import_id, **limits)
        assert done.returncode == 0 or b"rolled_back_already" in done.stderr, f"point {point}: {done.stderr!r}"
        assert content(trial) == undone, f"point {point} of {undoing}"
        assert_sound(trial)
