"""What each engine can say of its own soundness: pages, indexes, references."""

from __future__ import annotations

from collections.abc import Iterator

from shopctl.kernel.errors import ShopctlError
from shopctl.storage.errors import DatabaseReadOnly
from shopctl.storage.unit import Unit

_MOST = 100


def problems(unit: Unit, *, thorough: bool = True) -> Iterator[tuple[str, str | None]]:
    """(what was checked, what is wrong with it or None); `thorough` reads every page and index.

    A damaged file may also raise DatabaseDamaged on the way.
    """
    yield from _sqlite(unit, thorough) if unit.dialect == "sqlite" else _postgres(unit, thorough)


def damage(unit: Unit) -> str | None:
    """What is wrong with the pages of a database whose file is ours; None where nothing is, or nothing can be told."""
    if unit.dialect != "sqlite":
        return None
    found = unit.value("pragma quick_check(1)")
    return None if found == "ok" else str(found)


def _sqlite(unit: Unit, thorough: bool) -> Iterator[tuple[str, str | None]]:
    pragma = "integrity_check" if thorough else "quick_check"
    found = [line for (line,) in unit.tuples(f"pragma {pragma}({_MOST})")]
    yield "pages and indexes are sound", None if found == ["ok"] else "; ".join(found[:3])
    broken = unit.tuples('select "table", rowid, parent from pragma_foreign_key_check limit 1')
    yield "references lead to rows", f"{broken[0][0]} row {broken[0][1]} to {broken[0][2]}" if broken else None


def _postgres(unit: Unit, thorough: bool) -> Iterator[tuple[str, str | None]]:
    unchecked = unit.value(
        "select conname from pg_constraint where not convalidated and connamespace = current_schema()::regnamespace"
    )
    yield "references lead to rows", f"constraint {unchecked} was never validated" if unchecked else None
    invalid = unit.value(
        """select c.relname::text from pg_index i join pg_class c on c.oid = i.indexrelid
            where c.relnamespace = current_schema()::regnamespace and not (i.indisvalid and i.indisready)"""
    )
    yield "indexes are valid", f"index {invalid} is not" if invalid else None
    # The extension amcheck compares indexes and tables; it is there when the server's owner installed it.
    if not thorough or not unit.value("select 1 from pg_extension where extname = 'amcheck'"):
        return
    yield "pages and indexes are sound", _amcheck(unit)


def _amcheck(unit: Unit) -> str | None:
    indexes = unit.tuples(
        """select c.oid::bigint from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
            where a.amname = 'btree' and c.relkind = 'i' and c.relnamespace = current_schema()::regnamespace
              and c.relpersistence = 'p'"""
    )
    try:
        for (index,) in indexes:
            unit.value("select bt_index_check(cast(cast(:index as bigint) as regclass), true)::text", index=index)
    except DatabaseReadOnly:
        return None  # this role may not call it
    except ShopctlError as failure:
        return failure.message
    return None
