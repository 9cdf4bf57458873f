"""Runs the revisions of a chain, each inside a unit of ours, so that locks, commits and errors are those of storage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory

from shopctl.kernel.clock import Clock
from shopctl.storage.database import Database
from shopctl.storage.errors import DatabaseLocked, NotEmpty, SchemaNewer
from shopctl.storage.migrations import NONE, Chain, Upgrade, found
from shopctl.storage.tables import NAMES
from shopctl.storage.unit import Unit

FOLDER = Path(__file__).parent
_PAUSE = 0.2


def upgrade(database: Database, chain: Chain, *, wait: float, folder: Path | None = None) -> Upgrade:
    """See `shopctl.storage.migrations.upgrade`; `folder` holds `versions`."""
    revisions = scripts(folder or FOLDER / chain)
    newest = revisions[-1].revision
    database.create()
    with database.exclusive(f"{chain}.upgrade", wait=wait):
        before = found(database, chain)
        if before != NONE and before > newest:
            raise SchemaNewer(chain=chain, found=before, wanted=newest)
        pending = [script for script in revisions if before == NONE or script.revision > before]
        for script in pending:
            _run_patiently(database, chain, script, deadline=time.monotonic() + wait)
    database.close()  # SQLAlchemy has left its own types on the connection
    return Upgrade(before, newest, tuple(script.revision for script in pending))


def upgrade_within(unit: Unit, database: Database, chain: Chain) -> None:
    """See `shopctl.storage.migrations.upgrade_within`."""
    before = unit.value("select revision from schema_version where chain = :chain", chain=chain)
    for script in scripts(FOLDER / chain):
        if script.revision > before:
            _run(unit, database, chain, script)


def scripts(folder: Path) -> list[Script]:
    """The revisions of a chain, oldest first."""
    return list(reversed(list(ScriptDirectory(str(folder)).walk_revisions())))


def _run_patiently(database: Database, chain: Chain, script: Script, deadline: float) -> None:
    # Waiting long for a table's lock would stop every later reader of it too: ask briefly, step back, ask again.
    while True:
        try:
            with database.schema_unit() as unit:
                _run(unit, database, chain, script)
            return
        except DatabaseLocked:
            if time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE)


def _run(unit: Unit, database: Database, chain: Chain, script: Script) -> None:
    if script.down_revision is None:
        if tables := unit.tables():
            raise NotEmpty(place=database.place, table=tables[0])
        unit.execute("create table schema_version (chain text primary key, revision text not null, at bigint not null)")
    with _operations(unit):
        script.module.upgrade()
    unit.execute(
        """insert into schema_version (chain, revision, at) values (:chain, :revision, :at)
           on conflict (chain) do update set revision = excluded.revision, at = excluded.at""",
        chain=chain,
        revision=script.revision,
        at=Clock().now(),
    )


@contextmanager
def _operations(unit: Unit) -> Iterator[None]:
    """Let `alembic.op` work on the unit's own connection."""
    url = "sqlite://" if unit.dialect == "sqlite" else "postgresql+psycopg://"
    engine = sa.create_engine(url, creator=lambda: unit.connection, poolclass=sa.StaticPool)
    # The unit owns the transaction: SQLAlchemy must neither end it nor close its connection.
    for end in ("do_commit", "do_rollback", "do_close"):
        setattr(engine.dialect, end, lambda _: None)
    options = {"target_metadata": sa.MetaData(naming_convention=NAMES)}
    with unit.translated():
        try:
            with engine.connect() as sql, Operations.context(MigrationContext.configure(sql, opts=options)):
                yield
        except sa.exc.DBAPIError as error:
            raise error.orig or error from None
