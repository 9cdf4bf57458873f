"""The databases of a shop: what state they are in, upgrading them, and moving one to another place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, Literal, NamedTuple

from shopctl.audit.keys import load_keys
from shopctl.audit.service import Audit
from shopctl.kernel.errors import ShopctlError
from shopctl.kernel.redaction import mask_url
from shopctl.kernel.settings import Settings
from shopctl.storage import migrations
from shopctl.storage.copying import Copied, Progress, copy
from shopctl.storage.database import Database, open_database
from shopctl.storage.errors import DatabaseMissing
from shopctl.storage.migrations import CHAINS, NONE, Chain

State = Literal["ok", "outdated", "newer", "missing", "unusable"]


class DatabaseState(NamedTuple):
    """One database: where it is, its schema (`found`, `wanted`), its size in bytes, the rows of its tables.

    `problem` is one line where it could not be looked at; then sizes and rows are not known.
    """

    chain: Chain
    dialect: str
    place: str
    state: State
    found: str | None
    wanted: str
    bytes: int | None
    rows: dict[str, int]
    problem: str | None


class Upgraded(NamedTuple):
    """What an upgrade did to one database, or would do."""

    chain: Chain
    place: str
    before: str
    after: str
    ran: tuple[str, ...]


class Moved(NamedTuple):
    """A shop's database after the move; `setting` is what must now name the new place."""

    chain: Chain
    source: str
    target: str
    rows: int
    tables: list[Copied]
    setting: str


def url_of(settings: Settings, chain: Chain) -> str:
    """The URL of a database of this shop."""
    return settings.auth_database_url if chain == "auth" else settings.database_url


def opened(settings: Settings, chains: tuple[Chain, ...]) -> Iterator[tuple[Chain, Database]]:
    """The databases, one after another, each closed when the next is asked for. Raises NoShop."""
    settings.require_shop()
    for chain in chains:
        with closing(open_database(url_of(settings, chain))) as database:
            yield chain, database


def states(settings: Settings, chains: tuple[Chain, ...] = CHAINS, *, count: bool = True) -> list[DatabaseState]:
    """The state of each database; one that cannot be looked at says why. `count` counts the rows of every table."""
    return [_state(database, chain, count) for chain, database in opened(settings, chains)]


def require_usable(settings: Settings, found: list[DatabaseState]) -> None:
    """Raise what keeps the first of these databases that is not ok from being used, with its exit code."""
    for chain, database in opened(settings, tuple(state.chain for state in found if state.state != "ok")):
        migrations.check(database, chain)


def upgrade(
    settings: Settings,
    chains: tuple[Chain, ...],
    *,
    wait: float,
    dry_run: bool = False,
    reason: str | None = None,
    actor: str | None = None,
) -> list[Upgraded]:
    """Create or upgrade the databases; an upgrade goes into the audit trail, by `actor` (see `Audit.actor`).

    Raises what `shopctl.storage.migrations.upgrade` raises, and AuditKeyMissing before anything is changed.
    """
    done = []
    for chain, database in opened(settings, chains):
        before, after = _found_or_none(database, chain), migrations.head(chain)
        ran = tuple(number for number in migrations.revisions(chain) if before == NONE or number > before)
        if not dry_run:
            if ran and before != NONE:
                load_keys(settings.audit_key_file)
            before, after, ran = migrations.upgrade(database, chain, wait=wait)
            if ran and before != NONE:
                audit = _trail(database, chain, settings, reason, actor)
                _record(database, audit, "db.upgrade", {"before": before, "after": after})
        done.append(Upgraded(chain, database.place, before, after, ran))
    return done


def move(
    settings: Settings,
    chain: Chain,
    to: str,
    progress: Progress,
    *,
    reason: str | None = None,
    actor: str | None = None,
) -> Moved:
    """Copy a database to an empty one, all or nothing; the settings stay as they are.

    The source takes no writes meanwhile and is left as it was. Raises TargetNotEmpty, CopyDiffers, NotADatabaseUrl,
    AuditKeyMissing, and what opening, checking and upgrading raise.
    """
    settings.require_shop()
    load_keys(settings.audit_key_file)
    with closing(open_database(url_of(settings, chain))) as source, closing(open_database(to)) as target:
        migrations.check(source, chain)
        migrations.upgrade(target, chain)
        tables = copy(source, target, progress)
        audit = _trail(target, chain, settings, reason, actor)
        _record(target, audit, "db.move", {"from": source.place, "to": target.place})
    setting = "auth_database_url" if chain == "auth" else "database_url"
    return Moved(chain, source.place, mask_url(to), sum(table.rows for table in tables), tables, setting)


def _trail(database: Database, chain: Chain, settings: Settings, reason: str | None, actor: str | None) -> Audit:
    return Audit(database, settings.audit_key_file, system=chain, reason=reason, actor=actor)


def _record(database: Database, audit: Audit, action: str, facts: dict[str, str]) -> None:
    with database.unit() as unit:
        audit.record(unit, action, None, facts)
    audit.seal()


def _found_or_none(database: Database, chain: Chain) -> str:
    try:
        return migrations.found(database, chain)
    except DatabaseMissing:
        return NONE


def _state(database: Database, chain: Chain, count: bool) -> DatabaseState:
    wanted = migrations.head(chain)

    def state(state: State, found: str | None = None, problem: str | None = None, **more: Any) -> DatabaseState:
        facts = {"bytes": None, "rows": {}, **more}
        return DatabaseState(chain, database.dialect, database.place, state, found, wanted, problem=problem, **facts)

    try:
        found = migrations.found(database, chain)
        with database.read() as unit:
            rows = {table: unit.value(f"select count(*) from {table}") for table in unit.tables()} if count else {}
            size = _size(database, unit.value)
    except DatabaseMissing as missing:
        return state("missing", problem=missing.message)
    except ShopctlError as failure:
        return state("unusable", problem=failure.message)
    rows.pop("schema_version", None)
    kind: State = "ok" if found == wanted else "newer" if found != NONE and found > wanted else "outdated"
    return state(kind, found, bytes=size, rows=rows)


def _size(database: Database, value: Callable[[str], Any]) -> int:
    if database.dialect == "postgres":
        return int(value("select pg_database_size(current_database())"))
    return sum(os.path.getsize(path) for path in (database.place, database.place + "-wal") if os.path.exists(path))
