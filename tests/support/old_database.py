"""Databases as earlier releases left them, with rows in them, the ways to a later schema, and kills on the way."""

from __future__ import annotations

import os
import shutil
import sqlite3
import traceback
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import shopctl.migrations
from shopctl.audit.keys import create_key
from shopctl.audit.service import Audit
from shopctl.migrations.upgrade import upgrade
from shopctl.storage.database import Database, open_database
from shopctl.storage.errors import ConstraintBroken
from shopctl.storage.migrations import Chain, Upgrade, head
from shopctl.storage.unit import Unit
from support.shop import Shop

RELEASED = Path(shopctl.migrations.__path__[0])
TO_COME = Path(__file__).parent / "later_revisions"
PRODUCT = (
    *("id", "sku", "parent_sku", "kind", "status", "name", "description", "brand", "category", "categories"),
    *("tax_class", "options", "attributes", "tags", "media", "components", "publish_at", "retire_at", "version"),
    *("created_at", "updated_at"),
)


class Way(NamedTuple):
    """From the revision that an earlier release left to a later one, with what such a database holds."""

    chain: Chain
    before: str
    after: str
    later: Path  # where the revisions after `before` are
    fill: Callable[[Database, Path, int], None]
    """Fill a database of the revision before; the folder holds `audit.key`."""
    check: Callable[[Database, Path, int], None]
    """Assert that nothing of it was lost on the way, and that the rows of the later schema are there."""
    write: Callable[[Database, Path, int], None]
    """One write of the writer of that number, as a command does it, in both schemas."""
    written: Callable[[Unit, int], int]
    """How many writes of that writer there are."""

    def revisions(self, folder: Path, upto: str) -> Path:
        """A folder with the revisions of this chain up to that one."""
        versions = folder / f"{self.chain}-{self.after}-{upto}" / "versions"
        if not versions.exists():
            versions.mkdir(parents=True)
            for source in (RELEASED / self.chain / "versions", self.later):
                for file in sorted(source.glob("0*.py")):
                    number = file.name[:4]
                    if number <= upto and (source is self.later) == (number > self.before):
                        shutil.copy(file, versions)
        return versions.parent

    def make(self, url: str, folder: Path, rows: int) -> None:
        """Make the database of the revision before, with so many rows."""
        create_key(folder / "audit.key")
        with closing(open_database(url)) as database:
            upgrade(database, self.chain, wait=10, folder=self.revisions(folder, self.before))
            self.fill(database, folder, rows)
        self.revisions(folder, self.after)  # before several upgrades start: they would copy on top of each other

    def upgrade(self, database: Database, folder: Path, *, upto: str | None = None, wait: float = 30) -> Upgrade:
        """Bring it to the later schema, or to a revision on the way."""
        return upgrade(database, self.chain, wait=wait, folder=self.revisions(folder, upto or self.after))


def _fill_catalogue(database: Database, _: Path, rows: int) -> None:
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


def _product(n: int) -> tuple[object, ...]:
    text = f"Product number {n}"
    empty = ("[]", "standard", "{}", "{}", "[]", "[]", "[]")
    return (n, f"SKU-{n}", "", "physical", "active", text, text, "Brand", "Home", *empty, None, None, 1, n, n)


def _write_product(database: Database, _: Path, writer: int) -> None:
    with database.unit() as unit:
        assert unit.execute("update product set version = version + 1 where id = :id", id=writer + 1) == 1


def _product_writes(unit: Unit, writer: int) -> int:
    return int(unit.value("select version - 1 from product where id = :id", id=writer + 1))


def _check_later(database: Database, _: Path, rows: int) -> None:
    with database.read() as unit:
        assert unit.value("select count(*) from product where rating = length(name)") == rows
        assert unit.value("select count(*) from badge b join product p on p.id = b.product_id") == rows
        assert unit.value("select count(*) from stock_movement where referred_to = 'count ' || product_id") == rows
        assert unit.value("select count(*) from price") == rows


def _check_customers(database: Database, _: Path, rows: int) -> None:
    with database.read() as unit:
        assert unit.value("select count(*) from product where name = 'Product number ' || id") == rows
        assert unit.value("select count(*) from stock_movement where reference = 'count ' || product_id") == rows
        for table in ("price", "stock", "change"):
            assert unit.value(f"select count(*) from {table}") == rows
        for table in ("customer", "customer_address", "customer_payment_method", "sealing_key"):
            assert unit.value(f"select count(*) from {table}") == 0


def auth_trail(database: Database, folder: Path) -> Audit:
    """The trail of an Authentication Database."""
    return Audit(database, folder / "audit.key", system="auth", actor="os:test")


def _fill_trail(database: Database, folder: Path, rows: int) -> None:
    trail = auth_trail(database, folder)
    for first in range(0, rows, 1000):
        with database.unit() as unit:
            for number in range(first, min(first + 1000, rows)):
                trail.record(unit, "db.upgrade", f"number {number}", {"before": "0000", "after": f"{number}"})
    trail.write_checkpoint(trail.checkpoint(), str(folder / "checkpoint"))


def _check_trail(database: Database, folder: Path, rows: int) -> None:
    trail = auth_trail(database, folder)
    found = trail.verify(trail.read_checkpoint(str(folder / "checkpoint")))
    assert found.ok, found.findings
    with database.read() as unit:
        assert unit.value("select count(*) from audit_entry where action = 'db.upgrade'") == rows
        for table in ("account", "session", "sealing_key", "signing_key"):
            assert unit.value(f"select count(*) from {table}") == 0


