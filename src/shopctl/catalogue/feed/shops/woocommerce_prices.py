"""WooCommerce's regular price and sale price as prices of the shop's lists and periods, and the way back."""

from __future__ import annotations

import re

from shopctl.catalogue.feed import validate
from shopctl.catalogue.feed.row import DEFAULT_LIST
from shopctl.catalogue.feed.shops.cells import COMPARE_AT, plain, price
from shopctl.catalogue.feed.shops.shop import Cells, Terms
from shopctl.catalogue.feed.validate import Price
from shopctl.catalogue.model import Price as ProductPrice
from shopctl.catalogue.model import Product
from shopctl.kernel import clock, money

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_EVER_SINCE = _SECOND  # a sale without a beginning: a price needs another than the regular one has
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d{1,2}):(\d\d)(?::(\d\d))?")


def prices(row: Cells, terms: Terms) -> tuple[Price, ...]:
    """What a buyer pays is on the default list: the sale price while there is a sale, else the regular price.

    A sale without dates makes the regular price one to compare with; a sale with dates is a price for that period.
    """
    regular = price(row.get("regular_price", ""), terms)
    sale = price(row.get("sale_price", ""), terms)
    if not sale:
        return regular
    since, until = _instant(row.get("sale_from", "")), _instant(row.get("sale_until", ""), at_its_end=True)
    if since is None and until is None:
        return sale + price(row.get("regular_price", ""), terms, COMPARE_AT)
    if until is not None and until <= (since or 0):
        raise validate.Bad("prices", "price.period", "the sale ends before it begins")
    (code, amount, *_), *_ = sale
    return (*regular, (code, amount, DEFAULT_LIST, 1, _EVER_SINCE if since is None else since, until))


def _instant(cell: str, *, at_its_end: bool = False) -> int | None:
    """A date, or a time to the second, as WooCommerce writes it (UTC is taken); the last second belongs to the sale."""
    text = plain(cell)
    if match := _TIME.fullmatch(text):
        text = f"{match[1]}T{int(match[2]):02}:{match[3]}:{match[4] or '00'}Z"
    moment = validate.instant(text, "prices")
    if moment is None or not at_its_end:
        return moment
    return moment + (_DAY if len(text) == 10 else _SECOND)


def price_cells(product: Product, terms: Terms) -> Cells:
    """The prices of one piece in the shop's currency, as far as two cells and a period say them."""
    own = [each for each in product.prices if each.currency == terms.currency and each.min_quantity == 1]
    usual = [each for each in own if each.list == DEFAULT_LIST and not each.valid_from and each.valid_until is None]
    dated = [each for each in own if each.list == DEFAULT_LIST and each not in usual]
    compared = [each for each in own if each.key == (terms.currency, COMPARE_AT, 1, 0) and each.valid_until is None]
    if not usual:
        return {}
    cells = {"regular_price": _shown(usual[0])}
    if len(dated) == 1 and dated[0].valid_from and dated[0].amount < usual[0].amount:
        sale = dated[0]
        cells |= {"sale_price": _shown(sale), "sale_until": _time((sale.valid_until or 0) - _SECOND)}
        cells["sale_from"] = "" if sale.valid_from == _EVER_SINCE else _time(sale.valid_from)
    elif compared and compared[0].amount > usual[0].amount:
        cells = {"regular_price": _shown(compared[0]), "sale_price": _shown(usual[0])}
    return cells


def _shown(price: ProductPrice) -> str:
    return money.show(price.amount, price.currency)


def _time(moment: int) -> str:
    shown = clock.show(moment) if moment > 0 else None
    return shown[:19].replace("T", " ") if shown else ""
