"""Backups of both databases of a shop: made while it works, listed, verified."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import NamedTuple

import shopctl
from shopctl.audit import queries
from shopctl.audit.service import Audit
from shopctl.kernel import ids
from shopctl.kernel.clock import Clock, show
from shopctl.kernel.errors import ShopctlError
from shopctl.kernel.redaction import mask_url
from shopctl.kernel.settings import Settings
from shopctl.operations import backup_keys
from shopctl.operations.databases import url_of
from shopctl.storage import marks, migrations
from shopctl.storage.backup import manifest as described
from shopctl.storage.backup.copies import copied, forget_unfinished, namespace_of
from shopctl.storage.backup.errors import BackupKeyWrong, BackupNewer, BackupNotFound, NoBackups
from shopctl.storage.backup.keys import create_backup_key, load_backup_keys
from shopctl.storage.backup.manifest import DatabaseCopy, Head, Manifest
from shopctl.storage.backup.sealed_file import SealedReader, SealedWriter
from shopctl.storage.backup.targets import SUFFIX, BackupTarget, FolderTarget
from shopctl.storage.backup.verifying import Backup, verify
from shopctl.storage.database import Database, open_database
from shopctl.storage.errors import DatabaseDamaged, SchemaOutdated
from shopctl.storage.files import make_private_folder
from shopctl.storage.migrations import CHAINS, NONE, Chain
from shopctl.storage.secret_file import Keys
from shopctl.storage.soundness import damage
from shopctl.storage.table_sums import table_sums
from shopctl.storage.unit import Unit

JOB = "backup"
"""One of making, restoring, trying and removing backups goes on at a time."""

Progress = Callable[[int], None]


class Made(NamedTuple):
    """A backup that was made; `new_key` is the key's file where this was the first."""

    backup_id: str
    path: str
    bytes: int
    rows: int
    created_at: str | None
    seconds: float
    new_key: str | None


class Listed(NamedTuple):
    """A backup in a list; what its manifest says is none where it cannot be read: see `state`."""

    backup_id: str
    created_at: str | None
    bytes: int
    rows: int | None
    state: str
    shop_schema: str | None
    auth_schema: str | None
    tool_version: str | None
    path: str


class Verified(NamedTuple):
    """A backup that is whole."""

    backup_id: str
    path: str
    ok: bool
    bytes: int
    rows: int
    created_at: str | None
    tables: dict[Chain, dict[str, int]]
    seconds: float


def create(
    settings: Settings,
    *,
    out: str | None = None,
    reason: str | None = None,
    actor: str | None = None,
    progress: Progress = lambda _: None,
) -> Made:
    """Back up both databases while others read and write.

    The snapshot of the shop is begun first and that of the users right after it, so that every user whom the shop names
    is among them. Raises JobLocked, BackupUnwritable, NoRoomForBackup, DatabaseDamaged, and what finding and running
    pg_dump raises; then nothing is left.
    """
    settings.require_shop()
    began = time.monotonic()
    key_file = settings.backup_key_file
    new_key = str(key_file) if create_backup_key(key_file) else None
    key = load_backup_keys(key_file).current
    target = FolderTarget(out or settings.get("backup.folder"))
    backup_id = ids.new("bak")
    name = backup_id + SUFFIX
    with ExitStack() as stack:
        databases = {chain: stack.enter_context(closing(open_database(url_of(settings, chain)))) for chain in CHAINS}
        schemas = {chain: _schema(database, chain) for chain, database in databases.items()}
        stack.enter_context(databases["shop"].exclusive(JOB))
        for database in databases.values():
            forget_unfinished(database)
        with target.put(name) as file:
            writing = _Writing(settings, SealedWriter(file, key), progress)
            made = writing.run(backup_id, databases, schemas, target.place)
            size = file.tell()
        _note_made(settings, databases, made, size, reason, actor)
    path = os.path.join(target.place, name)
    seconds = round(time.monotonic() - began, 3)
    return Made(backup_id, path, size, made.rows, show(made.created_at), seconds, new_key)


class _Writing:
    """One run of `create`, once there is a file to write to."""

    def __init__(self, settings: Settings, writer: SealedWriter, progress: Progress) -> None:
        self.settings = settings
        self.writer = writer
        self.progress = progress
        self.done = 0

    def run(self, backup_id: str, databases: dict[Chain, Database], schemas: dict[Chain, str], aside: str) -> Manifest:
        pg_dump = self.settings.get("backup.pg_dump")
        copies, parts = [], []
        with ExitStack() as files:
            later: list[tuple[Chain, Iterator[bytes]]] = []
            with ExitStack() as reading:
                units = {chain: reading.enter_context(database.read()) for chain, database in databases.items()}
                moments = {chain: Clock().now() for chain in units}
                for chain, unit in units.items():
                    copies.append(_described(chain, unit, databases[chain].place, schemas[chain], moments[chain]))
                    url = url_of(self.settings, chain)
                    source = files.enter_context(copied(unit, databases[chain], url, pg_dump=pg_dump, aside=aside))
                    if unit.dialect == "postgres":  # it is read within its transaction
                        parts.append(self.writer.part(chain, self._told(source)))
                    else:
                        later.append((chain, source))
            # The log of a SQLite database grows while somebody reads: what is left to do needs no snapshot.
            parts += [self.writer.part(chain, self._told(source)) for chain, source in later]
        parts.append(self.writer.part(described.KEYS, backup_keys.packed(self.settings)))
        made = Manifest(backup_id, Clock().now(), shopctl.__version__, tuple(copies), tuple(parts))
        self.writer.finish(described.to_json(made))
        return made

    def _told(self, source: Iterable[bytes]) -> Iterator[bytes]:
        for block in source:
            self.done += len(block)
            self.progress(self.done)
            yield block


