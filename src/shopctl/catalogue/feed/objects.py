"""From JSON objects to rows: NDJSON lines and elements of a JSON list, by generic names or those of columns.py."""

from __future__ import annotations

import json
from collections.abc import Mapping as MappingType
from typing import Any

from shopctl.catalogue.feed import fields, validate
from shopctl.catalogue.feed.columns import FIELDS as COLUMN_FIELDS
from shopctl.catalogue.feed.columns import Target, meaning, rank
from shopctl.catalogue.feed.exact import Exact
from shopctl.catalogue.feed.groups import generated_sku
from shopctl.catalogue.feed.mapping import Mapping
from shopctl.catalogue.feed.row import DEFAULT_LIST, DEFAULT_LOCATION, FIELDS, FeedRow, Reject
from shopctl.catalogue.feed.validate import Bad, Price, Remembered, Stock
from shopctl.records.source import Limits

RECORD_HEADER = ["record"]  # the one column of a JSON feed's rejects file: the record as JSON text


class Objects:
    """Reads JSON objects under one mapping."""

    def __init__(self, mapping: Mapping, limits: Limits, default_currency: str) -> None:
        self.mapping = mapping
        self.limits = limits
        self.default_currency = default_currency
        self.meaning = repr((mapping.columns, mapping.constants, mapping.attributes, mapping.decimal, default_currency))
        self.targets = Remembered(self._target, limit=10_000)

    def _target(self, key: str) -> Target:
        if key in self.mapping.columns:
            return self.mapping.columns[key]
        if key in self.mapping.attributes:
            return Target("attribute", self.mapping.attributes[key])
        if key in COLUMN_FIELDS:
            return Target(key, {"price": DEFAULT_LIST, "stock": DEFAULT_LOCATION}.get(key, ""))
        return meaning(key) or Target("attribute", key)

    def parse(self, text: str) -> dict[str, Any]:
        """One record. Raises Bad with json.invalid, json.depth, json.type or text.invalid."""
        if validate.depth_of(text) > self.limits.depth:
            raise Bad("", "json.depth", f"the record nests deeper than {self.limits.depth} levels")
        try:
            value = json.loads(text, parse_float=Exact, parse_constant=validate.no_constant)
        except (ValueError, RecursionError) as problem:
            raise Bad("", "json.invalid", f"the record is not valid JSON: {validate.json_problem(problem)}") from None
        if not isinstance(value, dict):
            raise Bad("", "json.type", f"the record is not an object but a {type(value).__name__}")
        if "\\u" in text or "\0" in text:
            validate.check_text(validate.canonical_json(value, "the record"), "the record")
        return value

    def identity(self, record: MappingType[str, Any]) -> bool:
        """Has it a key that tells the product?"""
        fields_given = {self.targets[key].field for key in record} | self.mapping.constants.keys()
        return bool(fields_given & {"sku", "variant_id", "handle"})

    def convert(
        self, line: int, number: int, record: MappingType[str, Any], attributes: MappingType[str, Any] | None = None
    ) -> FeedRow:
        """The row of one record; an absent key is not given, null clears the field. Raises Bad.

        `attributes` are further single attributes, whatever their names would mean as keys of the record.
        """
        given: dict[str, Any] = {}
        keys: dict[str, str] = {}
        extra = {
            validate.word(key, "attributes", validate.WORD_LENGTH): value for key, value in (attributes or {}).items()
        }
        prices: list[tuple[Target, Any]] = []
        stock: tuple[Stock, ...] | None = None
        for key, value in record.items():
            target = self.targets[key]
            field = target.field
            if field == "attribute":
                extra[validate.word(target.key, "attributes", validate.WORD_LENGTH)] = value
            elif field == "price":
                prices.append((target, value))
            elif field == "stock":
                stock = (stock or ()) + validate.stock_levels(value, target.key, self.mapping.decimal)
            elif field != "ignore":
                if field in given and rank(keys[field]) <= rank(key):
                    extra[key] = value
                    continue
                if field in given:
                    extra[keys[field]] = given[field]
                given[field], keys[field] = value, key
        for field, cell in self.mapping.constants.items():
            given.setdefault(field, cell)
        row: dict[str, Any] = {"line": line, "hash": number, "sku": self._sku(given, extra)}
        if "name" in given and not (_text(given["name"], "name", validate.NAME_LENGTH)).strip():
            validate.name_missing()
        for field, read in _READ.items():
            if field in given:
                row[field] = read(given[field])
        if len(row.get("description", "")) > self.limits.field_characters:
            validate.too_long("description", self.limits.field_characters, len(row["description"]))
        self._prices(given, prices, row)
        if stock is not None:
            row["stock"] = stock
        if extra or attributes is not None:
            row["extra"] = validate.canonical_json(extra, "attributes")
        return tuple(row.get(field, ...) for field in FIELDS)

    def _sku(self, given: dict[str, Any], extra: dict[str, Any]) -> str:
        """The SKU, else the source's variant id, else handle plus options; the last two stay visible as attributes."""
        variant_id, handle = given.get("variant_id"), given.get("handle")
        extra |= {key: value for key, value in (("variant_id", variant_id), ("handle", handle)) if value is not None}
        text = _text(given.get("sku"), "sku", 10_000).strip() or _text(variant_id, "variant_id", 10_000).strip()
        if not text and handle is not None:
            choices = given.get("options")
            values = [str(value) for _, value in sorted(choices.items())] if isinstance(choices, dict) else []
            text = generated_sku(_text(handle, "handle", validate.WORD_LENGTH).strip(), values)
        return validate.sku(text)

    def _prices(self, given: dict[str, Any], singles: list[tuple[Target, Any]], row: dict[str, Any]) -> None:
        code = validate.currency(_text(given.get("currency"), "currency", 100), "")
        if isinstance(given.get("prices"), tuple):  # read already, by the module of a shop
            row["prices"], row["prices_whole"] = given["prices"], True
            return
        if "prices" in given:
            row["prices"], row["prices_whole"] = fields.prices(given["prices"], code or self.default_currency), True
            return
        if not singles:
            return
        prices: tuple[Price, ...] = ()
        for target, value in singles:
            text = _text(value, "price", 100)
            # JSON has one way to write numbers, a text may have any.
            decimal = self.mapping.decimal if isinstance(value, str) else "."
            prices += validate.single_price(text, target.currency or code, self.default_currency, decimal, target.key)
        row["prices"], row["prices_whole"] = prices, False

    def reject(self, line: int, raw: bytes, bad: Bad) -> Reject:
        """The record as a Reject, with its SKU as far as it can be read."""
        text = raw.decode("utf-8", "replace")
        sku = ""
        try:
            record = json.loads(text)
            sku = next((str(value) for key, value in record.items() if self.targets[key].field == "sku"), "")
        except (ValueError, AttributeError, RecursionError):
            pass  # what cannot be parsed has no SKU to show
        return Reject(line, sku[:255], bad.field, bad.code, bad.message, [text])


