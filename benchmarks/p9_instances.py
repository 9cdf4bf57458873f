"""P9: look-ups among many product instances, by customer, SKU, state and attribute, in process on both databases.

The goal is 5 ms for the slowest of a hundred (p99), whatever the number of instances: the page that a list begins with,
50 rows newest first, asked as the command asks. `seconds` is the median, `ratios` are the rounds' p99 over the goal.
Instances are made from a seed and loaded without their indexes, which are made afterwards.

Where more is running than there are processors, p99 is the scheduler's: `chrt -f 1` before the command gives the
look-ups, and a server of their own, a processor to themselves.
"""

from __future__ import annotations

import json
import random
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from common import Figure, Folder, announce, arguments, publish
from shops import Postgres

from shopctl.audit.service import Audit
from shopctl.kernel import ids
from shopctl.kernel.clock import Clock
from shopctl.product_store.model import Instance
from shopctl.product_store.service import InstanceService
from shopctl.product_store.where import Filters, parsed
from shopctl.storage.database import Database, open_database
from shopctl.storage.migrations import upgrade

LIMIT = 0.005  # seconds
PAGE = 50
SKUS = 1000
CLUSTERS = 5000
STATES = {"active": 80, "terminated": 12, "suspended": 3, "pending_active": 2, "created": 1, "pending_terminate": 1,
          "aborted": 1}  # fmt: skip
REGIONS = {"eu": 50, "us": 30, "ap": 15, "sa": 5}
NOTHING = "select 1, what the machine takes for anything"
INDEXED = ("region", "cluster")
PRODUCT = json.dumps({"attributes": {"cpu": 2}, "kind": "service", "name": "Host",
                      "price": {"amount": "19.99", "currency": "EUR"}}, separators=(",", ":"))  # fmt: skip


