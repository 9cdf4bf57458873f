"""Reads a Saleor dump (Django's dumpdata JSON): joins variants with products, listings, stock and categories."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from shopctl.catalogue.feed.errors import BadJson, Bomb
from shopctl.catalogue.feed.exact import Exact
from shopctl.catalogue.feed.readers.json import JsonFeed
from shopctl.catalogue.feed.records import Record
from shopctl.catalogue.feed.row import canonical
from shopctl.catalogue.feed.source import Stream

_MODELS = frozenset(
    """product.category product.producttype product.product product.productchannellisting product.productvariant
    product.productvariantchannellisting product.productmedia attribute.attribute attribute.attributevalue
    attribute.assignedproductattributevalue attribute.assignedvariantattribute
    attribute.assignedvariantattributevalue channel.channel warehouse.warehouse warehouse.stock""".split()
)
_MOST_BYTES = 64 << 20  # what is joined is held in memory
_LONGEST_PATH = 20

Fields = dict[str, Any]


def looks_like_saleor(start: bytes) -> bool:
    """Do the first bytes of a JSON list look like a dump?"""
    return all(key in start[:4096] for key in (b'"model"', b'"pk"', b'"fields"'))


class SaleorFeed(JsonFeed):
    """One record a variant; the numbers count them in the order of the dump."""

    format = "saleor"

    def cut(self, stream: Stream) -> Iterator[Record]:
        tables: dict[str, dict[Any, Fields]] = defaultdict(dict)
        size = 0
        for number, raw in super().cut(stream):
            try:
                row = json.loads(raw, parse_float=Exact)
                model, key, fields = row["model"], row["pk"], row["fields"]
                if model in _MODELS:
                    tables[model][key] = dict(fields)
                    size += len(raw)
            except (ValueError, KeyError, TypeError, RecursionError):
                raise BadJson(file=self.source.name, detail=f"element {number} is not a row of a dump") from None
            if size > _MOST_BYTES:
                raise Bomb(file=self.source.name, detail=f"its products take more than {_MOST_BYTES} bytes")
        try:
            records = list(_Join(tables).records())
        except (KeyError, TypeError, AttributeError) as problem:
            raise BadJson(file=self.source.name, detail=f"the dump lacks {problem}") from None
        for number, record in enumerate(records, start=1):
            yield number, canonical(record).encode()


class _Join:
    """The tables of a dump, by model and primary key."""

    def __init__(self, tables: dict[str, dict[Any, Fields]]) -> None:
        self.tables = tables
        self.values = {
            key: (tables["attribute.attribute"][value["attribute"]], value["name"])
            for key, value in tables["attribute.attributevalue"].items()
        }
        assigned = {key: row["variant"] for key, row in tables["attribute.assignedvariantattribute"].items()}
        self.of_product = self._by("attribute.assignedproductattributevalue", "product")
        self.of_variant: dict[Any, list[Fields]] = defaultdict(list)
        for row in tables["attribute.assignedvariantattributevalue"].values():
            self.of_variant[assigned[row["assignment"]]].append(row)
        self.listings = self._by("product.productchannellisting", "product")
        self.prices = self._by("product.productvariantchannellisting", "variant")
        self.stock = self._by("warehouse.stock", "product_variant")
        self.media = self._by("product.productmedia", "product")

    def _by(self, model: str, column: str) -> dict[Any, list[Fields]]:
        grouped: dict[Any, list[Fields]] = defaultdict(list)
        for row in self.tables[model].values():
            grouped[row[column]].append(row)
        return grouped

    def records(self) -> Iterator[Fields]:
        for key, variant in self.tables["product.productvariant"].items():
            product = self.tables["product.product"][variant["product"]]
            record = {
                "sku": variant["sku"] or f"saleor-{key}",
                "name": product["name"],
                "description": product.get("description_plaintext") or "",
                "category": self._path(product["category"]),
                "status": "active"
                if any(row["is_published"] for row in self.listings[variant["product"]])
                else "draft",
                "options": {attribute["name"]: value for attribute, value in self._chosen(self.of_variant[key])},
                "attributes": self._attributes(variant, product),
                "prices": list(self._prices(key)),
                "stock": {self._warehouse(row): row["quantity"] for row in self.stock[key]},
                "media": [
                    {"url": row["image"] or row["external_url"], "alt": row["alt"]}
                    for row in sorted(self.media[variant["product"]], key=lambda row: row["sort_order"] or 0)
                    if row["image"] or row["external_url"]
                ],
            }
            yield record

    def _path(self, key: Any) -> str:
        levels: list[str] = []
        while key is not None and len(levels) < _LONGEST_PATH:  # a dump may hold a circle
            category = self.tables["product.category"][key]
            levels.insert(0, category["name"].replace(">", "/"))
            key = category["parent"]
        return " > ".join(levels)

    def _chosen(self, rows: list[Fields]) -> list[tuple[Fields, str]]:
        return [self.values[row["value"]] for row in rows]

    def _attributes(self, variant: Fields, product: Fields) -> Fields:
        kind = self.tables["product.producttype"].get(product["product_type"], {})
        found: dict[str, list[str]] = defaultdict(list)
        for attribute, value in self._chosen(self.of_product[variant["product"]]):
            found[attribute["slug"]].append(value)
        named: Fields = {slug: values[0] if len(values) == 1 else values for slug, values in found.items()}
        known = {"handle": product["slug"], "product_type": kind.get("name"), "variant": variant["name"]}
        return named | {name: value for name, value in known.items() if value}

    def _prices(self, variant: Any) -> Iterator[Fields]:
        """The first channel of a currency gives the default list, each further one a list of its own."""
        taken: set[str] = set()
        for row in sorted(self.prices[variant], key=lambda row: row["channel"]):
            if row["price_amount"] is not None:
                price = {"currency": row["currency"], "amount": row["price_amount"]}
                if row["currency"] in taken:
                    price["list"] = self.tables["channel.channel"][row["channel"]]["slug"]
                taken.add(row["currency"])
                yield price

    def _warehouse(self, row: Fields) -> str:
        return str(self.tables["warehouse.warehouse"][row["warehouse"]]["slug"])
