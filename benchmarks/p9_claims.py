"""P9: a worker's claim of due runs beside millions that have ended, on both databases.

python benchmarks/p9_claims.py --rows 10000000

The goal: claiming 200 runs takes no longer than in a shop without an ended run, give or take a half. Runs that have
ended are made by the database itself; the claim is the worker's own, rolled back each time, and its plan is printed.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from common import Figure, Folder, announce, arguments, publish, ratio, settle
from shops import Postgres

from shopctl.kernel.clock import Clock
from shopctl.storage.database import Database, open_database
from shopctl.storage.migrations import upgrade
from shopctl.workflow import queries

LIMIT = 1.5
DUE, BATCH, TIMES = 5000, 200, 50
COLUMNS = """id, definition, definition_version, system, subject, state, version, fence, next_at, input, steps, signals,
             created_at, updated_at, ended_at"""
VALUES = """'five', 1, 'bench', 'thing', '{state}', 7, 1, {next_at}, '{{"n": 1}}',
            '{{"s0":{{"state":"succeeded","attempt":1,"output":{{"n":2}}}}}}', 0, 1, 1, {ended}"""
_COUNTED = "with recursive r(n) as (select {first} union all select n + 1 from r where n < {last}) select n from r"
NUMBERS = {"sqlite": f"({_COUNTED})", "postgres": "(select generate_series({first}, {last}) as n)"}


def main() -> None:
    """Fill, claim, print."""
    parser = arguments(__doc__.partition("\n")[0] if __doc__ else None)
    parser.set_defaults(rounds=3)
    parser.add_argument("--rows", type=int, default=1_000_000, metavar="N", help="ended runs (default: %(default)s)")
    parser.add_argument("--postgres", metavar="URL", help="a server to use instead of one of our own")
    given = parser.parse_args()
    figures: list[Figure] = []
    plans: dict[str, list[str]] = {}
    with Folder(given.dir) as folder:
        for name, place in {"SQLite": sqlite, "PostgreSQL": postgres}.items():
            with place(folder, given.postgres) as url, closing(open_database(url)) as database:
                database.create()
                upgrade(database, "shop")
                fill(database, "due", 1, DUE)
                bare = [claimed(database, url) for _ in range(given.rounds)]
                began = time.perf_counter()
                for first in range(1, given.rows, 1_000_000):
                    fill(database, "ended", first, min(first + 999_999, given.rows))
                announce(f"{name}: {given.rows:,} ended runs in {time.perf_counter() - began:.0f} s")
                beside = [claimed(database, url) for _ in range(given.rounds)]
                plans[name] = plan(database)
                if not any("ix_workflow_run_next_at" in line for line in plans[name]):
                    sys.exit(f"{name}: the claim does not use its index: {plans[name]}")
                figures.append(ratio("P9", f"claim of {BATCH} runs beside {given.rows:,} ended ones, {name}", beside,
                                     "without them", bare, LIMIT))  # fmt: skip
    publish("P9", "claims beside ended runs", figures, given.out, rows=given.rows, plans=plans)


def fill(database: Database, what: str, first: int, last: int) -> None:
    """Runs that are due, or ended ones."""
    due = what == "due"
    values = VALUES.format(
        state="pending" if due else "completed", next_at="n" if due else "null", ended="null" if due else "1"
    )
    numbers = NUMBERS[database.dialect].format(first=first, last=last)
    with database.unit() as unit:
        unit.execute(
            f"insert into workflow_run ({COLUMNS}) select '{what}' || n, {values} from {numbers} as numbers where true"
        )


def rested(database: Database, url: str) -> None:
    """Nothing is left to be written or cleaned up of what came before, such as versions that were rolled back."""
    if database.dialect == "sqlite":
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.execute("pragma wal_checkpoint(truncate)")
    else:
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("vacuum analyze workflow_run")
            connection.execute("checkpoint")
    settle()


def claimed(database: Database, url: str) -> float:
    """Seconds of a claim, the median."""
    rested(database, url)
    times = []
    for _ in range(TIMES):
        with database.unit(dry_run=True) as unit:
            began = time.perf_counter()
            runs = queries.claim(unit, worker="bench", now=Clock().now(), until=Clock().now(), limit=BATCH)
            times.append(time.perf_counter() - began)
        if len(runs) != BATCH:
            sys.exit(f"{len(runs)} runs were claimed")
    return median(times)


def plan(database: Database) -> list[str]:
    """How the database finds the runs of a claim."""
    explain = "explain query plan" if database.dialect == "sqlite" else "explain"
    with database.unit(dry_run=True) as unit:
        rows = unit.tuples(
            f"{explain} select id from workflow_run where next_at <= :now order by next_at limit 200 {unit.for_claim}",
            now=Clock().now(),
        )
    return [str(row[-1]) for row in rows]


@contextmanager
def sqlite(folder: Path, _: Any) -> Iterator[str]:
    """A file."""
    os.chmod(folder, 0o700)
    yield f"sqlite:///{folder / 'runs.db'}"


@contextmanager
def postgres(folder: Path, url: str | None) -> Iterator[str]:
    """A database on a server."""
    with Postgres(folder, url) as server, server.database("p9") as made:
        yield made


if __name__ == "__main__":
    main()