class Made:
    """Instances made from a seed, `rows` of them, ten to a customer on average; a sample of them to look up."""

    def __init__(self, rows: int, sample: int) -> None:
        self.rows = rows
        self.customers = max(rows // 10, 1)
        self.every = max(rows // sample, 1)
        self.sample: list[tuple[Any, ...]] = []

    def __call__(self) -> Iterator[tuple[Any, ...]]:
        self.sample.clear()
        dice = random.Random(9)
        now = Clock().now()
        whole, states, regions = 10_000, list(STATES), list(REGIONS)
        for first in range(0, self.rows, whole):
            count = min(whole, self.rows - first)
            chosen = dice.choices(states, list(STATES.values()), k=count)
            places = dice.choices(regions, list(REGIONS.values()), k=count)
            for number, (id_, state, region) in enumerate(zip(ids.several("ins", count), chosen, places, strict=True)):
                row = self._row(dice, first + number, id_, state, region, now)
                if (first + number) % self.every == 0:
                    self.sample.append(row)
                yield row

    def _row(self, dice: random.Random, n: int, id_: str, state: str, region: str, now: int) -> tuple[Any, ...]:
        configuration = (
            f'{{"cluster":"c-{dice.randrange(CLUSTERS)}","host":"h-{n}.example","plan":"p{n % 5}",'
            f'"region":"{region}","seats":{n % 97}}}'
        )
        sku = f"HOST-{int(SKUS * dice.random() ** 3)}"  # some are sold much more than others
        ended = now if state == "terminated" else None
        started = None if state in ("created", "pending_active", "aborted") else now
        customer = f"cus_{dice.randrange(self.customers):09}"
        return (id_, customer, sku, state, PRODUCT, configuration, "{}", None, None, None, 1, now, now, started, ended)


def main() -> None:
    """Load and look up on both databases, and print the figures."""
    parser = arguments(__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, metavar="N", help="instances (default: %(default)s)")
    parser.set_defaults(rounds=5)
    parser.add_argument("--lookups", type=int, default=1000, metavar="N", help="of each kind (default: %(default)s)")
    parser.add_argument(
        "--postgres", metavar="URL", help="a server that databases may be created on (default: our own)"
    )
    parser.add_argument("--on", choices=("both", "sqlite", "postgres"), default="both", help="which databases")
    given = parser.parse_args()
    figures: list[Figure] = []
    loads: dict[str, float] = {}
    with Folder(given.dir) as folder:
        for name, place in {"sqlite": sqlite, "postgres": postgres}.items():
            if given.on not in (name, "both"):
                continue
            with place(folder, given.postgres) as url, closing(open_database(url)) as database:
                database.create()
                upgrade(database, "shop")
                made = Made(given.rows, given.lookups)
                began = time.perf_counter()
                load(database, url, made)
                loads[name] = round(time.perf_counter() - began, 1)
                announce(f"{name}: {given.rows:,} instances in {loads[name]:,.0f} s")
                service = InstanceService(database, Audit(database, folder / "no.key"), Clock(), indexed=INDEXED)
                figures += looked_up(name, service, database, made, given)
    publish(
        "P9",
        f"look-ups among {given.rows:,} instances",
        figures,
        given.out,
        rows=given.rows,
        rounds=given.rounds,
        load_seconds=loads,
    )


def looked_up(name: str, service: InstanceService, database: Database, made: Made, given: Any) -> Iterator[Figure]:
    """The time of each kind of look-up, one figure each: the kinds take turns, and the median of the rounds counts."""
    dice = random.Random(5)
    asked = questions(service, database)
    known = [Instance._make(row) for row in made.sample]
    for ask in asked.values():
        # Statements are prepared, pages that all look-ups share are read.
        if not sum(ask(row) for row in known[:50]):
            sys.exit(f"{name}: a look-up finds nothing")
    times: dict[str, list[list[float]]] = {what: [] for what in asked}
    for _ in range(given.rounds):
        for what, ask in asked.items():
            times[what].append([timed(ask, row) for row in dice.choices(known, k=given.lookups)])
    for what, rounds in times.items():
        p50 = median(median(each) for each in rounds)
        p99s = [quantiles(each, n=100)[98] for each in rounds]
        announce(f"{name:8} {what:40} p50 {p50 * 1000:6.2f} ms  p99 {median(p99s) * 1000:6.2f} ms"
                 f"  of {', '.join(f'{each * 1000:.2f}' for each in p99s)}")  # fmt: skip
        yield Figure(
            id="P9",
            what=f"{what} among {given.rows:,} instances, {name}: p99 of {given.lookups:,}",
            value=median(p99s),
            unit="s",
            limit=None if what == NOTHING else LIMIT,
            own=p50,
            ratios=[each / LIMIT for each in p99s],
        )


def timed(ask: Callable[[Instance], int], row: Instance) -> float:
    """The seconds of one look-up."""
    began = time.perf_counter()
    ask(row)
    return time.perf_counter() - began


def questions(service: InstanceService, database: Database) -> dict[str, Callable[[Instance], int]]:
    """What is asked about a sampled instance; each answers with how many rows it found."""

    def page(**given: Any) -> int:
        where = parsed(given.pop("where", ()))
        return sum(1 for _ in service.list(Filters(**given, where=where), limit=PAGE))

    def attribute(row: Instance, name: str) -> str:
        return f"configuration.{name}={json.loads(str(row.configuration))[name]}"

    def nothing(_: Instance) -> int:
        with database.read() as unit:
            return int(unit.value("select 1"))

    asked: dict[str, Callable[[Instance], int]] = {
        NOTHING: nothing,
        "by id": lambda row: len([service.get(row.id)]),
        "by customer": lambda row: page(customer=row.customer_id),
        "by customer and state": lambda row: page(customer=row.customer_id, state=row.state),
        "by SKU": lambda row: page(sku=row.sku),
        "by state": lambda row: page(state=row.state),
        "by state and SKU": lambda row: page(sku=row.sku, state=row.state),
        "by an attribute half of them share": lambda row: page(where=["configuration.region=eu"]),
        "by an attribute with an index": lambda row: page(where=[attribute(row, "cluster")]),
        "by attribute and state": lambda row: page(state="suspended", where=[attribute(row, "region")]),
        "all, a page from somewhere": lambda row: sum(1 for _ in service.list(limit=PAGE, after=row.id)),
    }
    if database.dialect == "postgres":
        asked["by an attribute without one (GIN)"] = lambda row: page(where=[attribute(row, "host")])
    return asked


def load(database: Database, url: str, made: Made) -> None:
    """Fill the table without its indexes, then make them."""
    if database.dialect == "sqlite":
        _load_sqlite(url.removeprefix("sqlite:///"), made)
    else:
        _load_postgres(url, made)
    database.close()


def _load_sqlite(path: str, made: Made) -> None:
    columns = ", ".join("?" * len(Instance._fields))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("cache_size = -3000000", "synchronous = off", "threads = 2", "temp_store = file"):
            connection.execute(f"pragma {pragma}")
        indexes = connection.execute("select name, sql from sqlite_master where tbl_name = 'instance' and sql like "
                                     "'create index%'").fetchall()  # fmt: skip
        for name, _ in indexes:
            connection.execute(f"drop index {name}")
        rows = made()
        while part := list(islice(rows, 100_000)):
            connection.execute("begin")
            connection.executemany(f"insert into instance ({', '.join(Instance._fields)}) values ({columns})", part)
            connection.execute("commit")
        announce("sqlite: rows are in")
        for _, sql in [*indexes, *((name, sql) for name, sql in wanted("sqlite"))]:
            connection.execute(sql)
        connection.execute("pragma wal_checkpoint(truncate)").fetchall()


def _load_postgres(url: str, made: Made) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set maintenance_work_mem = '1GB'")
        indexes = connection.execute(
            """select indexname, indexdef from pg_indexes where tablename = 'instance'
                  and indexname not like 'pk%'"""
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f"drop index {name}")
        connection.execute("alter table instance drop constraint pk_instance")
        with connection.cursor().copy(f"copy instance ({', '.join(Instance._fields)}) from stdin") as copy:
            for row in made():
                copy.write_row(row)
        announce("postgres: rows are in")
        connection.execute("alter table instance add constraint pk_instance primary key (customer_id, id)")
        for _, sql in [*((name, sql.replace(" ONLY ", " ")) for name, sql in indexes), *wanted("postgres")]:
            connection.execute(sql)
        connection.execute("vacuum (analyze, freeze) instance")
        connection.execute("checkpoint")


def wanted(dialect: Any) -> list[tuple[str, str]]:
    """The indexes of attributes, as `instance index` makes them."""
    from shopctl.product_store.attributes import indexes_wanted, value_sql

    made = []
    for name, path in indexes_wanted(INDEXED).items():
        value = value_sql(dialect, "configuration", path)
        made.append((name, f"create index {name} on instance ({value}, id)"))
    return made


@contextmanager
def sqlite(folder: Path, _: str | None) -> Iterator[str]:
    """A file in the folder."""
    yield f"sqlite:///{folder / 'shop.db'}"


@contextmanager
def postgres(folder: Path, given: str | None) -> Iterator[str]:
    """A database on a server as it comes."""
    with Postgres(folder, given) as server, server.database("instances") as url:
        yield url


if __name__ == "__main__":
    main()
