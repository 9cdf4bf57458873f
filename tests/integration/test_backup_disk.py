"""A disk that fills up under a backup or a restore, and databases that are larger than memory should be."""

from __future__ import annotations

import json
import os
import resource
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from integration.test_import_memory import measured
from shopctl.storage.database import open_database
from shopctl.storage.table_sums import table_sums
from support.shop import Shop, command

MOST = 300 << 20
TMPFS = """
set -e
mount -t tmpfs -o size=1m,mode=700 tmpfs "$1"
shift
exec "$@"
"""


def url_of(shop: Shop) -> str:
    return shop.database_url or f"sqlite:///{shop.folder}/.shopctl/shop.db"


def fill(shop: Shop, megabytes: int) -> None:
    """So many megabytes that do not pack, in the shop's database."""
    with closing(open_database(url_of(shop))) as database, database.unit() as unit:
        rows = ((f"{number:07}", os.urandom(2000).hex()) for number in range(250 * megabytes))
        unit.insert_many("category", ("path", "name"), rows)


def products(shop: Shop) -> Any:
    with closing(open_database(url_of(shop))) as database, database.read() as unit:
        return table_sums(unit)["category"]


def limited(shop: Shop, size: int, *words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command(*words, "-o", "json"),
        cwd=shop.folder,
        env=shop.environment(),
        capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        timeout=120,
    )


def assert_full(done: subprocess.CompletedProcess[bytes], code: str) -> None:
    assert done.returncode == 7, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert json.loads(done.stderr)["error"]["code"] == code


@pytest.mark.assure("R10")
def test_a_backup_without_room_leaves_nothing(any_shop: Shop, scale: Callable[[int, int], int]) -> None:
    fill(any_shop, 4)
    for number in range(scale(2, 20)):
        limit = 200_000 + 3_700_000 * number // scale(2, 20)
        assert_full(limited(any_shop, limit, "backup", "create"), "backup.no_room")
        assert any_shop.run("backup", "list", "-o", "json").json == []
        assert os.listdir(any_shop.folder / ".shopctl/backups") == []
    any_shop.run("backup", "create")


@pytest.mark.assure("R10")
def test_a_restore_without_room_changes_nothing(shop: Shop, scale: Callable[[int, int], int]) -> None:
    fill(shop, 4)
    made = shop.run("backup", "create", "-o", "json").json["path"]
    shop.run("catalogue", "import", "-", "--format", "csv", input="sku,name,category\nA,B,C\n")
    before = products(shop)
    for number in range(scale(2, 20)):
        limit = 100_000 + 3_900_000 * number // scale(2, 20)
        assert_full(limited(shop, limit, "backup", "restore", made, "--confirm", shop.folder.name), "storage.full")
        assert products(shop) == before
        assert not list(shop.folder.rglob("*restoring*"))
    shop.run("backup", "restore", made, "--confirm", shop.folder.name)
    assert products(shop) != before


@pytest.mark.assure("R10")
def test_a_small_file_system_for_backups(shop: Shop, tmp_path: Path) -> None:
    fill(shop, 4)
    room = tmp_path / "room"
    room.mkdir(mode=0o700)
    inside = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", TMPFS, "sh", os.fspath(room)]
    try:
        subprocess.run([*inside, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be mounted here")
    shell = '"$@"; code=$?; ls -A "$0"; exit $code'
    done = subprocess.run(
        [*inside, "sh", "-c", shell, os.fspath(room), *command("backup", "create", "--out", str(room), "-o", "json")],
        cwd=shop.folder,
        env=shop.environment(),
        capture_output=True,
        timeout=120,
    )
    assert_full(done, "backup.no_room")
    assert done.stdout == b""


@pytest.mark.assure("R16")
def test_memory_does_not_grow_with_the_database(
    any_shop: Shop, tmp_path: Path, scale: Callable[[int, int], int]
) -> None:
    fill(any_shop, scale(12, 1000))
    out = tmp_path / "away"
    peaks = {}
    for name, words in {
        "create": ("backup", "create", "--out", str(out)),
        "verify": ("backup", "verify", ""),
        "drill": ("backup", "drill", ""),
        "restore": ("backup", "restore", "", "--confirm", any_shop.folder.name),
    }.items():
        path = next(map(str, out.glob("*.backup")), "")
        code, err, peaks[name] = measured(any_shop, tmp_path, *(word or path for word in words))
        assert code == 0, err
    assert max(peaks.values()) < MOST, peaks
