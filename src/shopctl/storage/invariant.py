"""What must hold among rows of a database, said in SQL, and how a difference is mended."""

from __future__ import annotations

from typing import NamedTuple


class Invariant(NamedTuple):
    """A check that yields one text for each row that differs and may read `:now`, and its repair, with the word ID for
    what the text begins with; `slow` ones read all rows.
    """

    check: str
    sql: str
    repair: str
    slow: bool = False
