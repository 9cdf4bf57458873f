"""Users with hashes out of a CSV file, into an empty shop and beside many; the same rows unsealed by `executemany`.

python benchmarks/user_import.py                     100,000 users; empty, and beside 500,000; SQLite and PostgreSQL
python benchmarks/user_import.py --rows 20000 --beside 0 --only sqlite
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from common import (
    Figure,
    Folder,
    Run,
    announce,
    arguments,
    compile_bytecode,
    publish,
    ratio,
    run,
    seconds,
    settle,
    shopctl,
)
from shops import NoPostgres, Postgres

GOAL = 20_000  # users a second
PEER = Path(__file__).with_name("user_peer.py")
_SEED = 20261124
_ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_GIVEN = "anna bruno carla dmitri eva farid greta hanif ines jonas kaito lena maria noor olga pavel quinn rosa".split()


@dataclass(frozen=True)
class Place:
    """A shop whose users are measured, and where the peer writes."""

    name: str
    folder: Path
    flags: tuple[str, ...]  # of `init`
    peer: str  # a URL
    settle: Callable[[], None]

    def begin(self) -> None:
        """Make the shop, and the roles that the files name."""
        run([*shopctl(), "init", *self.flags], cwd=self.folder)
        for role in ("customer", "staff"):
            run([*shopctl(), "role", "create", role], cwd=self.folder)

    def take(self, file: Path, expected: dict[str, int]) -> Run:
        """Import a file; what it reports must be what was expected."""
        self.settle()
        done = run([*shopctl(), "user", "import", file, "-o", "json"], cwd=self.folder, memory=True)
        report = done.json()
        if {name: report[name] for name in expected} != expected:
            sys.exit(f"counts that are wrong: {report}")
        return done

    def take_by_peer(self, file: Path) -> Run:
        """The same rows, unsealed, into tables of their own."""
        self.settle()
        return run([sys.executable, PEER, file, self.peer])


def main() -> None:
    """Measure and print."""
    options = _options()
    compile_bytecode("cryptography", "psycopg", "psycopg_binary", "typer", "click")
    more: dict[str, Any] = {"users": options.rows, "beside": options.beside, "rounds": options.rounds}
    figures: list[Figure] = []
    with Folder(options.dir) as files, ExitStack() as stack:
        server = None
        if "postgres" in options.only:
            try:
                server = stack.enter_context(Postgres(options.dir, options.postgres))
                more["postgres_version"] = server.version
            except NoPostgres as reason:
                announce(f"no PostgreSQL: {reason}")
                more["left_out"] = str(reason)
        kinds = ["SQLite"] * ("sqlite" in options.only) + ["PostgreSQL"] * (server is not None)
        for kind in kinds:
            figures += _measured(kind, server, files, options)
    publish("users", "users with hashes, imported from CSV", figures, options.out, **more)


def _options() -> argparse.Namespace:
    parser = arguments(__doc__.partition("\n")[0] if __doc__ else None)
    parser.set_defaults(rounds=3)
    parser.add_argument("--rows", type=int, default=100_000, metavar="N", help="users in a file")
    parser.add_argument("--beside", type=int, default=500_000, metavar="N", help="users that are there already")
    parser.add_argument("--only", nargs="+", choices=("sqlite", "postgres"), default=("sqlite", "postgres"))
    parser.add_argument(
        "--postgres", metavar="URL", help="a server that databases may be created on (default: our own)"
    )
    return parser.parse_args()


def _measured(kind: str, server: Postgres | None, files: Path, options: argparse.Namespace) -> list[Figure]:
    rows, rounds = options.rows, options.rounds
    file = written(files, rows, 0)
    new, same = {"rows": rows, "created": rows}, {"rows": rows, "unchanged": rows}
    first, again, peer = [], [], []
    for number in range(rounds):
        announce(f"{kind}, empty: round {number + 1} of {rounds}")
        with _place(kind, server, options.dir) as place:
            place.begin()
            first.append(place.take(file, new))
            again.append(place.take(file, same))
            peer.append(place.take_by_peer(file))
    figures = [
        *_figures(f"into an empty shop, {kind}", rows, first, peer),
        _rate(f"the same again, {kind}", rows, again),
    ]
    if options.beside:
        announce(f"{kind}: {options.beside:,} users to stand beside")
        beside = []
        with _place(kind, server, options.dir) as place:
            place.begin()
            place.take(written(files, options.beside, 10**8), {"created": options.beside})
            for number in range(rounds):
                announce(f"{kind}, beside {options.beside:,}: round {number + 1} of {rounds}")
                beside.append(place.take(written(files, rows, number * rows), new))
        figures.append(_rate(f"beside {options.beside:,} users, {kind}", rows, beside))
    return figures


def _figures(what: str, rows: int, own: list[Run], peer: list[Run]) -> list[Figure]:
    return [
        _rate(what, rows, own),
        ratio("users", what, seconds(own), "executemany, unsealed", seconds(peer), None),
    ]


def _rate(what: str, rows: int, runs: list[Run]) -> Figure:
    """Users a second of the whole process, and what it held and computed."""
    rates = [rows / each.seconds for each in runs]
    peak = max(each.peak_bytes or 0 for each in runs) >> 20
    computed = median(each.processor_seconds for each in runs)
    return Figure(
        id="users", what=what, value=median(rates), unit="users/s", limit=GOAL, at_most=False,
        own=median(seconds(runs)), ratios=rates,
        note=f"users a second, whole process; {computed:.2f} s computed, {peak} MiB at most",
    )  # fmt: skip


@contextmanager
def _place(kind: str, server: Postgres | None, parent: Path) -> Iterator[Place]:
    with Folder(parent) as folder, ExitStack() as stack:
        if kind == "SQLite":
            yield Place(kind, folder, (), f"sqlite:///{folder / 'peer.db'}", settle)
            return
        assert server is not None
        shop, auth, peer = (stack.enter_context(server.database(name)) for name in ("shop", "auth", "peer"))
        yield Place(kind, folder, ("--database", shop, "--auth-database", auth), peer, server.settle)


def written(folder: Path, rows: int, first: int) -> Path:
    """A file of users, the same for the same numbers."""
    path = folder / f"users-{first}-{rows}.csv"
    if path.exists():
        return path
    dice = random.Random(_SEED + first)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("username", "email", "password_hash", "roles", "created_at"))
        for number in range(first, first + rows):
            name = f"{dice.choice(_GIVEN)}.{dice.getrandbits(32):x}.{number}"
            hashed = f"$2b$12${''.join(dice.choices(_ALPHABET, k=21))}e{''.join(dice.choices(_ALPHABET, k=31))}"
            roles = "customer" if number % 10 else "customer staff"
            created = f"20{10 + number % 15}-0{1 + number % 9}-1{number % 10}T03:04:05Z"
            writer.writerow((name, f"{name}@example.org", hashed, roles, created))
    return path


if __name__ == "__main__":
    main()
