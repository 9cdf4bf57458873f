"""Writes the bundled catalogue from the shelves beside this file to standard output.

    python examples/make_catalogue.py > src/shopctl/catalogue/bundled/catalogue.ndjson

The words stand in `shelves/*.toml`, this file multiplies them into products, variants, prices and stock. The same
shelves always give the same bytes; chance (stock alone) is drawn from a seed for each SKU, so a new product changes
no other line.
"""

from __future__ import annotations

import json
import random
import re
import sys
import tomllib
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from itertools import product as combinations
from pathlib import Path
from typing import Any

SHELVES = Path(__file__).resolve().parent / "shelves"
FILES = ("hosting", "domains", "software", "services", "hardware", "bundles")
SEED = 20261124

# What a US dollar is here, and the smallest step of a price: ten cents, or ten yen, which has no smaller unit.
CURRENCIES = {
    "USD": (Decimal(1), Decimal("0.01")),
    "EUR": (Decimal("0.92"), Decimal("0.10")),
    "JPY": (Decimal(150), Decimal(10)),
}
CAMPAIGN = ("2026-11-27T00:00:00Z", "2026-12-02T00:00:00Z")
NEW_YEAR = "2027-01-01T00:00:00Z"
HIGHLIGHTS = {"bestseller": "Highlights > Bestsellers", "gift": "Highlights > Gifts"}
INHERITED = (
    "kind", "brand", "category", "tax_class", "tags", "options", "factor", "surcharge", "lists", "tiers", "stock",
)  # fmt: skip

Shelf = dict[str, Any]
Record = dict[str, Any]


def records() -> Iterator[Record]:
    """Every product of the bundled catalogue in the generic fields, a parent before its variants."""
    for name in FILES:
        with (SHELVES / f"{name}.toml").open("rb") as file:
            content = tomllib.load(file)
        if "domains" in content:
            yield from domains(content["domains"])
        for shelf in content.get("shelf", ()):
            for entry in shelf["products"]:
                yield from family({key: shelf[key] for key in INHERITED if key in shelf}, entry)


def domains(shelf: Shelf) -> Iterator[Record]:
    """A registration for each ending, and a transfer for those that can be brought over."""
    for ending, usd, transfer, about in shelf["rows"]:
        common = {"about": about, "attributes": {"ending": ending, "years": 1}}
        entry = common | {"sku": f"DOM-{ending.upper()}", "name": f"Domain .{ending}", "usd": usd}
        yield from family({key: shelf[key] for key in INHERITED if key in shelf}, entry)
        if transfer:
            entry = {
                "sku": f"XFER-{ending.upper()}",
                "name": f"Transfer of a .{ending} domain",
                "usd": str(Decimal(usd) - 1),
                "about": f"Brings a .{ending} domain here from another registrar, with a year added to its term.",
                "category": shelf["transfer_category"],
                "attributes": {"ending": ending, "years": 1, "needs": ["authorisation code"]},
            }
            yield from family({key: shelf[key] for key in INHERITED if key in shelf}, entry)


def family(shelf: Shelf, entry: Shelf) -> Iterator[Record]:
    """A product alone, or a parent and its variants; the entry's own words go before its shelf's."""
    goods = shelf | entry | {"tags": shelf.get("tags", []) + entry.get("tags", [])}
    axes = goods.get("options", {})
    yield record(goods, sold=not axes)
    for values in combinations(*axes.values()) if axes else ():
        yield variant(goods, dict(zip(axes, values, strict=True)))


def record(goods: Shelf, *, sold: bool) -> Record:
    """A product with its description; what has variants is not sold itself, so it has neither price nor stock."""
    sku, name = goods["sku"], goods["name"]
    full = {
        "sku": sku,
        "kind": goods["kind"],
        "status": goods.get("status", "active"),
        "name": name,
        "description": goods["about"],
        "brand": goods["brand"],
        "category": goods["category"],
        "categories": [HIGHLIGHTS[tag] for tag in goods["tags"] if tag in HIGHLIGHTS],
        "tax_class": goods["tax_class"],
        "attributes": goods.get("attributes"),
        "tags": goods["tags"],
        "media": [image(sku, name)] if goods["kind"] in ("physical", "bundle") else None,
        "components": [{"sku": part, "quantity": count} for part, count in goods.get("components", {}).items()],
        "publish_at": goods.get("publish_at"),
        "retire_at": goods.get("retire_at"),
        "prices": prices(goods, Decimal(goods["usd"])) if sold else None,
        "stock": stock(goods, sku) if sold else None,
    }
    return given(full)


