"""Imports the first rows of a feed the way an application with an ORM does: validate, build objects, `session.add`.

    python sqlmodel_add.py FILE DATABASE_URL ROWS

Prints the rows taken and the seconds they took, without the time to import the libraries and create the tables.
"""

from __future__ import annotations

import csv
import itertools
import json
import sys
import time
from decimal import Decimal

from sqlmodel import Field, Session, SQLModel, create_engine

BATCH = 1000


class Product(SQLModel, table=True):
    """A product."""

    id: int | None = Field(default=None, primary_key=True)
    sku: str = Field(unique=True)
    name: str
    description: str
    brand: str
    category: str
    weight: str


class Price(SQLModel, table=True):
    """Its price."""

    product_id: int = Field(primary_key=True, foreign_key="product.id")
    currency: str = Field(primary_key=True)
    amount: int


class Stock(SQLModel, table=True):
    """How many there are."""

    product_id: int = Field(primary_key=True, foreign_key="product.id")
    on_hand: int


class FeedRow(SQLModel):
    """What is validated, since a table class validates nothing."""

    sku: str = Field(min_length=1)
    name: str = Field(min_length=1)
    description: str
    brand: str
    category: str
    price: Decimal = Field(ge=0, decimal_places=2)
    currency: str = Field(min_length=3, max_length=3)
    stock: int = Field(ge=0)
    weight: str


def main(file: str, url: str, rows: int) -> None:
    """Import and say how long it took."""
    engine = create_engine(url)
    SQLModel.metadata.create_all(engine)
    began = time.perf_counter()
    taken = 0
    with open(file, encoding="utf-8", newline="") as stream, Session(engine) as session:
        reader = itertools.islice(csv.DictReader(stream), rows)
        while batch := list(itertools.islice(reader, BATCH)):
            taken += _add(session, batch)
            session.commit()
    print(json.dumps({"rows": taken, "seconds": time.perf_counter() - began}))


def _add(session: Session, batch: list[dict[str, str]]) -> int:
    good = []
    for raw in batch:
        try:
            row = FeedRow.model_validate(raw)
        except ValueError:
            continue
        product = Product(**row.model_dump(exclude={"price", "currency", "stock"}))
        session.add(product)
        good.append((row, product))
    session.flush()  # gives the ids, in one statement for all
    for row, product in good:
        session.add(Price(product_id=product.id, currency=row.currency, amount=int(row.price * 100)))
        session.add(Stock(product_id=product.id, on_hand=row.stock))
    return len(good)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
