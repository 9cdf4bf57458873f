"""A line of a feed may say several products (a parent and its first variant): staged rows and rejects are kept by both.

What an import had staged before the upgrade stays, so that it can still be resumed.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from shopctl.migrations.columns import key, number, text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the SKU a part of the keys. The tables are made anew, for SQLite cannot change a key."""
    row = sa.Column("row", sa.LargeBinary, nullable=False)
    _rebuild("import_row", text("import_id"), number("line"), text("sku"), text("parent_sku"), row)
    op.create_index("ix_import_row_import_id_sku", "import_row", ["import_id", "sku"])
    rejects = [text(name) for name in ("sku", "field", "code", "message", "row")]
    _rebuild("import_reject", text("import_id"), number("line"), *rejects)


def _rebuild(table: str, *columns: sa.Column[Any]) -> None:
    names = ", ".join(column.name for column in columns)
    op.execute(f"create table {table}_before as select {names} from {table}")
    op.drop_table(table)
    op.create_table(table, *columns, key("import_id", "line", "sku"), sqlite_with_rowid=False)
    op.execute(f"insert into {table} ({names}) select {names} from {table}_before")
    op.drop_table(f"{table}_before")
