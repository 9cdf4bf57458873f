"""What the files of several shops have in common: cells that say nothing, numbers kept from spreadsheets, addresses."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from shopctl.catalogue.feed import fields, validate
from shopctl.catalogue.feed.row import DEFAULT_LIST, DEFAULT_LOCATION
from shopctl.catalogue.feed.shops.shop import Cells, Terms
from shopctl.catalogue.feed.validate import Price
from shopctl.catalogue.model import Product
from shopctl.kernel import money

COMPARE_AT = "compare-at"
"""The list of prices that are shown struck through, as Shopify, WooCommerce and others have them."""

_APOSTROPHE = re.compile(r"'[0-9][0-9 .,-]*")
_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_FALSE = ("false", "no", "0", "n", "falsch", "faux", "falso")


def plain(cell: str) -> str:
    """A cell without the apostrophe that keeps a spreadsheet from reading a number, and without blanks around it."""
    cell = cell.strip()
    return cell[1:] if _APOSTROPHE.fullmatch(cell) else cell


def is_false(cell: str) -> bool:
    """Whether a cell says no; a blank one does not."""
    return cell.strip().casefold() in _FALSE


def own_or(cells: Cells, product: Cells, column: str) -> str:
    """What a variant's row says, or else its product's."""
    cell = cells.get(column, "")
    return cell if cell.strip() else product.get(column, "")


def price(cell: str, terms: Terms, price_list: str = DEFAULT_LIST) -> tuple[Price, ...]:
    """The price a cell says, none where it is blank. Raises validate.Bad."""
    return validate.single_price(plain(cell), "", terms.currency, terms.decimal, price_list)


def amount(product: Product, terms: Terms, price_list: str = DEFAULT_LIST) -> str:
    """The price of one piece that holds without a period, as a cell; blank where there is none in the currency."""
    for each in product.prices:
        if each.key == (terms.currency, price_list, 1, 0) and each.valid_until is None:
            return money.show(each.amount, each.currency)
    return ""


def stock_cell(product: Product) -> str:
    """What lies at the default location, where that is all; blank where stock is not kept, or kept elsewhere."""
    levels = {level.location: level.on_hand for level in product.stock}
    return str(levels[DEFAULT_LOCATION]) if list(levels) == [DEFAULT_LOCATION] else ""


def attribute(cell: str, key: str) -> Any:
    """The value of an attribute's cell: what a JSON object or list in it says, else its text."""
    return json.loads(fields.attribute_value(cell, key)) if cell[:1] in ("", "{", "[") else cell


def attribute_cell(value: Any) -> str:
    """An attribute as a cell: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def address(text: str) -> str:
    """What may stand in a web address (a handle, a slug): the text itself, if it can be, else a likeness of it.

    A digest keeps apart what would look alike.
    """
    if _ADDRESS.fullmatch(text):
        return text
    plain_text = re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")[:200]
    return f"{plain_text}-{blake2b(text.encode(), digest_size=4).hexdigest()}".lstrip("-")


def slug(title: str) -> str:
    """What shops make of a title without an address of its own: `Oak Table` is `oak-table`."""
    return re.sub(r"\W+", "-", title.casefold()).strip("-")


def digest(raws: Sequence[bytes]) -> bytes:
    """Stands for all rows of a product in the hashes of its records; nothing for a single row."""
    return blake2b(b"\n".join(raws), digest_size=16).digest() if len(raws) > 1 else b""
