"""The products of a Saleor dump: each joined with its variants, listings, stock, media, attributes and collections.

They come to what the rows of Saleor's own export come to (`shops.saleor_reading`), so that one may follow the other:
products and variants without a SKU have the ids that Saleor's interfaces give them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import Any

from shopctl.catalogue.feed import validate
from shopctl.catalogue.feed.readers.saleor_tables import Fields, Tables
from shopctl.catalogue.feed.row import DEFAULT_LOCATION
from shopctl.catalogue.feed.shops.saleor_channels import Channels, as_usual, moment, price_lists, state
from shopctl.catalogue.feed.shops.saleor_reading import OF_A_SALE, OF_THE_VARIANT, compare_at
from shopctl.catalogue.feed.shops.saleor_texts import html

_SALE_FIELDS = {"cost_price": "cost_price_amount", "discounted_price": "discounted_price_amount",
                "preorder_quantity_threshold": "preorder_quantity_threshold"}  # fmt: skip
_Variants = Sequence[tuple[str, Fields]]


def global_id(kind: str, key: str) -> str:
    """The id Saleor's interfaces and exports give to a row: base64 of `Product:72`."""
    return base64.b64encode(f"{kind}:{key}".encode()).decode()


def records(tables: Tables) -> Iterator[Fields]:
    """Products and variants as records with generic names, the product before its variants."""
    for key, product in tables.every("product"):
        yield from _Product(tables, key, product).records()
    for key, variant in tables.orphans("productvariant", "product"):
        sku = str(variant.get("sku") or "").strip() or global_id("ProductVariant", key)
        # Nobody has such a parent: the import rejects it by name.
        parent = global_id("Product", str(variant.get("product")))
        yield {"sku": sku, "parent_sku": parent, "name": variant.get("name") or sku}


