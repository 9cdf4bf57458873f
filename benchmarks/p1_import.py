"""P1: importing a big feed, beside other ways of getting it into a database.

    python benchmarks/p1_import.py                       1,000,000 rows, SQLite and PostgreSQL
    python benchmarks/p1_import.py --rows 100000 --only sqlite
    python benchmarks/p1_import.py --postgres postgresql://postgres@localhost/postgres

Every round makes a fresh shop and imports the feed, the same feed again, and one with 1 % of the prices changed,
between the peers' runs on the same file. Counts are checked against what the generator knows and what the tables hold.
"""

from __future__ import annotations

import argparse
import sqlite3
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from common import (
    MIB,
    Figure,
    Folder,
    Run,
    announce,
    arguments,
    compile_bytecode,
    publish,
    ratio,
    rounded,
    run,
    settle,
    shopctl,
)
from feed import Feed, feed
from p1_peers import commands
from shops import NoPostgres, Postgres, Shop, on_sqlite

PARTIAL = 6  # the exit code of an import that rejected some rows
MEMORY_LIMIT = 300.0  # MB
SEARCHABLE_LIMIT = 25.0  # seconds for a million products


@dataclass
class Series:
    """Everything measured on one database."""

    peers: dict[str, list[float]] = field(default_factory=dict)
    peers_computed: dict[str, list[float]] = field(default_factory=dict)  # processor seconds
    first: list[Run] = field(default_factory=list)
    again: list[Run] = field(default_factory=list)
    changed: list[Run] = field(default_factory=list)
    searchable: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # what did not come out as the generator knows it
    changes_again: list[int] = field(default_factory=list)  # change rows that the same feed wrote
    index_untouched: list[bool] = field(default_factory=list)

    def timed(self, name: str, peer: Run) -> None:
        """Note a peer's run."""
        self.peers.setdefault(name, []).append(peer.seconds)
        self.peers_computed.setdefault(name, []).append(peer.processor_seconds)
        announce(f"  {name}: {peer.seconds:.2f} s")


def main() -> None:
    """Measure and print."""
    options = _options()
    compile_bytecode("sqlite_utils", "sqlmodel", "sqlalchemy", "psycopg", "tantivy", "typer", "click", "rich")
    plain, changed = (feed(options.dir, options.rows, changed=each) for each in (False, True))
    figures: list[Figure] = []
    more: dict[str, Any] = {"rows": plain.rows, "bytes": plain.bytes, "bad_rows": plain.bad, "rounds": options.rounds}
    if "sqlite" in options.only:
        series = _sqlite(options, plain, changed)
        figures += _sqlite_figures(series, plain)
        more["sqlite"] = _raw(series)
    if "postgres" in options.only:
        try:
            with Postgres(options.dir, options.postgres) as server:
                series = _postgres(options, server, plain, changed)
                more["postgres"] = {"version": server.version, **_raw(series)}
            figures += _postgres_figures(series, plain.rows)
        except NoPostgres as reason:
            announce(f"no PostgreSQL: {reason}")
            more["postgres"] = {"left_out": str(reason)}
    publish("P1", "importing a feed", figures, options.out, **more)


def _options() -> argparse.Namespace:
    parser = arguments(__doc__)
    parser.set_defaults(rounds=3)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--rows", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--only", nargs="+", choices=("sqlite", "postgres"), default=("sqlite", "postgres"))
    parser.add_argument(
        "--postgres", metavar="URL", help="a server that databases may be created on (default: our own)"
    )
    parser.add_argument("--slow-rounds", type=int, default=1, metavar="N", help="how often the slow peers run")
    parser.add_argument("--sqlmodel-rows", type=int, default=50_000, metavar="N", help="the rows SQLModel is given")
    return parser.parse_args()


def _sqlite(options: argparse.Namespace, plain: Feed, changed: Feed) -> Series:
    series = Series()
    shell = commands.sqlite3_command()
    if shell is None:
        announce("no sqlite3 shell on the PATH: its .import is left out")
    for number in range(options.rounds):
        announce(f"SQLite, round {number + 1} of {options.rounds}")
        if shell is not None:
            with Folder(options.dir) as place:
                settle()
                series.timed(".import", commands.sqlite_import(shell, plain.file, place / "peer.db"))
                _held(series, place / "peer.db", plain)
            with Folder(options.dir) as place:
                settle()
                series.timed(
                    ".import 64 MB", commands.sqlite_import(shell, plain.file, place / "peer.db", cache_mib=64)
                )
        _ours(series, partial(on_sqlite, options.dir), settle, plain, changed)
        if number < options.slow_rounds:
            with Folder(options.dir) as place:
                settle()
                series.timed("sqlite-utils", commands.sqlite_utils(plain.file, place / "peer.db"))
            with Folder(options.dir) as place:
                settle()
                _sqlmodel(series, plain, f"sqlite:///{place}/peer.db", options.sqlmodel_rows)
    return series