def _write_entry(database: Database, folder: Path, writer: int) -> None:
    trail = auth_trail(database, folder)
    with database.unit() as unit:
        trail.record(unit, "db.move", f"writer {writer}", {})
    trail.seal()


def _entries_written(unit: Unit, writer: int) -> int:
    return int(unit.value("select count(*) from audit_entry where subject = :name", name=f"writer {writer}"))


def _fill_shop(database: Database, folder: Path, rows: int) -> None:
    _fill_catalogue(database, folder, rows)
    columns = ("id", "state", "email_index", "version", "created_at", "updated_at")
    with database.unit() as unit:
        unit.insert_many("customer", columns, [(f"C-{n}", "active", f"index {n}", 1, 1, 1) for n in range(rows)])


def _check_shop(database: Database, _: Path, rows: int) -> None:
    with database.read() as unit:
        assert unit.value("select count(*) from product where name = 'Product number ' || id") == rows
        for table in ("price", "stock", "change", "customer"):
            assert unit.value(f"select count(*) from {table}") == rows
        for table in ("event", "workflow_run", "provisioning_run", "instance", "shipment", "licence_key"):
            assert unit.value(f"select count(*) from {table}") == 0


def _fill_accounts(database: Database, folder: Path, rows: int) -> None:
    _fill_trail(database, folder, rows)
    columns = ("id", "name", "name_key", "kind", "state", "email_index", "token_epoch", "version", "created_at",
               "updated_at", "last_login_at")  # fmt: skip
    with database.unit() as unit:
        unit.insert_many(
            "account",
            columns,
            [(f"usr_{n:026}", f"U{n}", f"u{n}", "person", "active", f"index {n}", 1, 1, 1, 1, n) for n in range(rows)],
        )
        hashes = [(f"usr_{n:026}", "hash", "bcrypt", 1, 0) for n in range(rows)]
        unit.insert_many("password", ("account_id", "hash", "kind", "changed_at", "is_short"), hashes)


def _check_accounts(database: Database, folder: Path, rows: int) -> None:
    trail = auth_trail(database, folder)
    found = trail.verify(trail.read_checkpoint(str(folder / "checkpoint")))
    assert found.ok, found.findings
    with database.read() as unit:
        assert unit.value("select count(*) from account where name_key = 'u' || last_login_at") == rows
        assert unit.value("select count(*) from password p join account a on a.id = p.account_id") == rows
    again = """insert into account select 'usr_x', name, {}, kind, state, email, {}, 1, 1, 1, 1, 1
                 from account where name = 'U0'"""
    for name, index in (("name_key", "'new'"), ("'new'", "email_index")):
        with pytest.raises(ConstraintBroken), database.unit() as unit:
            unit.execute(again.format(name, index))
    with database.unit(dry_run=True) as unit:
        unit.execute("delete from account where name = 'U0'")
        assert unit.value("select count(*) from password") == rows - 1, "what hangs on an account goes with it"


_SHOP, _AUTH = RELEASED / "shop" / "versions", RELEASED / "auth" / "versions"
LATER = Way("shop", "0001", "0003", TO_COME, _fill_catalogue, _check_later, _write_product, _product_writes)
SHOP = Way("shop", "0005", head("shop"), _SHOP, _fill_shop, _check_shop, _write_product, _product_writes)
AUTH = Way("auth", "0002", head("auth"), _AUTH, _fill_accounts, _check_accounts, _write_entry, _entries_written)
OLDER_SHOP = Way(
    "shop", "0004", head("shop"), _SHOP, _fill_catalogue, _check_customers, _write_product, _product_writes
)
OLDER_AUTH = AUTH._replace(before="0001", fill=_fill_trail, check=_check_trail)


def as_before(shop: Shop, folder: Path, rows: int) -> None:
    """Make a shop what an earlier release left: both databases of then, with rows in them, and no sealing keys."""
    keys = shop.folder / ".shopctl" / "keys"
    shutil.copy(keys / "audit.key", folder)
    for way in (OLDER_SHOP, OLDER_AUTH):
        url = url_in(shop, way.chain)
        with closing(open_database(url)) as database:
            if database.dialect == "postgres":
                with database.unit() as unit:
                    unit.execute("drop schema public cascade")
                    unit.execute("create schema public")
            else:
                for file in Path(database.place).parent.glob(f"{way.chain}.db*"):
                    file.unlink()
        way.make(url, folder, rows)
    for kek in keys.glob("*.kek"):
        kek.unlink()


def url_in(shop: Shop, chain: Chain) -> str:
    """The URL of a database of a shop."""
    given = shop.auth_database_url if chain == "auth" else shop.database_url
    return given or f"sqlite:///{shop.folder / '.shopctl' / chain}.db"


def in_child(work: Callable[[], object], kill_before: int = 0) -> tuple[int, str, int]:
    """Work in a process of its own, which is killed before its statement of that number (0: never).

    How it ended, what it returned, as text, and how many statements there were.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            count = _kill_before_statement(kill_before)
            answer = work()
            os.write(writing, f"{count()}\n{answer}".encode())
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        statements, _, answer = pipe.read().decode().partition("\n")
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), answer, int(statements or 0)


def _kill_before_statement(number: int) -> Callable[[], int]:
    """End this process, as by a power cut, when it is about to run its statement of that number; counts them."""
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
    return lambda: count
