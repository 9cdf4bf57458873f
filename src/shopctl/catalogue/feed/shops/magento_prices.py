"""Magento's price columns as prices of the shop's lists and periods, and the way back."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from shopctl.catalogue.feed import validate
from shopctl.catalogue.feed.numbers import NotANumber, number
from shopctl.catalogue.feed.row import DEFAULT_LIST
from shopctl.catalogue.feed.shops import magento_cells as texts
from shopctl.catalogue.feed.shops.cells import COMPARE_AT
from shopctl.catalogue.feed.shops.magento_columns import LISTS, OFFER
from shopctl.catalogue.feed.shops.shop import Cells, Terms
from shopctl.catalogue.feed.validate import Bad, Price
from shopctl.catalogue.model import Price as ProductPrice
from shopctl.catalogue.model import Product
from shopctl.kernel import money

PRICED = frozenset({"price", "special_price", *(column for column, _ in LISTS)})
EXACT = "_exact"
EVER_SINCE = 1_000_000  # an offer without a beginning: a price needs another than the regular one has


def prices(cells: Cells, terms: Terms) -> tuple[tuple[Price, ...], dict[str, Any]]:
    """The prices of a row, and what stays visible as attributes. Raises Bad.

    What a buyer pays is on the default list: the special price while there is one, else the regular one. A special
    price without dates makes the regular price one to compare with, one with dates is a price for that period. Magento
    takes a special price that is higher for none, and reads it as a percentage where a bundle has it.
    """
    found: list[Price] = []
    kept: dict[str, Any] = {}

    def read(column: str, price_list: str, start: int = 0, end: int | None = None) -> None:
        amount, code, exact = amount_of(cells[column].strip(), terms, column)
        found.append((code, amount, price_list, 1, start, end))
        if exact:
            kept[column + EXACT] = exact

    offered = cells.get("special_price", "").strip()
    if offered and not _is_offer(cells, terms):
        kept |= {name: cells[name] for name in OFFER if cells.get(name)}
        offered = ""
    start = texts.moment(cells.get(OFFER[1], ""), OFFER[1]) if offered else None
    end = texts.moment(cells.get(OFFER[2], ""), OFFER[2], last_day=True) if offered else None
    if end is not None and end <= (start or 0):
        raise Bad(OFFER[2], "price.period", "the special price ends before it begins")
    undated = bool(offered) and start is None and end is None
    if cells.get("price", "").strip():
        read("price", COMPARE_AT if undated else DEFAULT_LIST)
    if offered:
        read("special_price", DEFAULT_LIST, 0 if undated else start or EVER_SINCE, end)
    for column, price_list in LISTS:
        if cells.get(column, "").strip():
            read(column, price_list)
    return tuple(found), kept


def _is_offer(cells: Cells, terms: Terms) -> bool:
    if cells.get("product_type", "").strip().lower() == "bundle" or not cells.get("price", "").strip():
        return False
    special = amount_of(cells["special_price"].strip(), terms, "special_price")
    regular = amount_of(cells["price"].strip(), terms, "price")
    return special[1] == regular[1] and special[0] <= regular[0]


def amount_of(cell: str, terms: Terms, column: str) -> tuple[int, str, str]:
    """Minor units, currency, and the price as it stands where it has more decimals than the currency.

    Magento keeps four decimals, as net prices need them; what is paid has those of the currency, rounded half up.
    """
    places = money.EXPONENTS.get(terms.currency, 2)
    decimal = terms.decimal or "."
    try:
        plain, mark = number(cell, decimal, max(places, 1))
    except NotANumber:
        plain, mark = cell, ""
    whole, _, fraction = plain.partition(".")
    if mark or not (whole + fraction).isdecimal():
        return *validate.amount(cell, "", terms.currency, decimal, column), ""
    rounded = Decimal(plain).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return (
        validate.minor(str(rounded), terms.currency, column),
        terms.currency,
        plain if rounded != Decimal(plain) else "",
    )


def price_cells(product: Product, terms: Terms) -> Cells:
    """The prices of one piece in the shop's currency, as far as Magento's columns say them."""
    own = [each for each in product.prices if each.currency == terms.currency and each.min_quantity == 1]
    usual = next((each for each in own if each.list == DEFAULT_LIST and _is_lasting(each)), None)
    dated = [each for each in own if each.list == DEFAULT_LIST and each is not usual]
    compared = next((each for each in own if each.list == COMPARE_AT and _is_lasting(each)), None)
    cells: Cells = {}
    if usual is None:
        pass
    elif len(dated) == 1 and dated[0].valid_from and dated[0].amount <= usual.amount:
        offer = dated[0]
        cells = {"price": _shown(product, usual, "price"), "special_price": _shown(product, offer, "special_price")}
        cells[OFFER[1]] = texts.moment_text(offer.valid_from) if offer.valid_from != EVER_SINCE else ""
        cells[OFFER[2]] = texts.moment_text(offer.valid_until, last_day=True)
    elif compared is not None and compared.amount >= usual.amount:
        cells = {"price": _shown(product, compared, "price"), "special_price": _shown(product, usual, "special_price")}
    else:
        cells = {"price": _shown(product, usual, "price")}
    if "special_price" not in cells:
        kept = {name: product.attributes.get(name) for name in OFFER}
        cells |= {name: cell for name, cell in kept.items() if isinstance(cell, str)}
    for column, price_list in LISTS:
        for each in own:
            if each.list == price_list and _is_lasting(each):
                cells[column] = _shown(product, each, column)
    return cells


def _is_lasting(price: ProductPrice) -> bool:
    return not price.valid_from and price.valid_until is None


def _shown(product: Product, price: ProductPrice, column: str) -> str:
    """The amount, or the exact one it was rounded from."""
    shown = money.show(price.amount, price.currency)
    exact = product.attributes.get(column + EXACT)
    try:
        step = Decimal(1).scaleb(-money.EXPONENTS[price.currency])
        near = isinstance(exact, str) and Decimal(exact).quantize(step, ROUND_HALF_UP) == Decimal(shown)
    except InvalidOperation:
        near = False
    return str(exact) if near else shown
