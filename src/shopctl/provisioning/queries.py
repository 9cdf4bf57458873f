"""Reads what is provisioned for whom, together with how its runs stand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from shopctl.kernel import clock
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit, json_array

_DURATIONS = 50  # completed runs that an estimate is made from
_LOOKED_AT = 2000


class Filters(NamedTuple):
    """Which runs; None asks for nothing."""

    states: Sequence[str] = ()
    sku: str | None = None
    customer: str | None = None
    instance: str | None = None
    template: str | None = None
    operation: str | None = None
    fingerprint: str | None = None
    due_before: Instant | None = None
    parent: str | None = None


class ProvisioningRun(NamedTuple):
    """What a run is for."""

    run_id: str
    template: str
    operation: str
    sku: str
    customer_id: str
    instance_id: str
    quantity: int


class Listed(NamedTuple):
    """One row of a list."""

    run_id: str
    state: str
    operation: str
    sku: str
    customer: str
    instance_id: str
    step: str | None
    next_at: Instant | None
    error: str | None
    template: str
    worker: str | None
    parent: str | None
    created_at: Instant
    updated_at: Instant
    ended_at: Instant | None

    def as_dict(self) -> dict[str, Any]:
        """For scripts, times as RFC 3339."""
        row = self._asdict()
        for name in ("next_at", "created_at", "updated_at", "ended_at"):
            row[name] = clock.show(row[name])
        if self.worker is not None:
            row["next_at"] = None  # it is being worked on: that moment is the end of the worker's lease
        row["error"] = None if self.error is None else json.loads(self.error)
        return row


_LISTED = """select r.id, r.state, p.operation, p.sku, p.customer_id, p.instance_id, r.step, r.next_at, r.error,
                    p.template, r.worker, r.parent, r.created_at, r.updated_at, r.ended_at
               from provisioning_run p join workflow_run r on r.id = p.run_id"""


_NOT_GIVEN_UP = "(r.parent is null or r.state not in ('failed', 'cancelled'))"


def add(unit: Unit, run: ProvisioningRun, *, now: Instant) -> None:
    """Write down what a run is for."""
    unit.insert_many("provisioning_run", (*run._fields, "created_at"), [(*run, now)])


def about(unit: Unit, run_id: str) -> ProvisioningRun | None:
    """What a run is for."""
    return unit.row(
        ProvisioningRun,
        """select run_id, template, operation, sku, customer_id, instance_id, quantity
             from provisioning_run where run_id = :id""",
        id=run_id,
    )


def listed(unit: Unit, filters: Filters, *, limit: int | None = None, after: str | None = None) -> Iterator[Listed]:
    """Runs, the newest first; `after` goes on behind the run of that id."""
    where, params = _conditions(filters)
    if after is not None:
        where.append("r.id < :after")
        params["after"] = after
    clause = f"where {' and '.join(where)}" if where else ""
    bound = "" if limit is None else "limit :limit"
    if limit is not None:
        params["limit"] = limit
    for row in unit.stream(f"{_LISTED} {clause} order by r.id desc {bound}", **params):
        yield Listed(*row)


def count(unit: Unit, filters: Filters) -> int:
    """How many runs a filter finds."""
    where, params = _conditions(filters)
    clause = f"where {' and '.join(where)}" if where else ""
    sql = f"select count(*) from provisioning_run p join workflow_run r on r.id = p.run_id {clause}"
    return int(unit.value(sql, **params))


def ids(unit: Unit, filters: Filters) -> list[str]:
    """The ids of the runs a filter finds, the oldest first, without parts that their bundles have given up."""
    where, params = _conditions(filters)
    clause = f"where {' and '.join([*where, _NOT_GIVEN_UP])}"
    return [
        id_
        for (id_,) in unit.tuples(
            f"select r.id from provisioning_run p join workflow_run r on r.id = p.run_id {clause} order by r.id",
            **params,
        )
    ]


def stuck(unit: Unit) -> list[dict[str, Any]]:
    """Runs that stand still, by what stopped them, the most frequent first."""
    rows = unit.tuples(
        f"""select fingerprint, count(*), min(updated_at), max(updated_at), max(id) from workflow_run r
            where state in ('failed', 'parked') and fingerprint is not null
              and id in (select run_id from provisioning_run) and {_NOT_GIVEN_UP}
            group by fingerprint order by 2 desc, 1"""
    )
    return [
        {
            "fingerprint": fingerprint,
            "runs": runs,
            "first_at": clock.show(first),
            "last_at": clock.show(last),
            "example": example,
        }
        for fingerprint, runs, first, last, example in rows
    ]


def ready(unit: Unit, run_ids: Sequence[str], *, now: Instant) -> list[str]:
    """Which of these runs, and of all below them, can go on at once: begun just now, or told something.

    Those whose next attempt has fallen due meanwhile are left to whoever works on what is due.
    """
    rows = unit.tuples(
        f"""with recursive family (id) as (
                select id from workflow_run where id in (select value ->> 0 from {unit.each("ids")})
                union
                select r.id from workflow_run r join family f on r.parent = f.id
            )
            select r.id from workflow_run r join family f on f.id = r.id
             where r.worker is null and r.next_at <= :now
               and (r.state = 'pending' or exists (select 1 from workflow_signal s where s.run_id = r.id))
             order by r.id""",
        ids=json_array(run_ids), now=now,
    )  # fmt: skip
    return [id_ for (id_,) in rows]


def running_on(unit: Unit, instance_id: str) -> str | None:
    """The run that is changing an instance at present."""
    found: str | None = unit.value(
        """select p.run_id from provisioning_run p join workflow_run r on r.id = p.run_id
            where p.instance_id = :id and r.state not in ('completed', 'failed', 'cancelled') limit 1""",
        id=instance_id,
    )
    return found


def usual_length(unit: Unit, definition: str) -> int | None:
    """How long the latest completed runs of a definition took, in microseconds: the one in the middle."""
    lengths = sorted(
        length
        for (length,) in unit.tuples(
            f"""select ended_at - created_at from (
                    select definition, state, created_at, ended_at from workflow_run order by id desc limit {_LOOKED_AT}
                ) latest where definition = :definition and state = 'completed' limit {_DURATIONS}""",
            definition=definition,
        )
    )
    return lengths[len(lengths) // 2] if lengths else None


def story(unit: Unit, run_id: str) -> list[tuple[str, Instant, dict[str, Any]]]:
    """What happened to a run, the oldest first: (type, moment, payload)."""
    rows = unit.tuples("select type, at, payload from event where subject = :id order by number", id=run_id)
    return [(type_, at, json.loads(payload)) for type_, at, payload in rows]


def _conditions(filters: Filters) -> tuple[list[str], dict[str, object]]:
    where: list[str] = []
    params: dict[str, object] = {}
    columns = {
        "sku": "p.sku", "customer": "p.customer_id", "instance": "p.instance_id", "template": "p.template",
        "operation": "p.operation", "fingerprint": "r.fingerprint", "parent": "r.parent",
    }  # fmt: skip
    for name, column in columns.items():
        value = getattr(filters, name)
        if value is not None:
            where.append(f"{column} = :{name}")
            params[name] = value
    if filters.states:
        states = ", ".join(f":state_{number}" for number in range(len(filters.states)))
        where.append(f"r.state in ({states})")
        params |= {f"state_{number}": state for number, state in enumerate(filters.states)}
    if filters.due_before is not None:
        where.append("r.next_at <= :due")
        params["due"] = filters.due_before
    return where, params
