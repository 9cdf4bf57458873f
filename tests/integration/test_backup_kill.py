"""Backups and restores killed at any point: whole or not there, and the next run needs no cleaning up."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from integration.test_import_kill import spread
from shopctl.storage.database import open_database
from shopctl.storage.table_sums import TableSum, table_sums
from support.forked import command
from support.shop import Shop

FEED = "sku,name,price\n" + "".join(f"MUG-{n},Mug {n},{n}.50\n" for n in range(30))


def urls(shop: Shop) -> list[str]:
    home = f"sqlite:///{shop.folder}/.shopctl"
    return [shop.database_url or f"{home}/shop.db", shop.auth_database_url or f"{home}/auth.db"]


def held(shop: Shop) -> tuple[TableSum, TableSum]:
    """What tells the states apart: the products in one database, the roles in the other."""
    found = []
    for url, table in zip(urls(shop), ("product", "role"), strict=True):
        with closing(open_database(url)) as database, database.read() as unit:
            found.append(table_sums(unit)[table])
    return found[0], found[1]


def left_behind(shop: Shop) -> list[Path]:
    return [
        path
        for path in (shop.folder / ".shopctl").rglob("*")
        if any(word in path.name for word in ("restoring", "-copy-", "partial", "scratch", ".new"))
    ]


@pytest.fixture
def filled(any_shop: Shop) -> Shop:
    any_shop.run("catalogue", "import", "-", "--format", "csv", input=FEED)
    return any_shop


@pytest.mark.assure("R16")
def test_a_backup_killed_at_any_point_is_whole_or_not_there(filled: Shop, scale: Callable[[int, int], int]) -> None:
    points = command(filled, "backup", "create").points
    assert points > 10
    listed = 1
    for point in spread(points, scale(3, points)):
        command(filled, "backup", "create", point=point)
        found = json.loads(command(filled, "backup", "list", "-o", "json").out)
        assert [each["state"] for each in found] == ["ok"] * len(found)
        assert len(found) in (listed, listed + 1), point
        listed = len(found)
        assert command(filled, "backup", "verify", found[0]["backup_id"]).code == 0
    assert command(filled, "backup", "create").code == 0
    assert left_behind(filled) == []


@pytest.mark.assure("R16")
def test_a_restore_killed_at_any_point_leaves_each_database_whole(
    filled: Shop, scale: Callable[[int, int], int]
) -> None:
    made = json.loads(command(filled, "backup", "create", "-o", "json").out)
    words = ("backup", "restore", made["backup_id"], "--confirm", filled.folder.name)
    wanted = held(filled)
    points = command(filled, *words).points
    assert points > 10
    for turn, point in enumerate(spread(points, scale(3, min(points, 100)))):
        command(filled, "catalogue", "set", "MUG-1", f"name=Mug of turn {turn}")
        command(filled, "role", "create", f"clerk-{turn}")
        before = held(filled)
        assert all(was != is_wanted for was, is_wanted in zip(before, wanted, strict=True))

        command(filled, *words, point=point)

        for was, is_wanted, found in zip(before, wanted, held(filled), strict=True):
            assert found in (was, is_wanted), point
        assert command(filled, "db", "check").code == 0, point
        assert command(filled, "audit", "verify").code == 0, point
        assert command(filled, *words).code == 0, point
        assert held(filled) == wanted
        assert left_behind(filled) == []
