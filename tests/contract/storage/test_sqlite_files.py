"""Where SQLite's files lie: private, under any name, and readable from a read-only place."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from shopctl.storage.database import open_database
from shopctl.storage.errors import (
    DatabaseDamaged,
    DatabaseMissing,
    DatabaseReadOnly,
    DatabaseUnreachable,
    FolderMissing,
    JobLocked,
    NotADatabaseUrl,
    PermissionsTooOpen,
)
from shopctl.storage.migrations import upgrade


def made(path: Path) -> str:
    url = f"sqlite:///{path}"
    database = open_database(url)
    upgrade(database, "shop")
    with database.unit() as unit:
        unit.execute("insert into category (path, name) values ('Home', 'Home')")
    database.close()
    return url


def read(url: str) -> object:
    database = open_database(url)
    try:
        with database.read() as unit:
            return unit.value("select path from category")
    finally:
        database.close()


@pytest.mark.assure("S16")
def test_every_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        database = open_database(made(tmp_path / "shop.db"))
        with database.exclusive("job"), database.unit() as unit:
            unit.execute("insert into category (path, name) values ('x', 'x')")
            files = sorted(tmp_path.iterdir())
        database.close()
    finally:
        os.umask(old)
    names = ["shop.db", "shop.db-shm", "shop.db-wal", "shop.db.gate", "shop.db.job.lock", "shop.db.seat"]
    assert [file.name for file in files if "upgrade" not in file.name] == names
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


@pytest.mark.assure("S16")
@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", ".gate", ".seat"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_file_open_to_others_is_refused_with_the_command_that_closes_it(
    tmp_path: Path, suffix: str, mode: int
) -> None:
    url = made(tmp_path / "my shop.db")
    open_file = tmp_path / f"my shop.db{suffix}"
    open_file.touch()
    open_file.chmod(mode)

    with pytest.raises(PermissionsTooOpen) as refused:
        read(url)
    assert refused.value.exit_code == 4
    subprocess.run(refused.value.advice.removeprefix("Close it with: "), shell=True, check=True)
    assert read(url) == "Home"


@pytest.mark.assure("S16")
def test_a_shop_folder_open_to_others_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / ".shopctl"
    folder.mkdir(mode=0o700)
    url = made(folder / "shop.db")
    folder.chmod(0o750)
    with pytest.raises(PermissionsTooOpen, match="700") as refused:
        read(url)
    assert refused.value.advice.endswith(f"chmod 700 {folder}")


@pytest.mark.parametrize("name", ["a b.db", "100%41.db", "what?mode=ro.db", "a#b.db", "é.db", "file:x.db", ":memory:"])
def test_a_path_means_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert read(made(Path(name))) == "Home"
    assert (tmp_path / name).stat().st_size > 0


def test_a_relative_path_stays_what_it_was_when_the_folder_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = open_database(made(Path("shop.db")))
    monkeypatch.chdir("/")
    with database.read() as unit:
        assert unit.value("select path from category") == "Home"
    database.close()


def test_a_link_leads_to_the_same_locks(tmp_path: Path) -> None:
    url = made(tmp_path / "shop.db")
    (tmp_path / "folder").mkdir()
    link = tmp_path / "folder" / "link.db"
    link.symlink_to(tmp_path / "shop.db")
    assert read(f"sqlite:///{link}") == "Home"
    one, other = open_database(url), open_database(f"sqlite:///{link}")
    with one.exclusive("job"), pytest.raises(JobLocked), other.exclusive("job"):
        pass
    assert [file.name for file in (tmp_path / "folder").iterdir()] == ["link.db"]


def test_what_is_no_database_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotADatabaseUrl):
        open_database("sqlite:///")
    with pytest.raises(DatabaseMissing, match=r"shop\.db"):
        read(f"sqlite:///{tmp_path / 'shop.db'}")
    with pytest.raises(FolderMissing, match="nowhere"):
        made(tmp_path / "nowhere" / "shop.db")
    text = tmp_path / "text.db"
    text.write_text("not a database at all" * 100)
    text.chmod(0o600)
    with pytest.raises(DatabaseDamaged, match=r"text\.db"):
        read(f"sqlite:///{text}")
    (tmp_path / "folder.db").mkdir(mode=0o700)
    with pytest.raises((DatabaseUnreachable, DatabaseReadOnly), match=r"folder\.db"):
        read(f"sqlite:///{tmp_path / 'folder.db'}")


READ_AND_WRITE = """
import os, sys
import shopctl.storage.sqlite
from shopctl.kernel.errors import ShopctlError
from shopctl.storage.database import open_database
if os.geteuid() == 0:  # root passes over modes
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
database = open_database(sys.argv[1], lock_wait=1)
try:
    with database.read() as unit:
        print(unit.value("select path from category"))
    with database.unit() as unit:
        print(unit.execute("update category set name = 'x'"))
except ShopctlError as error:
    print(type(error).__name__)
"""


def as_nobody(url: str, folder: Path) -> list[str]:
    if os.geteuid() == 0:
        for place in (folder, *folder.rglob("*")):
            os.chown(place, 65534, 65534)
    done = subprocess.run([sys.executable, "-c", READ_AND_WRITE, url], capture_output=True, text=True, cwd="/")
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that another user can reach (those of pytest are closed)."""
    folder = Path(tempfile.mkdtemp(prefix="shopctl-"))
    yield folder
    folder.chmod(0o700)
    shutil.rmtree(folder)


def test_a_read_only_folder_can_be_read_and_refuses_a_write_in_one_line(reachable: Path) -> None:
    url = made(reachable / "shop.db")
    for beside in reachable.glob("shop.db?*"):
        beside.unlink()
    (reachable / "shop.db").chmod(0o400)
    reachable.chmod(0o500)
    assert as_nobody(url, reachable) == ["Home", "DatabaseReadOnly"]


def test_a_read_only_file_can_be_read_and_refuses_a_write_in_one_line(reachable: Path) -> None:
    url = made(reachable / "shop.db")
    (reachable / "shop.db").chmod(0o400)
    assert as_nobody(url, reachable) == ["Home", "DatabaseReadOnly"]


def test_changes_that_only_the_wal_holds_are_never_passed_over(reachable: Path) -> None:
    url = made(reachable / "shop.db")
    (reachable / "shop.db-wal").write_bytes(b"x" * 100)
    (reachable / "shop.db-wal").chmod(0o400)
    reachable.chmod(0o500)
    assert as_nobody(url, reachable) == ["DatabaseReadOnly"]


def test_the_log_is_emptied_unless_somebody_reads_it(tmp_path: Path, prepared_sqlite: Path) -> None:
    shutil.copy(prepared_sqlite, tmp_path)
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    with closing(open_database(url)) as database, closing(open_database(url)) as reader:
        with reader.read():
            with database.unit() as unit:
                unit.execute("insert into category (path, name) values ('x', 'x')")
            assert not database.empty_log(wait=0.1)
        assert database.empty_log()
        assert (tmp_path / "shop.db-wal").stat().st_size == 0
