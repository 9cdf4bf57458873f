"""A shop database as an earlier release left it, with rows in it, and the way to a later schema."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from pathlib import Path
from typing import Any

import shopctl.migrations
from shopctl.migrations.upgrade import upgrade
from shopctl.storage.database import Database, open_database
from shopctl.storage.migrations import Upgrade

LATER = Path(__file__).parent / "later_revisions"
FIRST = Path(shopctl.migrations.__path__[0]) / "shop" / "versions"
PRODUCT = (
    *("id", "sku", "parent_sku", "kind", "status", "name", "description", "brand", "category", "categories"),
    *("tax_class", "options", "attributes", "tags", "media", "components", "publish_at", "retire_at", "version"),
    *("created_at", "updated_at"),
)


def chain(folder: Path, *, later: bool) -> Path:
    """A chain of the first revision, and the later ones where asked for."""
    versions = folder / "versions"
    if not versions.exists():
        versions.mkdir(parents=True)
        for source in [FIRST, *([LATER] if later else [])]:
            for file in sorted(source.glob("0*.py")):
                if source is LATER or file.name.startswith("0001"):
                    shutil.copy(file, versions)
    return folder


def make_old(url: str, folder: Path, rows: int) -> None:
    """A database of the first revision with `rows` products, prices, stock and changes."""
    database = open_database(url)
    upgrade(database, "shop", wait=10, folder=chain(folder / "first", later=False))
    numbers = range(1, rows + 1)
    with database.unit() as unit:
        unit.insert_many("product", PRODUCT, (_product(n) for n in numbers))
        unit.insert_many(
            "price",
            ("product_id", "currency", "list", "min_quantity", "valid_from", "amount", "valid_until"),
            ((n, "EUR", "default", 1, 0, n * 10, None) for n in numbers),
        )
        unit.insert_many("stock", ("product_id", "location", "on_hand"), ((n, "main", n % 50) for n in numbers))
        unit.insert_many(
            "stock_movement",
            ("product_id", "location", "delta", "on_hand", "cause", "reference", "at"),
            ((n, "main", 1, n % 50, "set", f"count {n}", n) for n in numbers),
        )
        unit.insert_many(
            "change",
            ("product_id", "kind", "at", "version", "actor"),
            ((n, "create", n, 1, "os:anna") for n in numbers),
        )
    database.close()


def upgrade_later(database: Database, folder: Path, wait: float = 30) -> Upgrade:
    """Bring it to the schema of the later revisions."""
    return upgrade(database, "shop", wait=wait, folder=chain(folder / "later", later=True))


def _product(n: int) -> tuple[object, ...]:
    text = f"Product number {n}"
    empty = ("[]", "standard", "{}", "{}", "[]", "[]", "[]")
    return (n, f"SKU-{n}", "", "physical", "active", text, text, "Brand", "Home", *empty, None, None, 1, n, n)


def _kill_before_statement(number: int) -> None:
    """End this process, as by a power cut, when it is about to run its statement of that number."""
    count = 0

    def step() -> None:
        nonlocal count
        count += 1
        if count == number:
            os.kill(os.getpid(), 9)

    class Cursor(sqlite3.Cursor):
        def execute(self, *arguments: Any) -> Any:
            step()
            return super().execute(*arguments)

    class Connection(sqlite3.Connection):
        def cursor(self, *_: Any) -> Any:  # type: ignore[override]
            return super().cursor(Cursor)

        def execute(self, *arguments: Any) -> Any:
            step()
            return super().execute(*arguments)

    connect = sqlite3.connect
    sqlite3.connect = lambda *given, **named: connect(*given, **named, factory=Connection)  # type: ignore[assignment]

    import psycopg

    original = psycopg.Cursor.execute

    def execute(self: Any, *given: Any, **named: Any) -> Any:
        step()
        return original(self, *given, **named)

    psycopg.Cursor.execute = execute  # type: ignore[method-assign]


def main() -> None:
    """`python -m support.old_database URL FOLDER NUMBER`: upgrade, killed before that statement (0: never)."""
    url, folder, number = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    _kill_before_statement(number)
    database = open_database(url)
    print(upgrade_later(database, folder).ran, flush=True)
    database.close()


if __name__ == "__main__":
    main()