class _Product:
    """One product of the dump."""

    def __init__(self, tables: Tables, key: str, fields: Fields) -> None:
        self.tables = tables
        self.key = key
        self.id = global_id("Product", key)
        self.fields = fields
        self.type = tables.one("producttype", str(fields.get("product_type")))
        self.variants: _Variants = sorted(
            tables.of("productvariant", key), key=lambda row: row[1].get("sort_order") or 0
        )
        self.sales = {variant: self._sales(variant) for variant, _ in self.variants}
        listed = [(self._channel(row), row) for _, row in tables.of("productchannellisting", key)]
        sold = [(slug, str(row["currency"])) for slug, row in listed if row.get("currency")]
        sold += [(slug, sale["currency"]) for sales in self.sales.values() for slug, sale in sales.items()]
        self.lists = price_lists(sold)
        self.options = {variant: self._chosen("variant", variant) for variant, _ in self.variants}

    def records(self) -> Iterator[Fields]:
        """The product alone, where nothing is to be chosen; else with its variants."""
        shared = self._shared()
        if len(self.variants) < 2 and not any(map(_options, self.options.values())):
            yield self._single(shared)
            return
        skus = [self._sku(*variant) for variant in self.variants]
        parent = self.id if self.id not in skus else f"{self.id}-product"
        yield {**shared, "sku": parent, "attributes": self._attributes(), "media": self._media()}
        for sku, (key, variant) in zip(skus, self.variants, strict=True):
            attributes = self._own(key, variant, sku, weight="weight")
            options = _options(self.options[key])
            yield {
                **shared, "sku": sku, "parent_sku": parent, "options": options, "attributes": attributes,
                "media": self._media_of(key), **self._sold(key, variant),
            }  # fmt: skip

    def _single(self, shared: Fields) -> Fields:
        attributes = self._attributes()
        if not self.variants:
            return {**shared, "sku": self.id, "attributes": attributes, "media": self._media()}
        key, variant = self.variants[0]
        sku = self._sku(key, variant)
        attributes |= self._own(key, variant, sku, weight="variant_weight") | {"id": self.id}
        return {**shared, "sku": sku, "attributes": attributes, "media": self._media(), **self._sold(key, variant)}

    def _sku(self, key: str, variant: Fields) -> str:
        return str(variant.get("sku") or "").strip() or global_id("ProductVariant", key)

    def _shared(self) -> Fields:
        """What a product tells of its variants, too."""
        found = self.fields
        text = (
            html(found.get("description_json") or found.get("description")) or found.get("description_plaintext") or ""
        )
        tax_class = found.get("tax_class") or self.type.get("tax_class")
        shipped = self.type.get("is_shipping_required", True) and self.type.get("kind") != "gift_card"
        shared = {
            "name": found.get("name"),
            "description": text,
            "brand": ", ".join(self._chosen("product", self.key).get("brand", ())),
            "category": self._path(found.get("category")),
            "kind": "physical" if shipped else "digital",
            "tags": self._collections(),
            "tax_class": self.tables.one("taxclass", str(tax_class)).get("name", "") if tax_class else "",
        }
        if channels := self._channels():
            return shared | state(channels)
        if "is_published" in found:  # before Saleor had channels
            shared |= {"status": "active" if found["is_published"] else "draft", "publish_at": _date(found) or None}
        return shared

    def _path(self, key: Any) -> str:
        levels: list[str] = []
        seen: set[Any] = set()
        while key is not None and key not in seen:  # a dump may hold a circle
            seen.add(key)
            category = self.tables.one("category", str(key))
            levels.insert(0, str(category.get("name") or "").replace(">", "/"))
            key = category.get("parent")
        return " > ".join(level for level in levels if level)

    def _collections(self) -> list[str]:
        keys = [str(row["collection"]) for _, row in self.tables.of("collectionproduct", self.key)]
        found = [self.tables.one("collection", key) for key in keys]
        return sorted({str(row.get("slug") or row.get("name")) for row in found if row.get("slug") or row.get("name")})

    def _channels(self) -> Channels:
        found: Channels = {}
        for _, row in self.tables.of("productchannellisting", self.key):
            facts = {
                "currency": row.get("currency"),
                "published": bool(row.get("is_published")),
                "published_at": _date(row),
                "searchable": row.get("visible_in_listings"),
                "available_for_purchase_at": moment(
                    str(row.get("available_for_purchase_at") or row.get("available_for_purchase") or "")
                ),
            }
            slug = self._channel(row)
            found[slug] = {name: fact for name, fact in facts.items() if fact not in (None, "")}
        return found

    def _channel(self, row: Fields) -> str:
        key = str(row.get("channel"))
        return str(self.tables.one("channel", key).get("slug") or key)

    def _attributes(self) -> Fields:
        """The attributes of the product itself."""
        chosen = {slug: _value(values) for slug, values in self._chosen("product", self.key).items() if slug != "brand"}
        found = self.fields
        told = {
            "product_type": self.type.get("name"),
            "charge_taxes": None if found.get("charge_taxes") is None else str(found["charge_taxes"]),
            "weight": _weight(found),
            **{
                name: found.get(name)
                for name in ("slug", "seo_title", "seo_description", "metadata", "private_metadata")
            },
        }
        channels = self._channels()
        sales = (pair for sales in self.sales.values() for pair in sales.items())
        if channels != as_usual(state(channels), {(slug, sale["currency"]) for slug, sale in sales if sale["price"]}):
            told["channels"] = channels
        return chosen | {name: fact for name, fact in told.items() if fact}

    def _chosen(self, of: str, owner: str) -> dict[str, list[str]]:
        """The attributes of a product or variant, by slug, through whichever tables the dump's release has."""
        keys: list[str] = []
        pairs = self.tables.of(f"assigned{of}attributevalue", owner) if of == "product" else []
        keys += [str(row["value"]) for _, row in sorted(pairs, key=lambda pair: pair[1].get("sort_order") or 0)]
        for key, assigned in self.tables.of(f"assigned{of}attribute", owner):
            keys += map(str, assigned.get("values") or ())
            rows = self.tables.of(f"assigned{of}attributevalue", key)
            keys += [str(row["value"]) for _, row in sorted(rows, key=lambda pair: pair[1].get("sort_order") or 0)]
        row = self.fields if of == "product" else dict(self.variants).get(owner, {})
        keys += _hstore(row.get("attributes"))
        found: dict[str, list[str]] = {}
        for key in dict.fromkeys(keys):
            value = self.tables.one("attributevalue", key)
            attribute = self.tables.one("attribute", str(value.get("attribute")))
            slug, text = str(attribute.get("slug") or attribute.get("name") or ""), _text_of(attribute, value)
            if slug and text:
                found.setdefault(slug, []).append(text)
        return found

    def _own(self, key: str, variant: Fields, sku: str, *, weight: str) -> Fields:
        """The attributes of a variant alone."""
        options = _options(self.options[key])
        found: Fields = {slug: _value(texts) for slug, texts in self.options[key].items() if slug not in options}
        name = str(variant.get("name") or "").strip()
        told = {
            weight: _weight(variant),
            "variant_id": global_id("ProductVariant", key),
            "variant_name": name
            if name not in (*options.values(), " / ".join(options.values()), variant.get("sku"))
            else "",
            "track_inventory": "False" if variant.get("track_inventory") is False else "",
            "variant_metadata": variant.get("metadata"),
            **{name: str(variant[name]) for name in OF_THE_VARIANT.values() if variant.get(name)},
        }
        sales = {
            slug: {name: sale[name] for name in OF_A_SALE.values() if sale.get(name)}
            for slug, sale in self.sales[key].items()
        }
        told["sales"] = {slug: facts for slug, facts in sales.items() if facts}
        return found | {name: fact for name, fact in told.items() if fact and fact != sku}

    def _sales(self, variant: str) -> dict[str, dict[str, str]]:
        """What a variant costs, by channel."""
        found = {}
        for _, row in self.tables.of("productvariantchannellisting", variant):
            sale = {name: str(row[column]) for name, column in _SALE_FIELDS.items() if row.get(column) is not None}
            sale |= {"currency": str(row.get("currency") or ""), "price": _amount(row.get("price_amount"))}
            sale["prior price"] = _amount(row.get("prior_price_amount"))
            if sale.get("discounted_price") == sale["price"]:
                del sale["discounted_price"]
            found[self._channel(row)] = sale
        return found

    def _sold(self, key: str, variant: Fields) -> Fields:
        prices = []
        for slug, sale in self.sales[key].items():
            if sale["price"]:
                price_list = self.lists[slug, sale["currency"]]
                prices.append({"currency": sale["currency"], "amount": sale["price"], "list": price_list})
                if sale["prior price"]:
                    prices.append({**prices[-1], "amount": sale["prior price"], "list": compare_at(price_list)})
        if not self.sales[key] and (price := _former_price(variant) or _former_price(self.fields)):
            prices = [price]
        stock = {self._warehouse(row): row.get("quantity") for _, row in self.tables.of("stock", key)}
        if not stock and isinstance(variant.get("quantity"), int):
            stock = {DEFAULT_LOCATION: variant["quantity"]}
        return {"prices": prices} | ({"stock": stock} if stock else {})

    def _warehouse(self, row: Fields) -> str:
        key = str(row.get("warehouse"))
        return str(self.tables.one("warehouse", key).get("slug") or key)

    def _media(self) -> list[Fields]:
        rows = [row for _, row in self.tables.of("productmedia", self.key)]
        rows.sort(key=lambda row: row.get("sort_order") or 0)
        return [{"url": link, "alt": row.get("alt") or ""} for row in rows if (link := _link(row))]

    def _media_of(self, variant: str) -> list[Fields]:
        keys = [row.get("media") or row.get("image") for _, row in self.tables.of("variantmedia", variant)]
        rows = [self.tables.one("productmedia", str(key)) for key in keys]
        return [{"url": link, "alt": row.get("alt") or ""} for row in rows if (link := _link(row))]


