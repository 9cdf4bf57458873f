"""Backups, drills and restores while others write: nobody is held up, every copy is of one moment, nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from shopctl.kernel.settings import Settings, load_settings
from shopctl.operations.backups import create
from shopctl.operations.drilling import drill
from shopctl.operations.restoring import restore
from shopctl.storage.database import open_database
from support.shop import Shop

# Two rows a unit, so that half of one would show; says each number once it is committed, until its input ends.
WRITER = """
import sys, threading
from shopctl.storage.database import open_database
database = open_database(sys.argv[1])
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
number = 0
while not ended.is_set():
    with database.unit() as unit:
        for half in "ab":
            unit.execute("insert into category (path, name) values (:path, :x)", path=f"{number:06}{half}", x="x" * 300)
    print(number, flush=True)
    number += 1
"""


class Writer:
    """A process that writes all the time."""

    def __init__(self, settings: Settings, said: Path) -> None:
        self.said = said
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER, settings.database_url],
            stdin=subprocess.PIPE,
            stdout=said.open("wb"),
            stderr=subprocess.PIPE,
            env=os.environ,
        )

    def written(self) -> int:
        """How many units were committed."""
        return self.said.read_bytes().count(b"\n")

    def wait_for(self, more: int) -> None:
        wanted, deadline = self.written() + more, time.monotonic() + 60
        while self.written() < wanted:
            assert self.process.poll() is None, self.process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def stop(self) -> int:
        _, err = self.process.communicate(b"", timeout=60)
        assert self.process.returncode == 0, err
        return self.written()


def numbers(settings: Settings) -> list[str]:
    with closing(open_database(settings.database_url)) as database, database.read() as unit:
        return [path for (path,) in unit.tuples("select path from category order by path")]


def whole(paths: list[str]) -> bool:
    """Whether these are the first so many units, each with both halves."""
    return paths == [f"{number:06}{half}" for number in range(len(paths) // 2) for half in "ab"]


@pytest.fixture
def settings(any_shop: Shop) -> Settings:
    return load_settings(any_shop.folder, any_shop.environment())


def test_a_backup_is_of_one_moment_while_a_writer_works(
    settings: Settings, tmp_path: Path, scale: Callable[[int, int], int]
) -> None:
    writer = Writer(settings, tmp_path / "said")
    writer.wait_for(10)
    made, least = [], []
    for _ in range(scale(1, 50)):
        least.append(writer.written())
        made.append(create(settings).path)
        writer.wait_for(3)
        found = drill(settings, made[-1])
        assert (found.checksums_ok, found.audit_ok, found.problem) == (True, True, None)
    committed = writer.stop()
    assert whole(numbers(settings))
    assert len(numbers(settings)) == 2 * committed
    for path, count in list(zip(made, least, strict=True))[:: scale(1, 10)]:
        restore(settings, path)
        assert whole(numbers(settings))
        assert len(numbers(settings)) >= 2 * count


def test_a_writer_that_has_the_database_open_goes_on_in_the_restored_one(settings: Settings, tmp_path: Path) -> None:
    made = create(settings).path
    writer = Writer(settings, tmp_path / "said")
    writer.wait_for(10)

    restore(settings, made)

    writer.wait_for(10)
    before = writer.written()
    committed = writer.stop()
    kept = numbers(settings)
    # What was committed before the restore is gone, as is meant; of what was committed after it nothing is.
    first = int(kept[0][:6])
    assert 0 < first <= before
    assert kept == [f"{number:06}{half}" for number in range(first, committed) for half in "ab"]
    with closing(open_database(settings.database_url)) as database, database.read() as unit:
        if unit.dialect == "sqlite":
            assert unit.value("pragma integrity_check") == "ok"
