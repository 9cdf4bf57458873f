"""A backup in the place of the shop's databases: all of it or nothing, and then the shop stands still."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing, suppress
from functools import partial
from typing import NamedTuple

from shopctl.audit.keys import load_keys
from shopctl.audit.service import Audit
from shopctl.auth.beginning import SEALED as AUTH_SEALED
from shopctl.auth.restored import refuse_all_issued
from shopctl.customers.sealed import COLUMNS as SHOP_SEALED
from shopctl.kernel.clock import Clock, show
from shopctl.kernel.settings import Settings
from shopctl.operations import backup_keys
from shopctl.operations.backups import JOB, named
from shopctl.operations.databases import url_of
from shopctl.storage import marks, migrations
from shopctl.storage.backup.checks import check_of
from shopctl.storage.backup.copies import restored
from shopctl.storage.backup.manifest import KEYS, DatabaseCopy, Manifest, check_schemas
from shopctl.storage.backup.verifying import Backup, verify
from shopctl.storage.database import Database, open_database
from shopctl.storage.key_encryption import key_encryption_keys
from shopctl.storage.migrations import Chain
from shopctl.storage.sealing import Sealer
from shopctl.storage.sealing_errors import SealingKeysMissing
from shopctl.storage.unit import Unit

KEY_SETTING: dict[Chain, str] = {"shop": "customers.key_encryption_key", "auth": "auth.key_encryption_key"}


class RestoredDatabase(NamedTuple):
    """One database after a restore; `schema` is that of the backup, from which it was upgraded to `upgraded`."""

    chain: Chain
    place: str
    rows: int
    schema: str
    upgraded: str


class Restored(NamedTuple):
    """A shop after a restore: paused, with nothing good any more that was issued before."""

    backup_id: str
    created_at: str | None
    rows: int
    databases: list[RestoredDatabase]
    keys: list[str]
    sessions_ended: int
    paused: bool
    seconds: float


def restore(settings: Settings, name: str, *, reason: str | None = None, actor: str | None = None) -> Restored:
    """Put a backup in the place of both databases, after all of it was verified.

    Others see the shop as it was until both are ready; those who have it open meet the restored one at their next unit.
    Killed, it is run again: then either database is the old one or the restored one, whole. Raises BackupDamaged,
    BackupKeyWrong, BackupNotFound, BackupNewer, SchemaNewer, BackupOfOtherKind, JobLocked, DatabaseLocked,
    DatabaseFull, SealingKeyWrong, NotEmpty, OtherChain; then nothing was changed.
    """
    settings.require_shop()
    began = time.monotonic()
    with named(settings, name) as backup, ExitStack() as stack:
        manifest = backup.manifest
        check_schemas(manifest)
        verify(backup)
        lock = stack.enter_context(closing(open_database(url_of(settings, "shop"))))
        stack.enter_context(lock.exclusive(JOB))
        keys = _keys_put_back(settings, backup)
        load_keys(settings.audit_key_file)
        databases = {
            copy.chain: stack.enter_context(closing(open_database(url_of(settings, copy.chain))))
            for copy in manifest.databases
        }
        made = _Making(settings, backup, databases, reason, actor)
        made.run()
        for audit in made.audits.values():
            audit.finish()
    described = [
        RestoredDatabase(copy.chain, databases[copy.chain].place, copy.rows, copy.schema, migrations.head(copy.chain))
        for copy in manifest.databases
    ]
    return Restored(
        manifest.backup_id,
        show(manifest.created_at),
        manifest.rows,
        described,
        keys,
        made.refused.get("sessions", 0),
        True,
        round(time.monotonic() - began, 3),
    )


class _Making:
    def __init__(
        self,
        settings: Settings,
        backup: Backup,
        databases: dict[Chain, Database],
        reason: str | None,
        actor: str | None,
    ) -> None:
        self.settings = settings
        self.backup = backup
        self.databases = databases
        self.refused: dict[str, int] = {}
        self.audits = {
            chain: Audit(database, settings.audit_key_file, system=chain, reason=reason, actor=actor)
            for chain, database in databases.items()
        }

    def run(self) -> None:
        """Make both ready, then real, one right after the other."""
        manifest, path = self.backup.manifest, self.backup.reader.path
        with ExitStack() as both:
            for copy in manifest.databases:
                part = manifest.part(copy.chain)
                assert part is not None
                source = self.backup.reader.part(part)
                database = self.databases[copy.chain]
                unit = both.enter_context(restored(database, copy, source, check_of(copy, path)))
                self._settle(unit, copy, manifest)

    def _settle(self, unit: Unit, copy: DatabaseCopy, manifest: Manifest) -> None:
        """What a database needs that was asleep: its keys at hand, and nobody acting on what it believes."""
        chain, settings = copy.chain, self.settings
        keks = partial(key_encryption_keys, settings.get(KEY_SETTING[chain]))
        with suppress(SealingKeysMissing):
            Sealer(chain, AUTH_SEALED if chain == "auth" else SHOP_SEALED, keks).prove(unit)
        facts = {"rows": copy.rows, "created_at": show(manifest.created_at)}
        if chain == "auth":
            self.refused = refuse_all_issued(
                unit, self.databases[chain], self.audits[chain], keks, settings.get("auth.algorithm")
            )
        else:
            marks.pause(unit, Clock().now(), {"backup_id": manifest.backup_id, **facts})
            marks.put_mark(unit, marks.BACKUP, manifest.taken_at, {"backup_id": manifest.backup_id})
        self.audits[chain].record(unit, "backup.restore", manifest.backup_id, {**facts, **self.refused})


def _keys_put_back(settings: Settings, backup: Backup) -> list[str]:
    part = backup.manifest.part(KEYS)
    return backup_keys.put_back(settings, backup.reader.part(part)) if part else []