def variant(goods: Shelf, options: dict[str, str]) -> Record:
    """One combination of a parent's options; description and attributes are the parent's."""
    sku = "-".join([goods["sku"], *(code(value) for value in options.values())])
    name = ", ".join([goods["name"], *(spoken(axis, value) for axis, value in options.items())])
    usd = Decimal(goods["usd"])
    for axis, value in options.items():
        usd *= Decimal(goods.get("factor", {}).get(axis, {}).get(value, "1"))
    for axis, value in options.items():
        usd += Decimal(goods.get("surcharge", {}).get(axis, {}).get(value, "0"))
    full = {
        "sku": sku,
        "parent_sku": goods["sku"],
        "kind": goods["kind"],
        "status": goods.get("status", "active"),
        "name": name,
        "brand": goods["brand"],
        "category": goods["category"],
        "tax_class": goods["tax_class"],
        "options": options,
        "tags": goods["tags"],
        "media": [image(f"{goods['sku']}-{code(options['colour'])}", name)] if "colour" in options else None,
        "publish_at": goods.get("publish_at"),
        "retire_at": goods.get("retire_at"),
        "prices": prices(goods, usd),
        "stock": stock(goods, sku),
    }
    return given(full)


def prices(goods: Shelf, usd: Decimal) -> list[Record]:
    """All prices of a product: three currencies, its price lists and quantity tiers, campaigns and announced rises."""
    return [price for currency in CURRENCIES for price in prices_in(currency, goods, usd)]


def prices_in(currency: str, goods: Shelf, usd: Decimal) -> Iterator[Record]:
    """The prices of a product in one currency."""

    def price(factor: str = "1", **facts: object) -> Record:
        return {"currency": currency, "amount": amount(usd * Decimal(factor), currency), **facts}

    if rise := goods.get("rise"):
        yield price(valid_until=NEW_YEAR)
        yield price(rise, valid_from=NEW_YEAR)
    else:
        yield price()
    if campaign := goods.get("campaign"):
        start, end = CAMPAIGN
        yield price(campaign, valid_from=start, valid_until=end)
    for quantity, factor in goods.get("tiers", {}).items():
        yield price(factor, min_quantity=int(quantity))
    for name, factor in goods.get("lists", {}).items():
        yield price(factor, list=name)


def amount(usd: Decimal, currency: str) -> str:
    """A price in a currency as people there would write it on a label, in decimal digits."""
    rate, step = CURRENCIES[currency]
    units = (usd * rate / step).quantize(Decimal(1), ROUND_HALF_UP)
    # Nothing that costs something is given away because its price rounds to nothing.
    units = max(units, Decimal(1)) if usd else units
    return f"{units * step:f}" if currency == "JPY" else f"{units * step:.2f}"


def stock(goods: Shelf, sku: str) -> Record | None:
    """What lies in the two warehouses; one place in twelve has just sold out."""
    if goods["kind"] != "physical":
        return None
    draw = random.Random(f"{SEED}:{sku}").random
    return {place: 0 if draw() < 1 / 12 else 1 + int(draw() * goods["stock"]) for place in ("rotterdam", "osaka")}


def image(name: str, alt: str) -> Record:
    """A media link; example.com is reserved for such uses (RFC 2606)."""
    return {"url": f"https://media.example.com/{name.lower()}.jpg", "alt": alt}


def code(value: str) -> str:
    """The part of a SKU that an option's value becomes: `with tutor` is WITH-TUTOR."""
    return re.sub(r"[^A-Z0-9.]+", "-", value.upper())


def spoken(axis: str, value: str) -> str:
    """An option's value in a product's name."""
    return f"{value} year{'' if value == '1' else 's'}" if axis == "years" else value


def given(full: Record) -> Record:
    """A record without the fields that say nothing."""
    return {key: value for key, value in full.items() if value not in (None, "", [], {})}


def main() -> None:
    """Write the catalogue to standard output, one product a line."""
    for found in records():
        line = json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n"
        sys.stdout.buffer.write(line.encode())


if __name__ == "__main__":
    main()
