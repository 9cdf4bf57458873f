"""A downstream that keeps its books: a file that outlives any worker, with one effect for each key at most."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple


class Entry(NamedTuple):
    """What has been done under a key, and how often it was asked for."""

    key: str
    effects: int
    calls: int


class Ledger:
    """`call` counts what is asked, `effect` does it once for a key, whoever asks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with closing(self._open()) as books:
            books.execute("pragma journal_mode = wal")
            books.execute("pragma synchronous = off")  # processes die here, machines do not
            books.execute("create table if not exists entry (key text primary key, effects int, calls int)")

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=60, isolation_level=None)

    def call(self, key: str) -> int:
        """Count a call; how many there were under this key."""
        with closing(self._open()) as books:
            [(calls,)] = books.execute(
                """insert into entry values (?, 0, 1) on conflict (key) do update set calls = calls + 1
                   returning calls""",
                (key,),
            ).fetchall()
        return int(calls)

    def effect(self, key: str) -> None:
        """Do what is asked, unless it has been done under this key."""
        with closing(self._open()) as books:
            books.execute("update entry set effects = 1 where key = ?", (key,))

    def of(self, run_id: str) -> dict[str, Entry]:
        """The entries of a run by what follows its id in their keys: `STEP.GENERATION` and `STEP.GENERATION.undo`."""
        with closing(self._open()) as books:
            rows = books.execute("select * from entry where key like ? order by key", (f"{run_id}.%",)).fetchall()
        return {key.removeprefix(f"{run_id}."): Entry(key, effects, calls) for key, effects, calls in rows}

    def everything(self) -> list[Entry]:
        """All entries."""
        with closing(self._open()) as books:
            return [Entry(*row) for row in books.execute("select * from entry")]
