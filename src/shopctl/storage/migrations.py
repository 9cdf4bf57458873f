"""Which schema a database has, and bringing it up to date; looking costs one row and no Alembic."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Literal, NamedTuple

from shopctl.storage.database import Database
from shopctl.storage.errors import (
    DatabaseDamaged,
    DatabaseMissing,
    OtherChain,
    SchemaNewer,
    SchemaOutdated,
    StatementFailed,
)
from shopctl.storage.unit import Unit

Chain = Literal["shop", "auth"]
CHAINS: tuple[Chain, ...] = ("shop", "auth")
NONE = "none"

# The newest revision of each chain; a test holds them to the files under shopctl/migrations.
_HEADS: dict[Chain, str] = {"shop": "0011", "auth": "0003"}


class Upgrade(NamedTuple):
    """What an upgrade did: the revision before (`none` for an empty database), after, and those that ran."""

    before: str
    after: str
    ran: tuple[str, ...]


class _Version(NamedTuple):
    chain: str
    revision: str


def head(chain: Chain) -> str:
    """The revision this shopctl works with."""
    return _HEADS[chain]


def revisions(chain: Chain) -> tuple[str, ...]:
    """All revisions up to the newest; they are numbered without gaps."""
    return tuple(f"{number:04}" for number in range(1, int(head(chain)) + 1))


def found(database: Database, chain: Chain) -> str:
    """The revision of a database; `none` when it was never upgraded. Raises DatabaseMissing, OtherChain."""
    if not database.exists():
        if os.path.isfile(database.place):  # cut to nothing: `init` on top of it would hide the loss
            raise DatabaseDamaged(place=database.place, reason="the file is empty")
        raise DatabaseMissing(place=database.place)
    try:
        with database.read() as unit:
            version = unit.row(_Version, "select chain, revision from schema_version")
    except StatementFailed:
        with database.read() as unit:
            if "schema_version" in unit.tables():
                raise
        return NONE
    if version is None:
        return NONE
    if version.chain != chain:
        raise OtherChain(place=database.place, found=version.chain, wanted=chain)
    return version.revision


def check(database: Database, chain: Chain) -> None:
    """Refuse to work on another schema. Raises DatabaseMissing, SchemaOutdated, SchemaNewer, OtherChain."""
    revision, wanted = found(database, chain), head(chain)
    if revision == wanted:
        return
    if revision == NONE or revision < wanted:  # four digits each
        raise SchemaOutdated(chain=chain, found=revision, wanted=wanted)
    raise SchemaNewer(chain=chain, found=revision, wanted=wanted)


def upgrade(database: Database, chain: Chain, *, wait: float = 60.0) -> Upgrade:
    """Create or upgrade a database to the newest revision, each revision in a transaction of its own.

    Safe to repeat: a run that was killed is completed by the next. Two at once take turns; the second waits at most
    `wait` seconds. Raises JobLocked, DatabaseLocked, SchemaNewer, OtherChain, NotEmpty.
    """
    # Named as a string: Alembic and the revisions lie above this package and load only when they are needed.
    done: Upgrade = import_module("shopctl.migrations.upgrade").upgrade(database, chain, wait=wait)
    return done


def upgrade_within(unit: Unit, database: Database, chain: Chain) -> None:
    """Upgrade what lies in an open write unit of a server's database, so that all of it comes true at once or not.

    The connection should be closed afterwards.
    """
    if unit.value("select revision from schema_version where chain = :chain", chain=chain) == head(chain):
        return
    import_module("shopctl.migrations.upgrade").upgrade_within(unit, database, chain)
