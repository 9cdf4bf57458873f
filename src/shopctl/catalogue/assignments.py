"""FIELD=VALUE: which fields of a product a person may set, read by the same rules as a feed's cells."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Any, NamedTuple

from shopctl.catalogue.errors import AssignedTwice, BadAssignment, InvalidField, UnknownField
from shopctl.catalogue.feed import fields, validate
from shopctl.catalogue.feed.validate import Bad
from shopctl.catalogue.model import DEFAULT_LIST, Price, Product, sorted_prices
from shopctl.kernel import clock
from shopctl.kernel.clock import Instant


class Terms(NamedTuple):
    """What values are read with: the currency of a price that names none, and the moment that `now` means."""

    currency: str
    now: Instant


Set = Callable[[Product, str, str, Terms], Product]
"""(product, what follows the field's first dot, value, terms) -> product. Raises Bad."""

_PRICE_FIELD = re.compile(r"(?P<currency>[^.]*)(?:\.(?P<list>.*?)(?:\.(?P<quantity>[0-9]+))?)?", re.DOTALL)

# Fields people look for here and find elsewhere.
_ELSEWHERE = {
    "stock": "Stock is counted with: shopctl stock set SKU N",
    "on_hand": "Stock is counted with: shopctl stock set SKU N",
    "status": "Use: shopctl catalogue publish SKU, or shopctl catalogue retire SKU",
    "sku": "A SKU stays what it is. Import the product under its new one and retire the old.",
}


def assigned(product: Product, assignments: Sequence[str], terms: Terms) -> Product:
    """The product with these fields set, one after another; an empty value takes a field away.

    Raises BadAssignment, UnknownField, AssignedTwice (exit 2), and InvalidField (exit 12) with the code a feed's reject
    would have.
    """
    seen: set[str] = set()
    for text in assignments:
        field, separator, value = text.partition("=")
        if not separator or not field.strip():
            raise BadAssignment(text=text)
        field = field.strip()
        if field in seen:
            raise AssignedTwice(field=field)
        seen.add(field)
        name, _, key = field.partition(".")
        setter = _SETTERS.get(name)
        if setter is None or (key and name not in _KEYED):
            raise UnknownField(field=field, remedy=_remedy(field))
        try:
            check_storable(field)
            check_storable(value, field)
            product = setter(product, key, value, terms)
        except Bad as problem:
            raise InvalidField(
                sku=product.sku, field=problem.field, reason_code=problem.code, reason=problem.message
            ) from None
    return product


def check_storable(text: str, field: str = "field") -> None:
    """Raise Bad for what no database keeps; JSON is looked through once more where it is parsed, for its escapes."""
    if "\0" in text:
        raise Bad(field, "text.invalid", f"{field} holds a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Bad(field, "text.invalid", f"{field} holds bytes that are not UTF-8, or half a surrogate pair") from None


def _name(product: Product, key: str, value: str, terms: Terms) -> Product:
    if not value.strip():
        validate.name_missing()
    return product._replace(name=_short(value, "name", validate.NAME_LENGTH))


def _description(product: Product, key: str, value: str, terms: Terms) -> Product:
    return product._replace(description=_short(value, "description", 1 << 20))


def _read(
    product: Product,
    key: str,
    value: str,
    terms: Terms,
    *,
    field: str,
    read: Callable[[str], str],
    is_json: bool = False,
) -> Product:
    found = read(value)
    return _with(product, field, json.loads(found) if is_json else found)


def _options(product: Product, key: str, value: str, terms: Terms) -> Product:
    if not key:
        return product._replace(options=json.loads(fields.options_cell(value)))
    if not value:
        return product._replace(options=_without(product.options, key))
    return product._replace(options=json.loads(fields.options({**product.options, key: value})))


def _attributes(product: Product, key: str, value: str, terms: Terms) -> Product:
    if not key:
        return product._replace(attributes=json.loads(fields.attributes_cell(value)))
    if not value:
        return product._replace(attributes=_without(product.attributes, key))
    given = json.loads(fields.attribute_value(value, key))
    return product._replace(attributes=json.loads(fields.attributes({**product.attributes, key: given})))


def _prices(product: Product, key: str, value: str, terms: Terms) -> Product:
    prices = fields.prices_cell(value, "", "", terms.currency, ".")
    return product._replace(prices=sorted_prices(map(Price._make, prices)))


def _price(product: Product, key: str, value: str, terms: Terms) -> Product:
    match = _PRICE_FIELD.fullmatch(key)
    assert match is not None
    given = validate.currency(match["currency"], "")
    price_list = validate.word(match["list"] or DEFAULT_LIST, "price", validate.WORD_LENGTH)
    least = validate.quantity(match["quantity"] or "1", field="price")
    if least < 1:
        raise Bad("price", "price.min_quantity", "a quantity tier begins with one piece or more")
    sold_in = {price.currency for price in product.prices}
    usual = sold_in.pop() if len(sold_in) == 1 else terms.currency  # a product sold in euros alone is repriced in euros
    if value.strip():
        amount, currency = validate.amount(value, given, usual, ".")
        new = [Price(currency, amount, price_list, least)]
    else:
        currency, new = given or usual, []
    kept = [price for price in product.prices if price.key != (currency, price_list, least, 0)]
    return product._replace(prices=sorted_prices([*kept, *new]))


def _instant(product: Product, key: str, value: str, terms: Terms, *, field: str) -> Product:
    try:
        moment = clock.parse(value, terms.now) if value.strip() else None
    except clock.NotATime:
        moment = validate.instant(value, field)  # refuses it in the words of a feed
    return _with(product, field, moment)


def _with(product: Product, field: str, value: Any) -> Product:
    values: dict[str, Any] = {field: value}
    return product._replace(**values)


def _short(value: str, field: str, limit: int) -> str:
    if len(value) > limit:
        validate.too_long(field, limit, len(value))
    return value


def _without(values: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != key}


def _remedy(field: str) -> str:
    name = field.partition(".")[0]
    if name in _ELSEWHERE:
        return _ELSEWHERE[name]
    near = get_close_matches(name.casefold(), _SETTERS, 1)
    suggestion = f"Did you mean: {near[0]}{field[len(name) :] if near[0] in _KEYED else ''}? " if near else ""
    return f"{suggestion}There are {', '.join(_SETTERS)}, and attributes.KEY for all else."


_SETTERS: dict[str, Set] = {
    "name": _name,
    "description": _description,
    "kind": partial(_read, field="kind", read=validate.kind),
    "parent_sku": partial(_read, field="parent_sku", read=validate.parent_sku),
    "brand": partial(_read, field="brand", read=partial(validate.label, field="brand")),
    "category": partial(_read, field="category", read=validate.category),
    "categories": partial(_read, field="categories", read=fields.categories_cell, is_json=True),
    "tax_class": partial(_read, field="tax_class", read=partial(validate.label, field="tax_class")),
    "options": _options,
    "attributes": _attributes,
    "tags": partial(_read, field="tags", read=fields.tags_cell, is_json=True),
    "media": partial(_read, field="media", read=fields.media_cell, is_json=True),
    "components": partial(_read, field="components", read=fields.components_cell, is_json=True),
    "price": _price,
    "prices": _prices,
    "publish_at": partial(_instant, field="publish_at"),
    "retire_at": partial(_instant, field="retire_at"),
}
_KEYED = {"options", "attributes", "price"}

SETTABLE = tuple(_SETTERS)
"""The names of the fields that can be set."""
