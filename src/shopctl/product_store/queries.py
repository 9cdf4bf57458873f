"""Reads instances and their history: each list and each page is one statement on one table."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from shopctl.product_store.attributes import compared_sql
from shopctl.product_store.model import CLOSED, OBJECTS, Change, Instance
from shopctl.product_store.where import COLUMNS as CHOSEN_BY
from shopctl.product_store.where import Condition, Filters
from shopctl.storage.unit import Unit, json_array

COLUMNS = Instance._fields
CHANGE_COLUMNS = Change._fields
TOGETHER = 500  # rows of a stream that are in memory at once

_PLACES = [COLUMNS.index(name) for name in OBJECTS]
_CLOSED = ", ".join(f"'{state}'" for state in sorted(CLOSED))
# Columns by which few instances are left, the fewest first: SQLite, which counts nothing, is told to begin there.
_NARROWING = ("customer_id", "parent_id", "purchase_id")


def instance(unit: Unit, instance_id: str, *, lock: bool = False) -> Instance | None:
    """The instance of this id, kept from other writers until the unit ends if it is to `lock`."""
    tail = unit.for_update if lock else ""
    for row in unit.tuples(f"select {', '.join(COLUMNS)} from instance where id = :id {tail}", id=instance_id):
        return _opened(row)
    return None


def page(
    unit: Unit,
    filters: Filters,
    *,
    limit: int,
    after: str | None = None,
    created_by: int | None = None,
    indexed: Collection[tuple[str, ...]] = (),
) -> list[Instance]:
    """Instances, newest first: those that come `after` this one in the list; `created_by` a moment at the latest.

    `indexed` are the attributes of configurations that have an index of their own.
    """
    conditions = filters.conditions()
    leading = _leading(conditions, indexed)
    where, params = [], dict[str, Any]()
    for number, condition in enumerate(conditions):
        sql, given = _condition_sql(unit, condition, f"p{number}", leading, indexed)
        where.append(sql)
        params |= given
    if after is not None:
        where.append("id < :after")
        params["after"] = after
    if created_by is not None:
        where.append("created_at <= :created_by")
        params["created_by"] = created_by
    if unit.dialect == "postgres" and any(each.path and each.path not in indexed for each in conditions):
        # How many share the value decides between the GIN index and the order of the list, so a plan must know it.
        unit.execute("set local plan_cache_mode = force_custom_plan")
    sql = f"""select {", ".join(COLUMNS)} from instance {"where " + " and ".join(where) if where else ""}
               order by id desc limit :limit"""
    return [_opened(row) for row in unit.tuples(sql, limit=limit, **params)]


def changes(unit: Unit, instance_ids: Sequence[str]) -> dict[str, list[Change]]:
    """The history of instances, each from its beginning."""
    found: dict[str, list[Change]] = {}
    for row in unit.tuples(
        f"""select {", ".join(CHANGE_COLUMNS)} from instance_change
             where instance_id in (select value ->> 0 from {unit.each("ids")}) order by instance_id, version""",
        ids=json_array(instance_ids),
    ):
        change = _told(row)
        found.setdefault(change.instance_id, []).append(change)
    return found


def history(unit: Unit, instance_id: str) -> list[Change]:
    """The history of one instance, from its beginning."""
    sql = f"select {', '.join(CHANGE_COLUMNS)} from instance_change where instance_id = :id order by version"
    return [_told(row) for row in unit.tuples(sql, id=instance_id)]


def last_change(unit: Unit, instance_id: str, version: int) -> Change | None:
    """The change that made this version."""
    sql = f"select {', '.join(CHANGE_COLUMNS)} from instance_change where instance_id = :id and version = :version"
    for row in unit.tuples(sql, id=instance_id, version=version):
        return _told(row)
    return None


def living_part(unit: Unit, bundle: Instance) -> tuple[str, str] | None:
    """A part of a bundle that has not come to its end: id and state."""
    found = unit.tuples(
        f"""select id, state from instance
             where customer_id = :customer and parent_id = :id and state not in ({_CLOSED}) limit 1""",
        customer=bundle.customer_id,
        id=bundle.id,
    )
    return found[0] if found else None


def ids_starting_with(unit: Unit, prefix: str, limit: int) -> list[str]:
    """Ids of instances that begin so, the newest first."""
    sql = "select id from instance where id >= :prefix and id < :end order by id desc limit :limit"
    return [found for (found,) in unit.tuples(sql, prefix=prefix, end=f"{prefix}{{", limit=limit)]  # `{` is after `z`


def _leading(conditions: Sequence[Condition], indexed: Collection[tuple[str, ...]]) -> Condition | None:
    """The condition whose index leaves the fewest, as far as that can be told without counting."""
    equal = [each for each in conditions if each.operator == "=" and each.value]
    for column in _NARROWING:
        if found := next((each for each in equal if each.column == column), None):
            return found
    return next((each for each in equal if each.column == "configuration" and each.path in indexed), None)


def _condition_sql(
    unit: Unit,
    condition: Condition,
    name: str,
    leading: Condition | None,
    indexed: Collection[tuple[str, ...]],
) -> tuple[str, dict[str, Any]]:
    if condition.path:
        by_index = condition.column == "configuration" and condition.path in indexed
        return compared_sql(unit, condition, name, indexed=by_index)
    column = condition.column
    assert column in CHOSEN_BY.values()
    if not condition.value:
        return f"{column} is {'' if condition.operator == '=' else 'not '}null", {}
    if condition.operator == "!=":
        return f"coalesce({column}, '') <> :{name}", {name: condition.value}
    if unit.dialect == "sqlite" and leading is not None and condition is not leading:
        column = f"+{column}"  # not by an index of its own (https://sqlite.org/optoverview.html, section 1.4)
    return f"{column} = :{name}", {name: condition.value}


def _opened(row: Sequence[Any]) -> Instance:
    values = list(row)
    for place in _PLACES:
        values[place] = json.loads(values[place])
    return Instance._make(values)


def _told(row: Sequence[Any]) -> Change:
    change = Change._make(row)
    before, after = row[-2:]
    return change._replace(before=None if before is None else json.loads(before), after=json.loads(after))