def _postgres(options: argparse.Namespace, server: Postgres, plain: Feed, changed: Feed) -> Series:
    series = Series()

    def quiet() -> None:
        server.settle()
        settle()

    for number in range(options.rounds):
        announce(f"PostgreSQL {server.version}, round {number + 1} of {options.rounds}")
        with server.database("peer") as url:
            quiet()
            series.timed("copy", commands.copy(server.psql, plain.file, url))
        _ours(series, partial(server.shop, options.dir), quiet, plain, changed)
        if number < options.slow_rounds:
            with server.database("peer") as url:
                quiet()
                url = url.replace("postgresql://", "postgresql+psycopg://", 1)
                _sqlmodel(series, plain, url, options.sqlmodel_rows)
    return series


def _ours(
    series: Series,
    fresh: Callable[[], AbstractContextManager[Shop]],
    quiet: Callable[[], None],
    plain: Feed,
    changed: Feed,
) -> None:
    with fresh() as shop:
        quiet()
        first = _import(shop, plain)
        series.first.append(first)
        _expect(series, first, created=plain.good, updated=0, unchanged=0, rejected=plain.bad)
        if (stored := shop.count("product")) != plain.good:
            series.wrong.append(f"{stored} products are stored, not {plain.good}")
        series.searchable.append(_indexing(first) + _searchable(series, shop))
        before, index = shop.count("change"), shop.index_files()
        quiet()
        again = _import(shop, plain)
        series.again.append(again)
        series.changes_again.append(shop.count("change") - before)
        if index:  # without one there is nothing to leave alone
            series.index_untouched.append(shop.index_files() == index)
        _expect(series, again, created=0, updated=0, unchanged=plain.good, rejected=plain.bad)
        before = shop.count("change")
        quiet()
        other = _import(shop, changed)
        series.changed.append(other)
        unchanged = plain.good - changed.changed
        _expect(series, other, created=0, updated=changed.changed, unchanged=unchanged, rejected=plain.bad)
        if (written := shop.count("change") - before) != changed.changed:
            series.wrong.append(f"{written} change rows for {changed.changed} changed products")


def _import(shop: Shop, source: Feed) -> Run:
    command = [*shopctl(), "catalogue", "import", source.path, "--on-error", "skip-rows", "-o", "json"]
    finished = run(command, cwd=shop.folder, memory=True, expect=(PARTIAL,))
    megabytes = (finished.peak_bytes or 0) / MIB
    announce(f"  shopctl, {source.file.name}: {finished.seconds:.2f} s, {megabytes:.0f} MB")
    return finished


def _searchable(series: Series, shop: Shop) -> float:
    """Seconds until a search finds what was just imported and misses nothing."""
    command = [*shopctl(), "catalogue", "search", "kettle", "-o", "json"]
    began = time.perf_counter()
    while True:
        found = run(command, cwd=shop.folder, memory=True).json()
        seconds = time.perf_counter() - began
        if found["total"] and not found["lag"]:
            return seconds
        if seconds > 10 * SEARCHABLE_LIMIT:
            series.wrong.append(
                f"after {seconds:.0f} s a search finds {found['total']} and misses {found['lag']} changes"
            )
            return seconds
        time.sleep(0.1)


def _indexing(finished: Run) -> float:
    """Seconds that an import spent on the search index: they are P1d's, not P1's."""
    phases: dict[str, float] = finished.json().get("phases", {})
    return sum(seconds for name, seconds in phases.items() if name.startswith(("index", "search")))


def _expect(series: Series, finished: Run, **counts: int) -> None:
    said = finished.json()
    for name, wanted in counts.items():
        if said[name] != wanted:
            series.wrong.append(f"{name} is {said[name]}, not {wanted}")


def _held(series: Series, database: Path, plain: Feed) -> None:
    # A peer that stopped half-way would be a fine one to beat. It refuses rows only for a missing SKU.
    connection = sqlite3.connect(database)
    held = connection.execute("select count(*) from product").fetchone()[0]
    connection.close()
    if held < plain.good:
        series.wrong.append(f"the peer holds only {held} rows")


