"""Nothing is acknowledged that is not on the disk, and a disk that fails is told of in one line."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from shopctl.storage.database import open_database
from shopctl.storage.migrations import upgrade
from support import faults

# Writes one category after another and says each aloud once its unit has ended.
WRITER = """
import ctypes, os, sys
from shopctl.kernel.errors import ShopctlError
from shopctl.storage.database import open_database

disk = ctypes.CDLL(None)
database = open_database(sys.argv[1])
disk.shopctl_synced.restype = disk.shopctl_unsynced.restype = ctypes.c_longlong
before = disk.shopctl_synced()
for number in range(int(sys.argv[2]), int(sys.argv[2]) + int(sys.argv[3])):
    try:
        with database.unit() as unit:
            unit.execute("insert into category (path, name) values (:path, :x)", path=f"{number:06}", x="x" * 3000)
    except ShopctlError as error:
        print(error.code, error.exit_code, error.message, file=sys.stderr)
        os._exit(error.exit_code)
    assert disk.shopctl_unsynced() == 0, "acknowledged before it was on the disk"
    print(number, flush=True)
assert disk.shopctl_synced() - before >= int(sys.argv[3]), "fewer syncs than units"
"""


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return faults.library(tmp_path)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    made = open_database(f"sqlite:///{path}")
    upgrade(made, "shop")
    made.close()
    return path


def write(
    library: Path, database: Path, first: int, count: int, **limits: int
) -> tuple[list[int], subprocess.CompletedProcess[str]]:
    done = subprocess.run(
        [sys.executable, "-c", WRITER, f"sqlite:///{database}", str(first), str(count)],
        env={**os.environ, **faults.environment(library, database, **limits)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return [int(line) for line in done.stdout.split()], done


def stored(database: Path) -> set[int]:
    with sqlite3.connect(database) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        return {int(path) for (path,) in connection.execute("select path from category")}


@pytest.mark.assure("R11")
def test_every_unit_is_synced_before_it_ends(library: Path, database: Path, scale: Callable[[int, int], int]) -> None:
    count = scale(200, 5000)
    said, done = write(library, database, 0, count)
    assert (done.returncode, done.stderr) == (0, "")
    assert said == list(range(count))


@pytest.mark.assure("R11")
def test_a_failing_sync_is_never_acknowledged(library: Path, database: Path, scale: Callable[[int, int], int]) -> None:
    points = scale(6, 60)
    acknowledged: set[int] = set()
    for point in range(points):
        said, done = write(library, database, len(acknowledged) + 1000 * point, 400, sync_fails_after=point)
        acknowledged |= set(said)
        assert done.returncode == 7, done.stderr
        assert done.stderr.startswith("storage.io 7 ")
        assert len(done.stderr.splitlines()) == 1
        # One more than was said may have reached the disk: its outcome was told as an error, not as done.
        assert acknowledged <= stored(database)
        assert len(stored(database) - acknowledged) <= point + 1
    said, done = write(library, database, 900_000, 5)
    assert said == list(range(900_000, 900_005))


@pytest.mark.assure("R11")
def test_a_failing_write_is_never_acknowledged(library: Path, database: Path, scale: Callable[[int, int], int]) -> None:
    points = scale(5, 50)
    acknowledged: set[int] = set()
    for point in range(points):
        limit = 7_000 + 23_017 * point
        said, done = write(library, database, 1000 * point, 400, write_fails_after=limit)
        acknowledged |= set(said)
        assert done.returncode == 7, done.stderr
        assert done.stderr.startswith("storage.io 7 ")
        assert stored(database) == acknowledged
