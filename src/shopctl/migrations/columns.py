"""The column kinds that migrations are written with; revisions stay as they are, so these must too."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from shopctl.storage.tables import NUMBER, TEXT


def text(name: str, *extra: Any, **options: Any) -> sa.Column[str]:
    """Text that sorts by its bytes on both databases; not null unless told."""
    return sa.Column(name, TEXT, *extra, **{"nullable": False, **options})


def number(name: str, *extra: Any, **options: Any) -> sa.Column[int]:
    """An integer of 64 bits; not null unless told."""
    return sa.Column(name, NUMBER, *extra, **{"nullable": False, "autoincrement": False, **options})


def own_number(name: str = "id") -> sa.Column[int]:
    """A key that numbers itself: the rowid on SQLite, an identity column on PostgreSQL."""
    return sa.Column(name, NUMBER, sa.Identity(), primary_key=True, autoincrement=True)


def key(*columns: str) -> sa.PrimaryKeyConstraint:
    """The primary key over these columns."""
    return sa.PrimaryKeyConstraint(*columns)