def _schema(database: Database, chain: Chain) -> str:
    """The schema of a database; an older one is backed up too, best before it is upgraded."""
    found = migrations.found(database, chain)
    if found == NONE:
        raise SchemaOutdated(chain=chain, found=found, wanted=migrations.head(chain))
    return found


def _described(chain: Chain, unit: Unit, place: str, schema: str, now: int) -> DatabaseCopy:
    if wrong := damage(unit):
        raise DatabaseDamaged(place=place, reason=wrong)
    trail, seal = queries.trail(unit), queries.last_seal(unit)
    entries = unit.value("select count(*) from audit_entry")
    head = Head(trail and trail.database_id, seal.number if seal else 0, seal.mac if seal else "", entries)
    return DatabaseCopy(chain, unit.dialect, schema, now, namespace_of(unit), table_sums(unit), head)


def _note_made(
    settings: Settings,
    databases: dict[Chain, Database],
    made: Manifest,
    size: int,
    reason: str | None,
    actor: str | None,
) -> None:
    """Say in the shop that it was backed up; it is good without, as where the disk is full and it is made for that."""
    audit = Audit(databases["shop"], settings.audit_key_file, reason=reason, actor=actor)
    try:
        with databases["shop"].unit() as unit:
            audit.record(unit, "backup.create", made.backup_id, {"rows": made.rows, "bytes": size})
            if made.databases[0].schema == migrations.head("shop"):
                marks.put_mark(unit, marks.BACKUP, made.taken_at, {"backup_id": made.backup_id})
        audit.finish()
    except ShopctlError as trouble:
        from shopctl.kernel import logging

        logging.warning("the backup was made, but could not be noted in the shop", reason=trouble.message)


def found(settings: Settings) -> list[Listed]:
    """All backups, newest first, each as its manifest describes it. Raises BackupKeyMissing."""
    settings.require_shop()
    target = folder_of(settings)
    kept = target.kept()
    keys = load_backup_keys(settings.backup_key_file) if kept else None
    listed = [_listed(target, each.name, each.bytes, keys) for each in kept if keys]
    return sorted(listed, key=lambda each: (each.created_at or "", each.backup_id), reverse=True)


def _listed(target: BackupTarget, name: str, size: int, keys: Keys) -> Listed:
    path = os.path.join(target.place, name)
    try:
        with opened(target, name, keys) as backup:
            made = backup.manifest
    except ShopctlError as trouble:
        states = {BackupKeyWrong: "other key", BackupNewer: "newer"}
        state = states.get(type(trouble), "damaged")
        return Listed(name.removesuffix(SUFFIX), None, size, None, state, None, None, None, path)
    schemas = {copy.chain: copy.schema for copy in made.databases}
    moment = show(made.created_at)
    return Listed(
        made.backup_id, moment, size, made.rows, "ok", schemas.get("shop"), schemas.get("auth"), made.tool_version, path
    )


def verified(settings: Settings, name: str) -> Verified:
    """Read a whole backup. Raises BackupNotFound, BackupDamaged, BackupKeyWrong, BackupNewer, BackupKeyMissing."""
    settings.require_shop()
    began = time.monotonic()
    make_private_folder(str(settings.home))
    with named(settings, name) as backup:
        verify(backup, counting_in=str(settings.home))
        made = backup.manifest
        tables = {copy.chain: {table: each.rows for table, each in copy.tables.items()} for copy in made.databases}
        size, path = backup.reader.size, backup.reader.path
    seconds = round(time.monotonic() - began, 3)
    return Verified(made.backup_id, path, True, size, made.rows, show(made.created_at), tables, seconds)


def folder_of(settings: Settings) -> FolderTarget:
    """Where the backups of this shop are."""
    return FolderTarget(settings.get("backup.folder"))


@contextmanager
def named(settings: Settings, name: str) -> Iterator[Backup]:
    """A backup by its path, or by its id or file name in the shop's folder of backups."""
    keys = load_backup_keys(settings.backup_key_file)
    if "://" in name:
        # A database's URL, with its password perhaps, was pasted where a backup belongs.
        raise BackupNotFound(name=mask_url(name), place=settings.get("backup.folder"))
    if os.sep in name or os.path.isfile(name):
        target, file = FolderTarget(os.path.dirname(os.path.abspath(name))), os.path.basename(name)
    else:
        target, file = folder_of(settings), name if name.endswith(SUFFIX) else name + SUFFIX
    with opened(target, file, keys) as backup:
        yield backup


def newest(settings: Settings) -> str:
    """The path of the newest backup that can be read. Raises NoBackups."""
    for each in found(settings):
        if each.state == "ok":
            return each.path
    raise NoBackups(place=folder_of(settings).place)


@contextmanager
def opened(target: BackupTarget, name: str, keys: Keys) -> Iterator[Backup]:
    """A backup where it is kept."""
    with target.opened(name) as file:
        yield Backup.of(SealedReader(file, keys, os.path.join(target.place, name)))
