"""P5: five-step workflow runs worked off by one worker on both databases, beside DBOS on the same kind of database.

python benchmarks/p5_workflow.py --rounds 5 --runs 2000 --peer-runs 200

SQLite with `synchronous=FULL`, PostgreSQL with `synchronous_commit=on`, each round on a fresh database. The peer runs
in the way that was fastest in a round that does not count, with fewer runs; times are for one run each.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from common import Figure, Folder, announce, arguments, compile_bytecode, publish, ratio, rounded, run, settle
from five_steps import STEPS
from shops import NoPostgres, Postgres

GOAL = 20.0
OWN = "own"
WAYS = ("dbos-threads", "dbos-queue", "dbos-async")
SIDES = Path(__file__).with_name("five_steps.py")
Place = Any  # makes the URL of a fresh database, as a context


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__.partition("\n")[0] if __doc__ else None)
    parser.set_defaults(rounds=5)
    parser.add_argument("--runs", type=int, default=2000, metavar="N", help="of shopctl (default: %(default)s)")
    parser.add_argument("--peer-runs", type=int, default=200, metavar="N", help="of DBOS (default: %(default)s)")
    parser.add_argument("--postgres", metavar="URL", help="a server to use instead of one of our own")
    options = parser.parse_args()
    compile_bytecode("dbos", "sqlalchemy", "psycopg")
    figures: list[Figure] = []
    figures += measured("SQLite", lambda: sqlite(options.dir), options)
    try:
        with Postgres(options.dir, options.postgres) as server:
            if server.command("show synchronous_commit") != "on" or server.command("show fsync") != "on":
                sys.exit("the server does not keep what it acknowledges")
            figures += measured("PostgreSQL", lambda: postgres(server), options)
    except NoPostgres as problem:
        announce(f"PostgreSQL left out: {problem}")
    publish("P5", "five-step runs, one worker", figures, options.out, rounds=options.rounds, runs=options.runs,
            peer_runs=options.peer_runs)  # fmt: skip


def measured(name: str, place: Place, options: Any) -> list[Figure]:
    """The figures on one kind of database."""
    announce(f"{name}: which way suits DBOS best")
    tried = {way: side(way, place, options.peer_runs)[0] for way in WAYS}
    best = min(tried, key=lambda way: tried[way])
    announce(f"{name}: {', '.join(f'{way} {1000 * seconds:.1f} ms' for way, seconds in tried.items())} a run")
    own: list[tuple[float, float]] = []
    peer: list[tuple[float, float]] = []
    for number in range(options.rounds):
        announce(f"{name}: round {number + 1} of {options.rounds}")
        own.append(side(OWN, place, options.runs))
        peer.append(side(best, place, options.peer_runs))
    alone = [side(OWN, place, 1)[0] for _ in range(options.rounds)], [side(best, place, 1)[0] for _ in range(3)]
    (wall, computed), (peer_wall, peer_computed) = zip(*own, strict=True), zip(*peer, strict=True)
    rate, peer_rate = (rounded(STEPS / median(times)) for times in (computed, peer_computed))
    return [
        ratio("P5", f"a five-step run among many, {name}", wall, best, peer_wall, GOAL, faster=True,
              note=f"{rounded(STEPS / median(wall))} steps/s beside {rounded(STEPS / median(peer_wall))}"),
        ratio("P5", f"the same in processor time, {name}", computed, best, peer_computed, None, faster=True,
              note=f"{rate} steps/s beside {peer_rate}"),
        ratio("P5", f"one run alone, {name}", [median(alone[0])], best, [median(alone[1])], None, faster=True,
              note="latency from its claim to its end, connections open"),
    ]  # fmt: skip


def side(which: str, place: Place, runs: int) -> tuple[float, float]:
    """Seconds and processor seconds for one run of so many."""
    settle()
    with place() as url:
        done = run([sys.executable, SIDES, which, url, str(runs)]).json()
    return done["seconds"] / runs, done["processor_seconds"] / runs


@contextmanager
def sqlite(folder: Path) -> Iterator[str]:
    """A fresh file."""
    with Folder(folder) as path:
        os.chmod(path, 0o700)
        yield f"sqlite:///{path / 'runs.db'}"


@contextmanager
def postgres(server: Postgres) -> Iterator[str]:
    """A fresh database on the server, with a name that both sides take for theirs."""
    with server.database("p5") as url:
        server.settle()
        yield urlunsplit(urlsplit(url)) if urlsplit(url).netloc else url.replace("postgresql:/", "postgresql:///", 1)


if __name__ == "__main__":
    main()
