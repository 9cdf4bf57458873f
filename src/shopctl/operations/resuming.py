"""Ending the pause that a restore began, once what the shop believes was checked."""

from __future__ import annotations

from contextlib import closing
from typing import NamedTuple

from shopctl.audit.errors import TrailDiffers
from shopctl.audit.service import Audit
from shopctl.kernel.clock import show
from shopctl.kernel.settings import Settings
from shopctl.operations import consistency
from shopctl.operations.databases import opened, url_of
from shopctl.storage import marks, migrations
from shopctl.storage.database import open_database
from shopctl.storage.migrations import CHAINS


class Resumed(NamedTuple):
    """Whether the shop was paused until now, since when and by which backup."""

    resumed: bool
    paused_since: str | None
    backup_id: str | None


def resume(settings: Settings, *, reason: str | None = None, actor: str | None = None) -> Resumed:
    """Let the workers go on, after both databases were checked and their audit trails read again.

    Nothing happens in a shop that is not paused. Raises DatabasesDiffer, TrailDiffers (exit 6); then it stays paused.
    """
    settings.require_shop()
    with closing(open_database(url_of(settings, "shop"))) as database:
        migrations.check(database, "shop")
        with database.read() as unit:
            paused = marks.mark(unit, marks.PAUSED)
        if paused is None:
            return Resumed(False, None, None)
        database.close()
        consistency.require_agreement(consistency.check(settings, CHAINS))
        _require_trails(settings)
        audit = Audit(database, settings.audit_key_file, reason=reason, actor=actor)
        with database.unit() as unit:
            resumed = marks.resume(unit)
            if resumed:
                audit.record(unit, "db.resume", None, {"backup_id": paused.facts.get("backup_id")})
        audit.finish()
    return Resumed(resumed, show(paused.at), paused.facts.get("backup_id"))


def _require_trails(settings: Settings) -> None:
    for chain, database in opened(settings, CHAINS):
        found = Audit(database, settings.audit_key_file, system=chain).verify()
        if not found.ok:
            raise TrailDiffers(differences=found.differences, plural="" if found.differences == 1 else "s")