def _text(value: Any, field: str, limit: int) -> str:
    if value is None:
        return ""
    text = fields.scalar(value, field)
    if len(text) > limit:
        validate.too_long(field, limit, len(text))
    return text


def _list_or_cell(value: Any, of_list: Any, of_cell: Any) -> str:
    return str(of_cell(value) if isinstance(value, str) else of_list(value))


_READ: dict[str, Any] = {
    "parent_sku": lambda value: validate.parent_sku(_text(value, "parent_sku", 10_000)),
    "kind": lambda value: validate.kind(_text(value, "kind", 100)),
    "status": lambda value: validate.status(_text(value, "status", 100)),
    "name": lambda value: _text(value, "name", validate.NAME_LENGTH),
    "description": lambda value: _text(value, "description", 1 << 30),
    "brand": lambda value: validate.label(_text(value, "brand", 10_000), "brand"),
    "category": lambda value: validate.category(_text(value, "category", validate.CATEGORY_LENGTH)),
    "categories": lambda value: _list_or_cell(value, fields.categories, fields.categories_cell),
    "tax_class": lambda value: validate.label(_text(value, "tax_class", 10_000), "tax_class"),
    "options": lambda value: _list_or_cell(value, fields.options, fields.options_cell),
    "attributes": lambda value: _list_or_cell(value, fields.attributes, fields.attributes_cell),
    "tags": lambda value: _list_or_cell(value, fields.tags, fields.tags_cell),
    "media": lambda value: _list_or_cell(value, fields.media, fields.media_cell),
    "components": lambda value: _list_or_cell(value, fields.components, fields.components_cell),
    "publish_at": lambda value: validate.instant(_text(value, "publish_at", 100), "publish_at"),
    "retire_at": lambda value: validate.instant(_text(value, "retire_at", 100), "retire_at"),
}
