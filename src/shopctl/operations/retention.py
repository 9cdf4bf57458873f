"""Which backups are kept and which are removed, by the rules that restic made well known."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import NamedTuple

from shopctl.kernel.clock import parse
from shopctl.kernel.errors import InvalidData, ShopctlError, UsageError
from shopctl.kernel.settings import Settings
from shopctl.operations.backups import JOB, Listed, folder_of, found, named
from shopctl.operations.databases import url_of
from shopctl.storage.backup.verifying import verify
from shopctl.storage.database import open_database


class NothingToKeep(UsageError):
    """It was not said how many backups to keep."""

    code = "backup.nothing_to_keep"
    hint = "Give at least one of --keep-last, --keep-daily, --keep-weekly, --keep-monthly, each at least 1."


class NoGoodBackup(InvalidData):
    """None of the {count} backup(s) that would stay is good; nothing was removed."""

    code = "backup.no_good"
    hint = "Make a good one first: shopctl backup create"


class Keep(NamedTuple):
    """How many to keep: of all, and of those that are the newest of their day, week (ISO 8601) or month, in UTC."""

    last: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0


class Decision(NamedTuple):
    """What becomes of a backup, and by which rules it is kept."""

    backup_id: str
    created_at: str
    bytes: int
    action: str
    reasons: list[str]
    path: str


def decide(backups: Sequence[tuple[str, datetime]], keep: Keep) -> dict[str, list[str]]:
    """The reasons to keep each backup, given newest first; none for one that is to be removed.

    A rule keeps the newest of each of its periods until its number is used up, and the oldest backup of all while there
    is some of it left, so that a young collection reaches back as far as it can (restic, `forget`).
    """
    numbers = iter(range(len(backups)))
    rules: list[tuple[str, int, Callable[[datetime], object]]] = [
        ("last", keep.last, lambda _: next(numbers)),
        ("daily", keep.daily, lambda at: at.date()),
        ("weekly", keep.weekly, lambda at: at.isocalendar()[:2]),
        ("monthly", keep.monthly, lambda at: (at.year, at.month)),
    ]
    reasons: dict[str, list[str]] = {name: [] for name, _ in backups}
    for rule, count, period_of in rules:
        latest: object = None
        for number, (name, at) in enumerate(backups):
            if count == 0:
                break
            period = period_of(at)
            if period != latest or number == len(backups) - 1:
                reasons[name].append(rule if period != latest else f"oldest {rule}")
                latest, count = period, count - 1
    return reasons


def prune(settings: Settings, keep: Keep, *, dry_run: bool = False) -> list[Decision]:
    """Remove the backups that no rule keeps, once one of those that stay was read whole and found good.

    Backups that cannot be read (damaged ones, those of another key) are neither counted nor removed. Raises
    NothingToKeep, NoGoodBackup, JobLocked, BackupUnwritable.
    """
    if not any(keep):
        raise NothingToKeep()
    settings.require_shop()
    with closing(open_database(url_of(settings, "shop"))) as shop, shop.exclusive(JOB):
        listed = [each for each in found(settings) if each.state == "ok"]
        reasons = decide([(each.path, _moment(each)) for each in listed], keep)
        decisions = [_decision(each, reasons[each.path]) for each in listed]
        going = [each for each in decisions if each.action == "remove"]
        if going and not dry_run:
            staying = [each for each in decisions if each.action == "keep"]
            if not any(_is_good(settings, each.path) for each in staying):
                raise NoGoodBackup(count=len(staying))
            target = folder_of(settings)
            for each in going:
                target.remove(os.path.basename(each.path))
    return decisions


def _moment(listed: Listed) -> datetime:
    return datetime.fromtimestamp(parse(listed.created_at or "") / 1_000_000, UTC)


def _decision(listed: Listed, reasons: list[str]) -> Decision:
    action = "keep" if reasons else "remove"
    return Decision(listed.backup_id, listed.created_at or "", listed.bytes, action, reasons, listed.path)


def _is_good(settings: Settings, path: str) -> bool:
    try:
        with named(settings, path) as backup:
            verify(backup)
    except ShopctlError:
        return False
    return True
