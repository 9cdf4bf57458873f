"""Where in the change log a reader stands, so that it misses no change and notices when the log is another one.

On SQLite changes are numbered in the order of their commits. On PostgreSQL they are not: there a reader goes by the
transaction that made the change, and stops below the oldest one that is still open.
"""

from __future__ import annotations

import json
from typing import Any

from shopctl.catalogue.ports import Position
from shopctl.storage.unit import Unit


def latest(unit: Unit) -> Position:
    """Up to where everything this snapshot may ever show is shown."""
    seen = int(unit.value(_HORIZON[unit.dialect]))
    return Position(seen, _mark(unit, seen))


def lag(unit: Unit, position: Position) -> int | None:
    """How many changes this snapshot shows that are not below the position; None when it is not of this log.

    The mark names the last change before the position: database, number, product, time and transaction.
    """
    try:
        database, change = json.loads(position.mark)
    except ValueError:
        return None
    [(last, own, missing, *found)] = unit.tuples(
        f"""select ({_END[unit.dialect]}), ({_DATABASE[unit.dialect]}),
                   (select count(*) from change where {_KEY[unit.dialect]} >= :seen),
                   known.id, known.product_id, known.at, known.xid
              from (select cast(:id as bigint) as id) as marked left join change known on known.id = marked.id""",
        seen=min(position.seen, _MOST), id=change and change[0],
    )  # fmt: skip
    same = change is None or change == found
    return int(missing) if same and database == own and position.seen <= last else None


def changed_products(unit: Unit, since: Position, until: Position) -> list[int]:
    """Numbers of the products changed between two positions, rising."""
    key = _KEY[unit.dialect]
    rows = unit.tuples(
        f"select distinct product_id from change where {key} >= :since and {key} < :until order by product_id",
        since=since.seen, until=until.seen,
    )  # fmt: skip
    return [number for (number,) in rows]


_MOST = 2**63 - 1
_KEY = {"sqlite": "id", "postgres": "xid"}
_END = {
    "sqlite": "select coalesce(max(id), 0) + 1 from change",
    "postgres": "select cast(cast(pg_snapshot_xmax(pg_current_snapshot()) as text) as bigint)",
}
_DATABASE = {
    "sqlite": "select 'sqlite'",
    "postgres": "select 'postgres ' || oid from pg_database where datname = current_database()",
}
_HORIZON = {
    "sqlite": _END["sqlite"],
    "postgres": "select cast(cast(pg_snapshot_xmin(pg_current_snapshot()) as text) as bigint)",
}


def _mark(unit: Unit, seen: int) -> str:
    last = f"id = (select max(id) from change where {_KEY[unit.dialect]} < :seen)"
    return json.dumps([unit.value(_DATABASE[unit.dialect]), _change(unit, last, seen=seen)], separators=(",", ":"))


def _change(unit: Unit, where: str, **params: object) -> list[Any] | None:
    rows = unit.tuples(f"select id, product_id, at, xid from change where {where}", **params)
    return list(rows[0]) if rows else None
