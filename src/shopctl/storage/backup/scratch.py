"""A database to try a backup in, which is gone afterwards."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from urllib.parse import urlsplit

from shopctl.kernel.errors import ShopctlError
from shopctl.storage.backup.errors import ScratchDenied
from shopctl.storage.database import Database, open_database
from shopctl.storage.errors import DatabaseReadOnly
from shopctl.storage.files import make_private_folder

_PREFIX = ".shopctl-scratch-"


@contextmanager
def scratch(database: Database, url: str, folder: str) -> Iterator[Database]:
    """An empty database of the same kind: a file in a folder within `folder`, or a database of the same server.

    What a drill that was killed left behind is taken away first; two at once must not be. Raises ScratchDenied.
    """
    if database.dialect == "sqlite":
        with (
            scratch_folder(folder) as aside,
            closing(open_database(f"sqlite:///{os.path.join(aside, 'drill.db')}")) as made,
        ):
            yield made
        return
    name = f"shopctl_drill_{hashlib.sha256(database.place.encode()).hexdigest()[:16]}"
    drop = f"drop database if exists {name} with (force)"
    _outside(database, url, drop, f"create database {name} template template0 encoding 'UTF8'")
    try:
        with closing(open_database(_with_database(url, name))) as made:
            yield made
    finally:
        _outside(database, url, drop)


@contextmanager
def scratch_folder(within: str) -> Iterator[str]:
    """A folder for files that nobody needs afterwards; those of processes that were killed are removed first."""
    make_private_folder(within)
    with ExitStack() as stack:
        with _held(within, fcntl.LOCK_EX):  # nobody takes a new one away before it is held
            for name in os.listdir(within):
                if name.startswith(_PREFIX):
                    with suppress(OSError), _held(os.path.join(within, name), fcntl.LOCK_EX | fcntl.LOCK_NB):
                        shutil.rmtree(os.path.join(within, name), ignore_errors=True)
            made = tempfile.mkdtemp(prefix=_PREFIX, dir=within)
            stack.callback(shutil.rmtree, made, ignore_errors=True)
            stack.enter_context(_held(made, fcntl.LOCK_EX))
        yield made


@contextmanager
def _held(folder: str, how: int) -> Iterator[None]:
    """Say that somebody works in this folder, until he is done or dead. Raises OSError where another does."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)


def _outside(database: Database, url: str, *statements: str) -> None:
    """Run what a transaction cannot hold."""
    from shopctl.storage.postgres import PostgresDatabase
    from shopctl.storage.postgres_errors import translated

    with closing(PostgresDatabase(url, lock_wait=60)) as own:
        connection = own.connect()
        try:
            for statement in statements:
                with translated(database.place):
                    connection.execute(statement.encode())
        except DatabaseReadOnly as refused:
            cause = str(refused.__cause__ or refused).strip().splitlines()[0]
            raise ScratchDenied(place=database.place, reason=cause) from None
        except ShopctlError as failure:
            raise ScratchDenied(place=database.place, reason=failure.message) from None


def _with_database(url: str, name: str) -> str:
    parts = urlsplit(url)
    query = "&".join(each for each in parts.query.split("&") if each and not each.startswith("dbname="))
    return f"postgresql://{parts.netloc}/{name}{f'?{query}' if query else ''}"
