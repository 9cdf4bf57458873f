"""Writes instances: the row as it is now and what was changed, together, by compare-and-set on the version."""

from __future__ import annotations

from typing import Any, NamedTuple

from shopctl.kernel.clock import Instant
from shopctl.product_store.errors import InstanceStale
from shopctl.product_store.model import OBJECTS, TRACKED, Instance, canonical, changed_fields
from shopctl.product_store.queries import CHANGE_COLUMNS, COLUMNS
from shopctl.storage.unit import Unit

_VALUES = ", ".join(f":{name}" for name in COLUMNS)
_CHANGE_VALUES = ", ".join(f":{name}" for name in CHANGE_COLUMNS)


class Cause(NamedTuple):
    """What was done to an instance, by whom and why, and the run that did it."""

    action: str
    actor: str
    reason: str | None
    run_id: str | None


def add(unit: Unit, instance: Instance, cause: Cause) -> None:
    """Store a new instance; its history begins with all of it."""
    unit.execute(f"insert into instance ({', '.join(COLUMNS)}) values ({_VALUES})", **_row(instance))
    given = {name: value for name in TRACKED if (value := getattr(instance, name)) not in (None, {})}
    _append(unit, instance, cause, None, given)


def replace(unit: Unit, before: Instance, after: Instance, cause: Cause, now: Instant) -> Instance:
    """Store what became of an instance as its next version; where nothing differs, it stays as it is.

    Raises InstanceStale when somebody else was faster, which nobody is while this unit has it locked.
    """
    fields = changed_fields(before, after)
    if not fields:
        return before
    stored = after._replace(version=before.version + 1, updated_at=now)
    row = _row(stored)
    assigned = ", ".join(f"{name} = :{name}" for name in (*fields, "version", "updated_at"))
    changed = unit.execute(
        f"update instance set {assigned} where customer_id = :key_customer and id = :key_id and version = :key_version",
        **{name: row[name] for name in (*fields, "version", "updated_at")},
        key_customer=before.customer_id,
        key_id=before.id,
        key_version=before.version,
    )
    if not changed:
        raise InstanceStale(id=before.id, version=before.version + 1, expected=before.version)
    old = {name: getattr(before, name) for name in fields}
    _append(unit, stored, cause, old, {name: getattr(stored, name) for name in fields})
    return stored


def _append(unit: Unit, instance: Instance, cause: Cause, before: Any, after: Any) -> None:
    unit.execute(
        f"insert into instance_change ({', '.join(CHANGE_COLUMNS)}) values ({_CHANGE_VALUES})",
        instance_id=instance.id,
        version=instance.version,
        at=instance.updated_at,
        state=instance.state,
        before=None if before is None else canonical(before),
        after=canonical(after),
        **cause._asdict(),
    )


def _row(instance: Instance) -> dict[str, Any]:
    row = instance._asdict()
    return row | {name: canonical(row[name]) for name in OBJECTS}
