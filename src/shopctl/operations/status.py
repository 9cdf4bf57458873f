"""`status`: what the shop holds and what is due, at a glance."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from shopctl.kernel.clock import Clock, Instant, show
from shopctl.kernel.settings import Settings
from shopctl.operations.backup_health import BackupHealth, health
from shopctl.operations.databases import DatabaseState, opened, states
from shopctl.storage.unit import Unit

_LAST_IMPORTS = 3
_LATE = 120_000_000  # microseconds


class LastImport(NamedTuple):
    """An import, newest first; times are RFC 3339 in UTC, `seconds` is none while it runs."""

    import_id: str
    feed: str
    state: str
    rows: int
    rejected: int
    started_at: str | None
    seconds: float | None


class Status(NamedTuple):
    """What `status` answers: counts are rows, `index.lag` is changes the index has not seen (none without an index)."""

    shop: str
    profile: str | None
    config: str | None
    databases: list[DatabaseState]
    catalogue: dict[str, int]
    due: dict[str, int]
    runs: dict[str, int]
    imports: list[LastImport]
    search: dict[str, Any]
    audit: dict[str, int]
    backups: BackupHealth | None


def status(settings: Settings, *, clock: Clock | None = None) -> Status:
    """Look at the shop. A database that cannot be read is told among `databases`; its counts are then missing.

    How far the search index is behind is the search's to say. Raises NoShop.
    """
    found = states(settings, count=False)
    now = (clock or Clock()).now()
    catalogue: dict[str, int] = {}
    due: dict[str, int] = {}
    runs: dict[str, int] = {}
    imports: list[LastImport] = []
    audit: dict[str, int] = {}
    backups: BackupHealth | None = None
    search: dict[str, Any] = {"engine": settings.search_engine, "lag": None}
    if any(state.chain == "shop" and state.state == "ok" for state in found):
        for _, database in opened(settings, ("shop",)):
            with database.read() as unit:
                catalogue, due, runs = _catalogue(unit, now), _due(unit, now), standing(unit, now)
                imports, audit, backups = _imports(unit), _audit(unit), health(unit, now)
    return Status(
        shop=str(settings.base),
        profile=settings.profile,
        config=os.fspath(settings.config_file) if settings.config_file else None,
        databases=found,
        catalogue=catalogue,
        due=due,
        runs=runs,
        imports=imports,
        search=search,
        audit=audit,
        backups=backups,
    )


def _catalogue(unit: Unit, now: Instant) -> dict[str, int]:
    # What a buyer meets now (`catalogue.model.status_at`), in the database's words.
    by_status = dict(
        unit.tuples(
            """select case when status = 'retired' or retire_at <= :now then 'retired'
                           when publish_at <= :now then 'active'
                           when publish_at > :now or status <> 'active' then 'draft'
                           else 'active' end, count(*)
                 from product group by 1""",
            now=now,
        )
    )
    return {
        "products": sum(by_status.values()),
        **{name: by_status.get(name, 0) for name in ("draft", "active", "retired")},
        "variants": unit.value("select count(*) from product where parent_sku != ''"),
        "categories": unit.value("select count(*) from category"),
        "prices": unit.value("select count(*) from price"),
        "stock_levels": unit.value("select count(*) from stock"),
    }


def _due(unit: Unit, now: Instant) -> dict[str, int]:
    """What waits for a moment or for somebody."""
    return {
        "publications": unit.value(
            "select count(*) from product where status <> 'retired' and publish_at > :now", now=now
        ),
        "retirements": unit.value(
            "select count(*) from product where status <> 'retired' and retire_at > :now", now=now
        ),
        "reservations": unit.value(
            "select count(*) from reservation where state = 'held' and expires_at > :now", now=now
        ),
        "unfinished_imports": unit.value("select count(*) from catalogue_import where state in ('reading', 'merging')"),
        "undelivered_events": unit.value("select count(*) from event_set_aside"),
    }


def standing(unit: Unit, now: Instant) -> dict[str, int]:
    """How runs stand that have not ended: {"open","overdue","parked"}.

    `overdue` have been due for two minutes: a worker, or one from cron every minute, leaves none.
    """
    counted = dict(
        unit.tuples(
            """select case when state = 'parked' then 'parked'
                           when next_at <= :late then 'overdue' else 'open' end, count(*)
                 from workflow_run
                where state <> 'completed' and state in ('pending', 'running', 'waiting', 'compensating', 'parked')
                group by 1""",
            late=now - _LATE,
        )
    )
    return {name: counted.get(name, 0) for name in ("open", "overdue", "parked")}


def _imports(unit: Unit) -> list[LastImport]:
    rows = unit.tuples(
        """select i.id, f.name, i.state, i.rows, i.rejected, i.started_at, i.finished_at
             from catalogue_import i join feed f on f.id = i.feed_id order by i.started_at desc limit :limit""",
        limit=_LAST_IMPORTS,
    )
    return [
        LastImport(number, feed, state, count, rejected, show(began), _seconds(began, ended))
        for number, feed, state, count, rejected, began, ended in rows
    ]


def _seconds(began: Instant, ended: Instant | None) -> float | None:
    return None if ended is None else round((ended - began) / 1_000_000, 3)


def _audit(unit: Unit) -> dict[str, int]:
    return {
        "entries": unit.value("select count(*) from audit_entry"),
        "unsealed": unit.value("select count(*) from audit_entry where seal is null"),
    }