def _sqlmodel(series: Series, plain: Feed, url: str, rows: int) -> None:
    rows = min(rows, plain.rows)
    said = commands.sqlmodel_add(plain.file, url, rows).json()
    scaled = said["seconds"] * plain.rows / rows
    series.peers.setdefault("SQLModel", []).append(scaled)
    announce(f"  SQLModel: {said['seconds']:.2f} s for {rows} rows, {scaled:.0f} s for all, by scale")


def _sqlite_figures(series: Series, plain: Feed) -> list[Figure]:
    first, again, changed = (_times(runs) for runs in (series.first, series.again, series.changed))
    rows = f"{plain.rows:,} rows"
    figures = [_memory("P1", "memory of all processes, SQLite", series)]
    if ".import" in series.peers:
        shell, cached = series.peers[".import"], series.peers[".import 64 MB"]
        figures = [
            ratio("P1", f"import of {rows} into SQLite", first, "sqlite3 .import", shell, 1.2),
            ratio("P1", f"import of {rows} into SQLite", first, "sqlite3 .import, 64 MB cache", cached, None),
            *figures,
            ratio("P1c", "the same feed again", again, "sqlite3 .import", shell, 0.4),
            ratio("P1c", "1 % of the prices changed", changed, "sqlite3 .import", shell, None),
        ]
    for peer, limit in (("SQLModel", None), ("sqlite-utils", 4.0)):
        if peer in series.peers:
            theirs = series.peers[peer]
            what = f"import of {rows} into SQLite, times as fast"
            note = "" if limit else "peer scaled from fewer rows"
            figures.insert(2, ratio("P1", what, first[: len(theirs)], peer, theirs, limit, faster=True, note=note))
    return [*figures, *_unchanged("SQLite", series), _after_import("SQLite", series, plain.rows)]


def _postgres_figures(series: Series, rows: int) -> list[Figure]:
    first = _times(series.first)
    copied = series.peers["copy"]
    figures = [
        ratio("P1b", "import into PostgreSQL", first, r"psql \copy", copied, 3.0),
        _memory("P1b", "memory of all processes of shopctl, PostgreSQL", series),
        ratio("P1b", "the same feed again", _times(series.again), r"psql \copy", copied, None),
        ratio("P1b", "1 % of the prices changed", _times(series.changed), r"psql \copy", copied, None),
    ]
    if "SQLModel" in series.peers:
        theirs = series.peers["SQLModel"]
        what, note = "import into PostgreSQL, times as fast", "peer scaled from fewer rows"
        figures.append(ratio("P1b", what, first[: len(theirs)], "SQLModel", theirs, None, faster=True, note=note))
    return [*figures, *_unchanged("PostgreSQL", series), _after_import("PostgreSQL", series, rows)]


def _times(runs: list[Run]) -> list[float]:
    return [each.seconds - _indexing(each) for each in runs]


def _memory(figure: str, what: str, series: Series) -> Figure:
    peaks = [each.peak_bytes for each in (*series.first, *series.again, *series.changed) if each.peak_bytes]
    return Figure(figure, what, max(peaks, default=0) / MIB, "MB", MEMORY_LIMIT)


def _unchanged(database: str, series: Series) -> list[Figure]:
    figures = [
        Figure("P1c", f"change rows written for the same feed, {database}", max(series.changes_again), "rows", 0),
        Figure("P1", f"counts that are wrong, {database}", len(series.wrong), "counts", 0),
    ]
    if series.index_untouched:
        touched = sum(not untouched for untouched in series.index_untouched)
        figures.insert(1, Figure("P1c", f"writes to the index for the same feed, {database}", touched, "imports", 0))
    return figures


def _after_import(database: str, series: Series, rows: int) -> Figure:
    limit = SEARCHABLE_LIMIT * max(rows, 100_000) / 1_000_000
    return Figure("P1d", f"more until all is searchable, {database}", median(series.searchable), "s", limit)


def _raw(series: Series) -> dict[str, Any]:
    def told(runs: list[Run]) -> list[dict[str, Any]]:
        return [
            {
                "seconds": rounded(each.seconds),
                "processor_seconds": rounded(each.processor_seconds),
                "peak_mb": rounded((each.peak_bytes or 0) / MIB),
                "phases": each.json().get("phases"),
            }
            for each in runs
        ]

    return {
        "peers": _listed(series.peers),
        "peers_processor_seconds": _listed(series.peers_computed),
        "first": told(series.first),
        "again": told(series.again),
        "changed": told(series.changed),
        "searchable_seconds": [rounded(each) for each in series.searchable],
        "wrong": series.wrong,
    }


def _listed(times: dict[str, list[float]]) -> dict[str, list[float | None]]:
    return {name: [rounded(each) for each in values] for name, values in times.items()}


if __name__ == "__main__":
    main()
