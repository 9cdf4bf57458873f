"""What a rule of `db check` is."""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    """A check in SQL, which yields one text for each row that differs and may read `:now`; `slow` ones read all rows.

    A million rows against a million: PostgreSQL plans `not exists` as a join, but `not in` row by row.
    """

    check: str
    sql: str
    slow: bool = False
