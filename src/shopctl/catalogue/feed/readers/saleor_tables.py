"""The tables of a Saleor dump, on disk: what belongs together is found in bounded memory, whatever its order."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from shopctl.catalogue.feed.exact import Exact

Fields = dict[str, Any]

# What a row of a model belongs to, by the first of these columns that it has; "" is looked up by its own key only.
_BELONGS_TO: dict[str, tuple[str, ...]] = {
    "product": (), "category": (), "producttype": (), "collection": (), "attribute": (), "attributevalue": (),
    "channel": (), "warehouse": (), "taxclass": (), "productmedia": ("product",),
    "productvariant": ("product",), "productchannellisting": ("product",), "collectionproduct": ("product",),
    "assignedproductattribute": ("product",), "assignedproductattributevalue": ("product", "assignment"),
    "productvariantchannellisting": ("variant",), "variantmedia": ("variant",), "stock": ("product_variant",),
    "assignedvariantattribute": ("variant",), "assignedvariantattributevalue": ("assignment",),
}  # fmt: skip
_OLDER = {
    "productimage": "productmedia", "variantimage": "variantmedia", "productattribute": "attribute",
    "attributechoicevalue": "attributevalue",
}  # fmt: skip
_APPLICATIONS = frozenset({"product", "attribute", "channel", "warehouse", "tax"})
_BATCH = 500


class Tables:
    """Rows by model and primary key, and by the row of another model that they belong to; in the order of the dump."""

    def __init__(self) -> None:
        self.database = sqlite3.connect("", isolation_level=None)  # a temporary file of SQLite, gone when it is closed
        self.database.executescript(
            """pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -16384;
               create table entry (model text, key text, owner text, number integer primary key, fields text);"""
        )
        self.waiting: list[tuple[str, str, str, str]] = []
        self.one = lru_cache(maxsize=4096)(self._one)

    def add(self, model: str, key: Any, fields: Fields) -> None:
        """Take a row of the dump; one of another model is passed over."""
        application, _, name = model.rpartition(".")
        name = _OLDER.get(name, name)
        if application not in _APPLICATIONS or name not in _BELONGS_TO:
            return
        if name == "collection":  # in older dumps a collection lists its products
            for product in fields.get("products") or ():
                self.add("product.collectionproduct", None, {"product": product, "collection": key})
        owner = next((fields[column] for column in _BELONGS_TO[name] if fields.get(column) is not None), "")
        self.waiting.append((name, str(key), str(owner), json.dumps(fields, default=str)))
        if len(self.waiting) >= _BATCH:
            self._write()

    def _write(self) -> None:
        self.database.executemany("insert into entry (model, key, owner, fields) values (?, ?, ?, ?)", self.waiting)
        self.waiting.clear()

    def complete(self) -> None:
        """All rows are there: look-ups may begin."""
        self._write()
        self.database.executescript(
            "create index by_key on entry (model, key); create index by_owner on entry (model, owner, number);"
        )

    def every(self, model: str) -> Iterator[tuple[str, Fields]]:
        """(key, fields) of all rows of a model."""
        for key, fields in self.database.execute(
            "select key, fields from entry where model = ? order by number", (model,)
        ):
            yield key, _parsed(fields)

    def orphans(self, model: str, owner: str) -> Iterator[tuple[str, Fields]]:
        """(key, fields) of the rows of a model that belong to no row of the model `owner`."""
        for key, fields in self.database.execute(
            """select key, fields from entry e where model = ?
                and not exists (select 1 from entry o where o.model = ? and o.key = e.owner) order by number""",
            (model, owner),
        ):
            yield key, _parsed(fields)

    def of(self, model: str, owner: str) -> list[tuple[str, Fields]]:
        """(key, fields) of the rows of a model that belong to `owner`."""
        found = self.database.execute(
            "select key, fields from entry where model = ? and owner = ? order by number", (model, owner)
        )
        return [(key, _parsed(fields)) for key, fields in found]

    def _one(self, model: str, key: str) -> Fields:
        """The row of this key, which is not to be changed; no fields where there is none."""
        row = self.database.execute("select fields from entry where model = ? and key = ?", (model, key)).fetchone()
        return _parsed(row[0]) if row else {}


def _parsed(text: str) -> Fields:
    fields: Fields = json.loads(text, parse_float=Exact)
    return fields
