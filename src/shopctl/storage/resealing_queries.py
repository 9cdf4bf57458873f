"""The SQL of resealing, made for any sealed column: what is under another key than the current one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from shopctl.storage.sealed_text import prefix_of_cells, prefix_of_indexes
from shopctl.storage.sealing import SealedColumn
from shopctl.storage.unit import Unit


class Current(NamedTuple):
    """What cells and indexes under the current keys begin with."""

    cells: str
    indexes: str

    @classmethod
    def of(cls, data_key: str, index_key: str) -> Current:
        """The beginnings for these key ids."""
        return cls(prefix_of_cells(data_key), prefix_of_indexes(index_key))


class Cell(NamedTuple):
    """A row's sealed text and its blind index, where the column has one."""

    key: int | str
    sealed: str | None
    blind: str | None


def old_cells(unit: Unit, column: SealedColumn, current: Current, after: int | str | None, limit: int) -> list[Cell]:
    """Cells under another key in the order of their rows, past the row `after`; rows that others hold are left out."""
    return unit.rows(
        Cell,
        f"""select {column.key_column}, {column.column}, {column.index_column or "null"} from {column.table}
             where ({_old(column)}) {"" if after is None else f"and {column.key_column} > :after"}
             order by {column.key_column} limit :limit {unit.for_claim}""",
        **_parameters(column, current),
        limit=limit,
        **({} if after is None else {"after": after}),
    )


def count_old(unit: Unit, column: SealedColumn, current: Current) -> int:
    """How many rows hold a cell or an index under another key."""
    sql = f"select count(*) from {column.table} where {_old(column)}"
    return int(unit.value(sql, **_parameters(column, current)))


def count_cells(unit: Unit, column: SealedColumn) -> int:
    """How many rows hold a cell at all."""
    return int(unit.value(f"select count({column.column}) from {column.table}"))


def store(unit: Unit, column: SealedColumn, cells: Sequence[Cell]) -> None:
    """Put other cells and indexes into rows of this unit: one statement for all, which is what makes it fast."""
    if not cells:
        return
    blind = f", {column.index_column} = each.value ->> 2" if column.index_column else ""
    key = "cast(each.value ->> 0 as bigint)" if isinstance(cells[0].key, int) else "each.value ->> 0"
    unit.execute(
        f"""update {column.table} set {column.column} = each.value ->> 1{blind} from {unit.each("cells")}
             where {column.table}.{column.key_column} = {key}""",
        cells=json.dumps(cells),
    )


def _old(column: SealedColumn) -> str:
    conditions = [(column.column, "cells"), *([(column.index_column, "indexes")] if column.index_column else [])]
    return " or ".join(f"substr({name}, 1, length(:{kind})) <> :{kind}" for name, kind in conditions)


def _parameters(column: SealedColumn, current: Current) -> dict[str, object]:
    return current._asdict() if column.index_column else {"cells": current.cells}
