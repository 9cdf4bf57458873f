"""`backup drill`: a backup is restored where it harms nobody, and held against what it was made of."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from functools import partial
from typing import NamedTuple

from shopctl.audit.model import Verification
from shopctl.audit.service import Audit
from shopctl.kernel.clock import Clock, show
from shopctl.kernel.errors import Partial
from shopctl.kernel.settings import Settings
from shopctl.operations.backups import JOB, named, newest
from shopctl.operations.databases import url_of
from shopctl.operations.restoring import KEY_SETTING
from shopctl.storage import marks, migrations
from shopctl.storage.backup.checks import check_of
from shopctl.storage.backup.copies import restored
from shopctl.storage.backup.errors import BackupDamaged
from shopctl.storage.backup.manifest import DatabaseCopy, check_schemas
from shopctl.storage.backup.scratch import scratch
from shopctl.storage.backup.verifying import Backup
from shopctl.storage.database import Database, open_database
from shopctl.storage.key_encryption import key_encryption_keys
from shopctl.storage.sealing import Sealer

_SECOND = 1_000_000


class DrillFailed(Partial):
    """The backup {backup} could not be used to bring the shop back: {reason}."""

    code = "backup.drill_failed"
    hint = "Make another one at once: shopctl backup create; then try that one: shopctl backup drill"


class Drilled(NamedTuple):
    """What a drill found.

    `rpo_seconds` is how much would be lost if the shop were lost now: the time since what the backup holds;
    `rto_seconds` is how long bringing it back took, its checks among them. `problem` is none where all is well.
    """

    backup: str
    restored: bool
    rows: int
    checksums_ok: bool
    audit_ok: bool
    rpo_seconds: float
    rto_seconds: float
    created_at: str | None
    tables: int
    problem: str | None


def drill(
    settings: Settings, name: str | None = None, *, reason: str | None = None, actor: str | None = None
) -> Drilled:
    """Restore a backup, the newest by default, into scratch databases, compare every table, verify the audit trails.

    A success is noted in the shop; what failed is told in `problem`. Raises NoBackups, BackupNotFound, BackupKeyWrong,
    SchemaNewer, ScratchDenied, JobLocked.
    """
    settings.require_shop()
    with closing(open_database(url_of(settings, "shop"))) as shop:
        migrations.check(shop, "shop")
        with shop.exclusive(JOB):
            found = _drilled(settings, name or newest(settings))
        if found.problem is None:
            audit = Audit(shop, settings.audit_key_file, reason=reason, actor=actor)
            facts = {"rpo_seconds": found.rpo_seconds, "rto_seconds": found.rto_seconds, "rows": found.rows}
            with shop.unit() as unit:
                marks.put_mark(unit, marks.DRILL, Clock().now(), {"backup_id": found.backup, **facts})
                audit.record(unit, "backup.drill", found.backup, facts)
            audit.finish()
    return found


def require_success(found: Drilled) -> None:
    """Raise DrillFailed (exit 6) unless all was well."""
    if found.problem is not None:
        raise DrillFailed(backup=found.backup, reason=found.problem)


def _drilled(settings: Settings, name: str) -> Drilled:
    began, now = time.monotonic(), Clock().now()
    with named(settings, name) as backup:
        manifest = backup.manifest
        check_schemas(manifest)
        problems: list[str] = []
        ready = checksums = audit = True
        for copy in manifest.databases:
            try:
                trail = _tried(settings, backup, copy)
            except BackupDamaged as damaged:
                ready = checksums = audit = False
                problems.append(damaged.message)
                continue
            if not _agrees(trail, copy):
                audit = False
                problems.append(f"the audit trail of the {copy.chain} database is not as it was written")
    return Drilled(
        backup=manifest.backup_id,
        restored=ready,
        rows=manifest.rows,
        checksums_ok=checksums,
        audit_ok=audit,
        rpo_seconds=round((now - manifest.taken_at) / _SECOND, 3),
        rto_seconds=round(time.monotonic() - began, 3),
        created_at=show(manifest.created_at),
        tables=sum(len(copy.tables) for copy in manifest.databases),
        problem="; ".join(problems) or None,
    )


def _tried(settings: Settings, backup: Backup, copy: DatabaseCopy) -> Verification:
    """Restore one database and read its trail; its sealing keys must be at hand too. Raises BackupDamaged."""
    part = backup.manifest.part(copy.chain)
    assert part is not None
    url = url_of(settings, copy.chain)
    with closing(open_database(url)) as live, ExitStack() as stack:
        made: Database = stack.enter_context(scratch(live, url, str(settings.home)))
        with restored(made, copy, backup.reader.part(part), check_of(copy, backup.reader.path)) as unit:
            if unit.value("select 1 from sealing_key limit 1"):
                keks = partial(key_encryption_keys, settings.get(KEY_SETTING[copy.chain]))
                Sealer(copy.chain, (), keks).prove(unit)
        return Audit(made, settings.audit_key_file, system=copy.chain).verify()


def _agrees(found: Verification, copy: DatabaseCopy) -> bool:
    """Whether a trail is whole and ends where the backup says it did."""
    head = copy.audit
    entries = found.entries
    return found.ok and (found.database_id, found.seals, entries) == (head.database_id, head.seal, head.entries)
