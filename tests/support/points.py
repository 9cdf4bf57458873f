"""Runs shopctl and ends it at the N-th point where something becomes durable or visible: `python -m support.points`.

The points are counted where the program passes them: before and after each statement that writes and each commit of a
unit, at each batch of the feed that arrives, and before each file takes its name. Settings, all from the environment:
SHOPCTL_TEST_POINT (the point to end at; 0 never), SHOPCTL_TEST_POINTS_FILE (where the number of points passed is
written), SHOPCTL_TEST_SIGNAL (9 unless given), SHOPCTL_TEST_PORTION (rows a unit of an import takes).
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

PASSED = 0


def passed() -> None:
    """One more point; the chosen one is the last."""
    global PASSED
    PASSED += 1
    if int(os.environ.get("SHOPCTL_TEST_POINT", "0")) == PASSED:
        number = int(os.environ.get("SHOPCTL_TEST_SIGNAL", "9"))
        os.kill(os.getpid(), number)
        if number == signal.SIGKILL:
            time.sleep(60)  # it is on its way; nothing more may happen until then


def counted(original: Callable[..., Any]) -> Callable[..., Any]:
    """The same, with a point before and after."""

    def method(*arguments: Any, **options: Any) -> Any:
        passed()
        try:
            return original(*arguments, **options)
        finally:
            passed()

    return method


def instrument() -> None:
    """Put points into both kinds of database, the pipe from the reader, and file names."""
    from shopctl.catalogue.importing import run, service
    from shopctl.storage.postgres import PostgresDatabase, PostgresUnit
    from shopctl.storage.sqlite import SqliteDatabase, SqliteUnit

    for unit in (SqliteUnit, PostgresUnit):
        for name in ("execute", "execute_many", "insert_many"):
            setattr(unit, name, counted(getattr(unit, name)))
    for database in (SqliteDatabase, PostgresDatabase):
        database.unit = _with_points(database.unit)  # type: ignore[method-assign, assignment]
    os.replace = counted(os.replace)
    _instrument_backups()
    from_child = service.from_child

    def received(produce: Any) -> Iterator[Any]:
        for item in from_child(produce):
            passed()
            yield item

    service.from_child = received
    run.PORTION = int(os.environ.get("SHOPCTL_TEST_PORTION", run.PORTION))


def _instrument_backups() -> None:
    """Each piece of a backup that is written, each statement that is restored, and the files on their way."""
    from shopctl.storage import sqlite_swap
    from shopctl.storage.backup import postgres_copy, sealed_file, sqlite_copy

    sealed_file.SealedWriter._put = counted(sealed_file.SealedWriter._put)  # type: ignore[method-assign]
    sqlite_copy._write = counted(sqlite_copy._write)
    sqlite_swap.sync_folder = counted(sqlite_swap.sync_folder)  # type: ignore[attr-defined]
    statements = postgres_copy.statements  # type: ignore[attr-defined]

    def with_points(source: Any) -> Iterator[Any]:
        for each in statements(source):
            passed()
            yield each

    postgres_copy.statements = with_points  # type: ignore[attr-defined]


def _with_points(unit: Any) -> Any:
    @contextmanager
    def method(self: Any, **options: Any) -> Iterator[Any]:
        with unit(self, **options) as opened:
            yield opened
            passed()
        passed()

    return method


def main() -> None:
    """What `python -m support.points` does."""
    from shopctl.__main__ import main as shopctl

    instrument()
    try:
        code = shopctl(sys.argv[1:])
    finally:
        if path := os.environ.get("SHOPCTL_TEST_POINTS_FILE"):
            with open(path, "w") as file:
                file.write(str(PASSED))
    sys.exit(code)


if __name__ == "__main__":
    main()
