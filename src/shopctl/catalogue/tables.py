"""Where the catalogue is stored: products, prices, stock, reservations, feeds, imports and the change log.

Times are microseconds since the epoch (UTC), money is minor units, JSON is canonical text.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field

from shopctl.storage.tables import ShopTable

_WITHOUT_ROWID = {"sqlite_with_rowid": False}


def _number(
    primary_key: bool = False, nullable: bool = False, references: str | None = None, given: bool = False
) -> Column[int]:
    # SQLite gives a rowid alias only to a column of the exact type INTEGER.
    kind = BigInteger().with_variant(Integer(), "sqlite")
    keys = [ForeignKey(references)] if references else []
    numbered: Any = False if given else "auto"
    return Column(kind, *keys, primary_key=primary_key, nullable=nullable, autoincrement=numbered)


class Category(ShopTable, table=True):
    """A node of the category tree; its path `Home > Kitchen` is its name everywhere."""

    path: str = Field(primary_key=True)
    parent: str | None = Field(default=None, foreign_key="category.path")
    name: str


class Product(ShopTable, table=True):
    """A product or a variant (`parent_sku` names its parent)."""

    __table_args__ = (
        # A first import has the SKUs checked at its end, see `Unit.unique_later`.
        Index("uq_product_sku", "sku", unique=True).ddl_if(dialect="sqlite"),
        UniqueConstraint("sku", name="uq_product_sku", deferrable=True, initially="IMMEDIATE").ddl_if(
            dialect="postgresql"
        ),
        Index("ix_product_parent_sku", "parent_sku", sqlite_where=Column("parent_sku") != "",
              postgresql_where=Column("parent_sku") != ""),
        Index("ix_product_due_at", "due_at", sqlite_where=text("due_at is not null"),
              postgresql_where=text("due_at is not null")),
    )  # fmt: skip

    id: int = Field(sa_column=_number(primary_key=True))
    sku: str = Field(sa_column=Column(Text, nullable=False))
    parent_sku: str
    kind: str
    status: str
    name: str
    description: str
    brand: str
    category: str
    categories: str  # JSON: further paths
    tax_class: str
    options: str  # JSON object
    attributes: str  # JSON object
    tags: str  # JSON list
    media: str  # JSON list of {url, alt}
    components: str  # JSON list of {sku, quantity}, for bundles
    publish_at: int | None = Field(sa_column=_number(nullable=True))
    retire_at: int | None = Field(sa_column=_number(nullable=True))
    version: int
    created_at: int = Field(sa_column=_number())
    updated_at: int = Field(sa_column=_number())
    due_at: int | None = Field(sa_column=_number(nullable=True))  # its first moment that nobody has told, see `due`


class RemovedProduct(ShopTable, table=True):
    """A product that a rollback took out of the catalogue, as it was; its changes stay in the log under its number."""

    __tablename__ = "removed_product"
    __table_args__ = (Index("ix_removed_product_sku", "sku"),)

    id: int = Field(sa_column=_number(primary_key=True, given=True))  # it had it as a product
    sku: str
    version: int = Field(sa_column=_number())  # that of its removal
    created_at: int = Field(sa_column=_number())
    updated_at: int = Field(sa_column=_number())
    removed_at: int = Field(sa_column=_number())
    document: str  # JSON object of its fields, with `prices` and `stock` as lists


class Price(ShopTable, table=True):
    """What a product costs in a currency, on a price list, from a quantity on, within a period."""

    __table_args__ = (_WITHOUT_ROWID,)

    product_id: int = Field(sa_column=_number(primary_key=True, references="product.id"))
    currency: str = Field(primary_key=True)
    list: str = Field(primary_key=True)
    min_quantity: int = Field(sa_column=_number(primary_key=True))
    valid_from: int = Field(sa_column=_number(primary_key=True))  # 0: since ever
    amount: int = Field(sa_column=_number())
    valid_until: int | None = Field(sa_column=_number(nullable=True))


class Stock(ShopTable, table=True):
    """How many of a product lie at a location; what is available is this less the reservations that still hold."""

    __table_args__ = (_WITHOUT_ROWID,)

    product_id: int = Field(sa_column=_number(primary_key=True, references="product.id"))
    location: str = Field(primary_key=True)
    on_hand: int = Field(sa_column=_number())


class Reservation(ShopTable, table=True):
    """Stock promised to somebody until a moment; it holds while its state is `held` and the moment has not come."""

    __table_args__ = (
        Index("ix_reservation_product_id", "product_id"),
        Index("ix_reservation_product_id_location", "product_id", "location", sqlite_where=Column("state") == "held",
              postgresql_where=Column("state") == "held"),
    )  # fmt: skip

    id: str = Field(primary_key=True)
    product_id: int = Field(sa_column=_number(references="product.id"))
    location: str
    quantity: int = Field(sa_column=_number())
    holder: str
    state: str  # held | released | fulfilled | returned
    created_at: int = Field(sa_column=_number())
    expires_at: int = Field(sa_column=_number())


class StockMovement(ShopTable, table=True):
    """One change of stock on hand, with its cause; the first count of a new product is not a movement."""

    __tablename__ = "stock_movement"
    __table_args__ = (Index("ix_stock_movement_product_id", "product_id"),)

    id: int | None = Field(default=None, sa_column=_number(primary_key=True))
    product_id: int = Field(sa_column=_number(references="product.id"))
    location: str
    delta: int = Field(sa_column=_number())
    on_hand: int = Field(sa_column=_number())
    cause: str  # set | adjust | import | fulfilled | returned
    reference: str
    at: int = Field(sa_column=_number())


class Change(ShopTable, table=True):
    """One change of one product, in commit order on SQLite; `previous` holds what it replaced (none for a creation).

    On PostgreSQL numbers are given before they are committed, so readers stop below the oldest open `xid`.
    """

    __table_args__ = (
        Index("ix_change_product_id", "product_id"),
        Index("ix_change_xid", "xid").ddl_if(dialect="postgresql"),
    )

    id: int | None = Field(default=None, sa_column=_number(primary_key=True))
    product_id: int = Field(sa_column=_number())
    kind: str  # create | update | publish | retire | rollback | remove | publication_due | price_due
    at: int = Field(sa_column=_number())
    version: int
    import_id: str | None
    actor: str
    previous: str | None  # JSON object of the fields changed, with `prices` as a list
    xid: int | None = Field(sa_column=_number(nullable=True))


class Feed(ShopTable, table=True):
    """A source of products that is imported again and again."""

    id: int | None = Field(default=None, sa_column=_number(primary_key=True))
    name: str = Field(sa_column=Column(Text, nullable=False, unique=True))


class FeedRecord(ShopTable, table=True):
    """What a feed said last of a product: the hash of its raw record (none after a manual edit) and its stock."""

    __tablename__ = "feed_record"
    __table_args__ = (_WITHOUT_ROWID,)

    feed_id: int = Field(sa_column=_number(primary_key=True, references="feed.id"))
    product_id: int = Field(sa_column=_number(primary_key=True))  # no constraint, which would make removing slow
    hash: int | None = Field(sa_column=_number(nullable=True))
    line: int = Field(sa_column=_number())  # where it stood in the file that brought it
    stock: str  # JSON object of location: quantity


class Import(ShopTable, table=True):
    """One run of an import: its journal while it runs, its counts afterwards."""

    __tablename__ = "catalogue_import"

    id: str = Field(primary_key=True)
    feed_id: int = Field(sa_column=_number(references="feed.id"))
    source: str
    fingerprint: str
    state: str  # reading | settled | merging | done | refused | abandoned | rolling_back | rolled_back
    mode: str  # direct | staged
    change_from: int = Field(sa_column=_number())  # its change rows have greater numbers
    movement_from: int = Field(sa_column=_number())  # and so have its stock movements
    line: int = Field(sa_column=_number())  # everything up to this line is journaled
    merged: int = Field(sa_column=_number())  # everything staged up to this line is merged
    rows: int = Field(sa_column=_number())
    created: int = Field(sa_column=_number())
    updated: int = Field(sa_column=_number())
    unchanged: int = Field(sa_column=_number())
    retired: int = Field(sa_column=_number())
    rejected: int = Field(sa_column=_number())
    superseded: int = Field(sa_column=_number())
    actor: str
    reason: str
    started_at: int = Field(sa_column=_number())
    finished_at: int | None = Field(sa_column=_number(nullable=True))


class ImportRow(ShopTable, table=True):
    """A staged row of an import that differs from what the feed said before (marshalled feed row)."""

    __tablename__ = "import_row"
    __table_args__ = (Index("ix_import_row_import_id_sku", "import_id", "sku"), _WITHOUT_ROWID)

    import_id: str = Field(primary_key=True)
    line: int = Field(sa_column=_number(primary_key=True))
    sku: str = Field(primary_key=True)  # a line may say several products
    parent_sku: str
    row: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class ImportReject(ShopTable, table=True):
    """A row an import did not take, with the reason; a `superseded` one was replaced by a later row of its file."""

    __tablename__ = "import_reject"
    __table_args__ = (_WITHOUT_ROWID,)

    import_id: str = Field(primary_key=True)
    line: int = Field(sa_column=_number(primary_key=True))
    sku: str = Field(primary_key=True)
    field: str
    code: str
    message: str
    row: str  # JSON