def _options(chosen: dict[str, list[str]]) -> dict[str, str]:
    """The attributes that are short enough to be chosen by."""
    texts = {slug: ", ".join(values) for slug, values in chosen.items()}
    return {slug: text for slug, text in texts.items() if len(text) <= validate.WORD_LENGTH}


def _value(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values


def _text_of(attribute: Fields, value: Fields) -> str:
    """A value as Saleor's export shows it, by the kind of its attribute."""
    kind, name = attribute.get("input_type"), str(value.get("name") or value.get("slug") or "")
    if kind == "rich-text":
        return html(value.get("rich_text")) or name
    if kind == "boolean" and value.get("boolean") is not None:
        return str(value["boolean"])
    if kind == "numeric" and attribute.get("unit"):
        return f"{name} {attribute['unit']}"
    if kind in ("date", "date-time") and value.get("date_time"):
        return str(value["date_time"])[: 10 if kind == "date" else None]
    return str(value.get("file_url") or name) if kind in ("file", "swatch") else name


def _hstore(attributes: Any) -> list[str]:
    """The keys of values in `{"23": "72"}`, as Saleor had them before 2.9, also as JSON text."""
    if isinstance(attributes, str):
        try:
            attributes = validate.parse_json(attributes, "attributes")
        except validate.Bad:
            return []
    return [str(value) for value in attributes.values()] if isinstance(attributes, dict) else []


def _former_price(row: Fields) -> Fields | None:
    """The one price there was before Saleor had channels: a number beside a currency, or both in one object."""
    for name in ("price_override_amount", "price_override", "price_amount", "price"):
        value = row.get(name)
        price = value if isinstance(value, dict) else {"amount": value, "currency": row.get("currency")}
        if price.get("amount") is not None:
            return {"amount": _amount(price["amount"])} | (
                {"currency": price["currency"]} if price.get("currency") else {}
            )
    return None


def _amount(value: Any) -> str:
    return "" if value is None else str(value)


def _weight(row: Fields) -> str:
    """`1000.0:g` as Saleor shows it, `1000.0 g`; a weight of nothing is none."""
    text = str(row.get("weight") or "").replace(":", " ")
    return "" if text.startswith("0.0 ") else text


def _date(row: Fields) -> str:
    return moment(str(row.get("published_at") or row.get("publication_date") or ""))


def _link(row: Fields) -> str:
    return str(row.get("image") or row.get("external_url") or "")
