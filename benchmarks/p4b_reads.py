"""P4b: how long a shell waits for reads and for a cron job with nothing to do, beside `python -c 'import sqlmodel'`.

python benchmarks/p4b_reads.py                  1,000 products, SQLite and PostgreSQL
python benchmarks/p4b_reads.py --rows 100000 --only sqlite
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from common import Figure, Run, announce, arguments, compile_bytecode, in_turn, publish, ratio, run, seconds, shopctl
from feed import feed, good_skus
from shops import NoPostgres, Postgres, Shop, on_sqlite

LIMITS = {"SQLite": 0.4, "PostgreSQL": 0.7}
QUERY = "copper kettle"
_PEER = "python -c 'import sqlmodel'"


def main() -> None:
    """Measure and print."""
    options = _options()
    compile_bytecode(
        "sqlmodel", "sqlalchemy", "pydantic", "typer", "click", "psycopg", "psycopg_binary", "tantivy", "pluggy"
    )
    more: dict[str, Any] = {"products": options.rows, "rounds": options.rounds}
    with ExitStack() as stack:
        shops: dict[str, Shop] = {}
        if "sqlite" in options.only:
            shops["SQLite"] = stack.enter_context(on_sqlite(options.dir))
        if "postgres" in options.only:
            try:
                server = stack.enter_context(Postgres(options.dir, options.postgres))
                shops["PostgreSQL"] = stack.enter_context(server.shop(options.dir))
                more["postgres_version"] = server.version
            except NoPostgres as reason:
                announce(f"no PostgreSQL: {reason}")
                more["left_out"] = str(reason)
        figures = _measure(shops, options)
    publish("P4b", "reads, whole process", figures, options.out, **more)


def _options() -> argparse.Namespace:
    parser = arguments(__doc__.partition("\n")[0] if __doc__ else None)
    parser.set_defaults(rounds=15)
    parser.add_argument("--rows", type=int, default=1000, metavar="N", help="products in the shop")
    parser.add_argument("--only", nargs="+", choices=("sqlite", "postgres"), default=("sqlite", "postgres"))
    parser.add_argument(
        "--postgres", metavar="URL", help="a server that databases may be created on (default: our own)"
    )
    return parser.parse_args()


def _measure(shops: dict[str, Shop], options: argparse.Namespace) -> list[Figure]:
    plain = feed(options.dir, options.rows)
    sku = good_skus(plain.file, 1)[0]
    sides: dict[str, Callable[[], Run]] = {_PEER: partial(run, [sys.executable, "-c", "import sqlmodel"])}
    for database, shop in shops.items():
        command = [*shopctl(), "catalogue", "import", plain.path, "--on-error", "skip-rows"]
        run(command, cwd=shop.folder, expect=(6,))
        sides[f"catalogue show, {database}"] = partial(_show, shop, sku)
        sides[f"catalogue search, {database}"] = partial(_search, shop)
        sides[f"provision retry --due with nothing due, {database}"] = partial(_retry, shop)
    runs = in_turn(sides, options.rounds)
    peer = seconds(runs.pop(_PEER))
    size = f"{options.rows:,} products"
    return [
        ratio("P4b", f"{name}, {size}", seconds(each), _PEER, peer, LIMITS[name.rpartition(" ")[2]])
        for name, each in runs.items()
    ]


def _show(shop: Shop, sku: str) -> Run:
    shown = run([*shopctl(), "catalogue", "show", sku, "-o", "json"], cwd=shop.folder)
    if shown.json()["sku"] != sku:
        sys.exit(f"another product was shown than {sku}")
    return shown


def _search(shop: Shop) -> Run:
    found = run([*shopctl(), "catalogue", "search", QUERY, "-o", "json"], cwd=shop.folder)
    if not found.json()["hits"]:
        sys.exit(f"nothing was found for {QUERY!r}")  # quick because there was nothing to show
    return found


def _retry(shop: Shop) -> Run:
    done = run([*shopctl(), "provision", "retry", "--due", "-o", "json"], cwd=shop.folder)
    if done.json()["claimed"]:
        sys.exit("something was due")
    return done


if __name__ == "__main__":
    main()
