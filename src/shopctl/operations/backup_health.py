"""How a shop stands with its backups: the last one, the last drill that succeeded, and whether it is paused."""

from __future__ import annotations

from typing import NamedTuple

from shopctl.kernel.clock import Instant, show
from shopctl.storage import marks
from shopctl.storage.unit import Unit

DAY = 86_400 * 1_000_000
"""How old the last good drill may become (R17)."""


class BackupHealth(NamedTuple):
    """Times are RFC 3339 in UTC; none where it never happened. `drill_due` only where there are backups."""

    last_backup_at: str | None
    last_drill_at: str | None
    drill_due: bool
    paused_since: str | None


def health(unit: Unit, now: Instant) -> BackupHealth:
    """What the shop's database says of it."""
    backup, drill = marks.mark(unit, marks.BACKUP), marks.mark(unit, marks.DRILL)
    paused = marks.mark(unit, marks.PAUSED)
    due = backup is not None and (drill is None or now - drill.at > DAY)
    return BackupHealth(
        show(backup.at) if backup else None, show(drill.at) if drill else None, due, show(paused.at) if paused else None
    )
