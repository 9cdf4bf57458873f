"""A full disk: one line, exit 7, nothing half done, and the next run goes on."""

from __future__ import annotations

import os
import pwd
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from shopctl.storage.database import open_database
from shopctl.storage.errors import DatabaseFull
from shopctl.storage.migrations import upgrade
from support import faults
from support.postgres import Server

# Two rows a unit, so that half of one would show; goes on until the disk is full.
WRITER = """
import os, resource, sys
from shopctl.kernel.errors import ShopctlError
from shopctl.storage.database import open_database

if len(sys.argv) > 3:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
database = open_database(sys.argv[1])
with database.read() as unit:
    done = unit.value("select count(*) from category") // 2
for number in range(done, done + int(sys.argv[2])):
    try:
        with database.unit() as unit:
            for half in "ab":
                unit.execute(
                    "insert into category (path, name) values (:path, :x)", path=f"{number:06}{half}", x="x" * 8000
                )
    except ShopctlError as error:
        print(error.code, error.exit_code, error.message, file=sys.stderr)
        os._exit(error.exit_code)
    print(number, flush=True)
"""

TMPFS = """
set -e
mount -t tmpfs -o size=3m,mode=700 tmpfs "$1"
cd "$1"
shift
exec "$@"
"""


def made(path: Path) -> Path:
    database = open_database(f"sqlite:///{path}")
    upgrade(database, "shop")
    database.close()
    return path


def write(database: Path, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WRITER, f"sqlite:///{database}", *arguments],
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=300,
    )


def assert_full_and_whole(done: subprocess.CompletedProcess[str], database: Path, before: int = 0) -> int:
    """Told in one line; every unit is there as a whole or not at all. How many units there are."""
    assert done.returncode == 7, done.stderr
    assert done.stderr.startswith("storage.full 7 No space is left for the database")
    assert len(done.stderr.splitlines()) == 1
    with sqlite3.connect(database) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        paths = [path for (path,) in connection.execute("select path from category order by path")]
    units = before + len(done.stdout.split())
    assert paths == [f"{number:06}{half}" for number in range(units) for half in "ab"]
    return units


@pytest.mark.assure("R10")
def test_a_disk_without_room_at_any_point(tmp_path: Path, scale: Callable[[int, int], int]) -> None:
    library, database = faults.library(tmp_path), made(tmp_path / "shop.db")
    units = 0
    for point in range(scale(6, 80)):
        limit = 3_000 + 30_011 * point
        done = write(database, "400", env=faults.environment(library, database, full_after=limit))
        units = assert_full_and_whole(done, database, units)
    assert write(database, "3").returncode == 0


@pytest.mark.assure("R10")
def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    database = made(tmp_path / "shop.db")
    limit = database.stat().st_size + 600_000
    units = assert_full_and_whole(write(database, "400", str(limit)), database)
    assert units > 3
    assert write(database, "3").returncode == 0


FILL_AND_RESUME = """
import os, subprocess, sys
from pathlib import Path
from shopctl.storage.database import open_database
from shopctl.storage.migrations import upgrade
writer, here = sys.argv[1], Path.cwd()
url = f"sqlite:///{here / 'shop.db'}"
ballast = here / "ballast"
ballast.write_bytes(b"x" * 700_000)
database = open_database(url)
upgrade(database, "shop")
database.close()
units = []
for free in (True, False):
    done = subprocess.run([sys.executable, "-c", writer, url, "400"], capture_output=True, text=True)
    print(done.returncode, done.stderr.strip())
    units += done.stdout.split()
    if free:
        ballast.unlink()
with open_database(url).read() as unit:
    print(len(units), unit.value("select count(*) from category"), *unit.tuples("pragma integrity_check")[0])
"""


@pytest.mark.assure("R10")
def test_a_small_file_system_fills_up_and_the_next_run_goes_on_where_there_is_room(tmp_path: Path) -> None:
    inside = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", TMPFS, "sh", os.fspath(tmp_path)]
    try:
        subprocess.run([*inside, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be mounted here")
    done = subprocess.run(
        [*inside, sys.executable, "-c", FILL_AND_RESUME, WRITER], capture_output=True, text=True, timeout=300
    )
    assert done.stderr == ""
    first, second, counts = done.stdout.splitlines()
    for line in (first, second):
        assert line.startswith("7 storage.full 7 No space is left for the database")
    units, rows, sound = counts.split()
    assert int(rows) == 2 * int(units)
    assert int(units) > 20
    assert sound == "ok"


@pytest.mark.assure("R10")
def test_a_full_disk_on_postgres(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give the server a small file system")
    nobody = pwd.getpwnam("nobody").pw_uid
    room = Path(tempfile.mkdtemp(prefix="shopctl-room-"))
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size=24m,mode=700,uid={nobody}", "tmpfs", room], capture_output=True
    ).returncode:
        room.rmdir()
        pytest.skip("no file system can be mounted here")
    server = Server.create(owner=os.getpid())
    try:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute(f"create tablespace small location '{room}'")  # type: ignore[arg-type]
            connection.execute("create database small tablespace small")
        ballast = room / "ballast"
        ballast.write_bytes(b"x" * 3_000_000)
        database = open_database(server.url("small"))
        upgrade(database, "shop")

        def fill(rows: int) -> None:
            with database.unit() as unit:
                unit.insert_many("category", ("path", "name"), ((f"{n}", os.urandom(4000).hex()) for n in range(rows)))

        with pytest.raises(DatabaseFull) as full:
            fill(5000)
        assert full.value.exit_code == 7
        with database.read() as unit:
            assert unit.value("select count(*) from category") == 0
        ballast.unlink()
        fill(100)
        database.close()
    finally:
        server.remove()
        subprocess.run(["umount", "--lazy", room], check=True)
        room.rmdir()
