"""The shop database begins: its audit trail, products, prices, stock, feeds, imports and the change log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shopctl.migrations.both_0001 import create_leases_and_audit
from shopctl.migrations.columns import key, number, own_number, text

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    create_leases_and_audit()
    _products()
    _stock()
    _changes()
    _imports()


def _products() -> None:
    op.create_table(
        "category",
        text("path"),
        text("parent", sa.ForeignKey("category.path"), nullable=True),
        text("name"),
        key("path"),
    )
    op.create_table(
        "product",
        own_number(),
        text("sku"),
        text("parent_sku"),
        text("kind"),
        text("status"),
        text("name"),
        text("description"),
        text("brand"),
        text("category"),
        text("categories"),
        text("tax_class"),
        text("options"),
        text("attributes"),
        text("tags"),
        text("media"),
        text("components"),
        number("publish_at", nullable=True),
        number("retire_at", nullable=True),
        number("version"),
        number("created_at"),
        number("updated_at"),
    )
    # A first import adds SKUs in no order and has them checked at its end: by a late index, or a deferred constraint.
    if op.get_context().dialect.name == "postgresql":
        op.create_unique_constraint("uq_product_sku", "product", ["sku"], deferrable=True, initially="IMMEDIATE")
    else:
        op.create_index("uq_product_sku", "product", ["sku"], unique=True)
    _partial_index("ix_product_parent_sku", "product", ["parent_sku"], "parent_sku != ''")
    op.create_table(
        "price",
        number("product_id", sa.ForeignKey("product.id")),
        text("currency"),
        text("list"),
        number("min_quantity"),
        number("valid_from"),
        number("amount"),
        number("valid_until", nullable=True),
        key("product_id", "currency", "list", "min_quantity", "valid_from"),
        sqlite_with_rowid=False,
    )


def _stock() -> None:
    op.create_table(
        "stock",
        number("product_id", sa.ForeignKey("product.id")),
        text("location"),
        number("on_hand"),
        key("product_id", "location"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "reservation",
        text("id"),
        number("product_id", sa.ForeignKey("product.id")),
        text("location"),
        number("quantity"),
        text("holder"),
        text("state"),
        number("created_at"),
        number("expires_at"),
        key("id"),
    )
    _partial_index("ix_reservation_product_id_location", "reservation", ["product_id", "location"], "state = 'held'")
    op.create_table(
        "stock_movement",
        own_number(),
        number("product_id", sa.ForeignKey("product.id")),
        text("location"),
        number("delta"),
        number("on_hand"),
        text("cause"),
        text("reference"),
        number("at"),
    )
    op.create_index("ix_stock_movement_product_id", "stock_movement", ["product_id"])


def _changes() -> None:
    op.create_table(
        "change",
        own_number(),
        number("product_id"),
        text("kind"),
        number("at"),
        number("version"),
        text("import_id", nullable=True),
        text("actor"),
        text("previous", nullable=True),
        number("xid", nullable=True),
    )
    op.create_index("ix_change_product_id", "change", ["product_id"])
    if op.get_context().dialect.name == "postgresql":
        op.create_index("ix_change_xid", "change", ["xid"])  # readers look for those below the oldest open one
        op.execute("alter table change alter column xid set default (pg_current_xact_id()::text)::bigint")


def _imports() -> None:
    op.create_table("feed", own_number(), text("name", unique=True))
    op.create_table(
        "feed_record",
        number("feed_id", sa.ForeignKey("feed.id")),
        number("product_id", sa.ForeignKey("product.id")),
        number("hash", nullable=True),
        number("line"),
        text("stock"),
        key("feed_id", "product_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "catalogue_import",
        text("id"),
        number("feed_id", sa.ForeignKey("feed.id")),
        text("source"),
        text("fingerprint"),
        text("state"),
        text("mode"),
        number("change_from"),
        number("movement_from"),
        number("line"),
        number("merged"),
        number("rows"),
        number("created"),
        number("updated"),
        number("unchanged"),
        number("retired"),
        number("rejected"),
        number("superseded"),
        text("actor"),
        text("reason"),
        number("started_at"),
        number("finished_at", nullable=True),
        key("id"),
    )
    op.create_table(
        "import_row",
        text("import_id"),
        number("line"),
        text("sku"),
        text("parent_sku"),
        sa.Column("row", sa.LargeBinary, nullable=False),
        key("import_id", "line"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_import_row_import_id_sku", "import_row", ["import_id", "sku"])
    op.create_table(
        "import_reject",
        text("import_id"),
        number("line"),
        text("sku"),
        text("field"),
        text("code"),
        text("message"),
        text("row"),
        key("import_id", "line"),
        sqlite_with_rowid=False,
    )


def _partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
