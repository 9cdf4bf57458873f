"""Turns structured values (from JSON, or from a cell) into fields: lists, objects, prices, media, components."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from shopctl.catalogue.feed import validate
from shopctl.catalogue.feed.row import DEFAULT_LIST
from shopctl.catalogue.feed.validate import Bad, Price, canonical_json, parse_json, word

_SPLIT_LINKS = re.compile(r"\s*[|\n]\s*|\s*[,;]\s*(?=[a-z]+://)")
_SPLIT_TAGS = re.compile(r"\s*[,;|]\s*")


def _list(value: Any, field: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Bad(field, "field.type", f"{field} holds {type(value).__name__}, a list was expected")
    return value


def _object(value: Any, field: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Bad(field, "field.type", f"{field} holds {type(value).__name__}, an object was expected")
    for key in value:
        word(key, field, validate.WORD_LENGTH)
    return value


def attributes(value: Any, field: str = "attributes") -> str:
    return canonical_json(_object(value, field), field)


def options(value: Any) -> str:
    """Canonical JSON of {"Size": "Large"}; numbers become their text."""
    pairs = _object(value, "options")
    return canonical_json(
        {key: word(scalar(choice, "options"), "options", validate.WORD_LENGTH) for key, choice in pairs.items()},
        "options",
    )


def scalar(value: Any, field: str) -> str:
    """The text of a text, number or truth value. Raises Bad for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)) or value is None:
        raise Bad(field, "field.type", f"{field} holds {type(value).__name__}, text was expected")
    return str(value)


def tags(value: Any) -> str:
    """Each tag once, in the order given."""
    seen = dict.fromkeys(
        word(scalar(tag, "tags"), "tags", validate.WORD_LENGTH).strip() for tag in _list(value, "tags")
    )
    return canonical_json(list(seen), "tags")


def categories(value: Any) -> str:
    """Each path once, in the order given."""
    paths = (
        validate.category(word(path, "categories", validate.CATEGORY_LENGTH), "categories")
        for path in _list(value, "categories")
    )
    return canonical_json(list(dict.fromkeys(path for path in paths if path)), "categories")


def media(value: Any) -> str:
    """Links, each a text or {"url", "alt", "kind"}."""
    out = []
    for item in _list(value, "media"):
        link = {"url": item} if isinstance(item, str) else dict(_object(item, "media"))
        link["url"] = word(link.get("url"), "media", 4000).strip()
        link["alt"] = scalar(link.get("alt") or "", "media")
        if unknown := link.keys() - {"url", "alt", "kind"}:
            raise Bad("media", "field.unknown", f"media has no {sorted(unknown)[0]!r}; it has url, alt and kind")
        if not link.get("kind", True):
            del link["kind"]
        out.append(link)
    return canonical_json(out, "media")


def components(value: Any) -> str:
    """What a bundle holds: [{"sku", "quantity"}]."""
    out = []
    for item in _list(value, "components"):
        part = _object(item, "components")
        if part.keys() - {"sku", "quantity"} or "sku" not in part:
            raise Bad("components", "field.unknown", "a component has a sku and a quantity")
        count = part.get("quantity", 1)
        if isinstance(count, bool) or not isinstance(count, int) or not 0 < count <= validate.LARGEST_QUANTITY:
            raise Bad(
                "components", "components.quantity", f"the quantity {str(count)[:20]!r} is not a positive whole number"
            )
        out.append({"quantity": count, "sku": validate.sku(scalar(part["sku"], "components"), "components")})
    return canonical_json(out, "components")


def prices(value: Any, default_currency: str) -> tuple[Price, ...]:
    """[{"currency","amount","list","min_quantity","valid_from","valid_until"}]; two of the same key contradict."""
    out: dict[tuple[str, str, int, int], Price] = {}
    for item in _list(value, "prices"):
        price = _object(item, "prices")
        if unknown := price.keys() - {"currency", "amount", "list", "min_quantity", "valid_from", "valid_until"}:
            raise Bad("prices", "field.unknown", f"a price has no {sorted(unknown)[0]!r}")
        code = validate.currency(scalar(price.get("currency") or "", "prices"), default_currency)
        if price.get("amount") is None:
            raise Bad("prices", "price.invalid", "a price has no amount")
        minor_units, _ = validate.amount(scalar(price["amount"], "prices"), code, code, ".", "prices")
        least = 1 if price.get("min_quantity") is None else price["min_quantity"]
        if isinstance(least, bool) or not isinstance(least, int) or not 0 < least <= validate.LARGEST_QUANTITY:
            raise Bad(
                "prices", "price.min_quantity", f"min_quantity {str(least)[:20]!r} is not a positive whole number"
            )
        start = validate.instant(scalar(price.get("valid_from") or "", "prices"), "prices") or 0
        end = validate.instant(scalar(price.get("valid_until") or "", "prices"), "prices")
        if end is not None and end <= start:
            raise Bad("prices", "price.period", "a price ends before it begins")
        price_list = word(price.get("list") or DEFAULT_LIST, "prices", validate.WORD_LENGTH)
        key = (code, price_list, least, start)
        if key in out:
            raise Bad(
                "prices",
                "price.twice",
                f"two prices for {code}, list {price_list}, from {least} piece(s), at the same time",
            )
        out[key] = (code, minor_units, price_list, least, start, end)
    return tuple(out.values())


# The same fields as they stand in a cell: JSON, or the plain lists people write.


def attributes_cell(text: str) -> str:
    return attributes(parse_json(text, "attributes")) if text.strip() else "{}"


def options_cell(text: str) -> str:
    """A JSON object, or `Size=Large; Colour=Blue`."""
    text = text.strip()
    if not text:
        return "{}"
    if text[0] == "{":
        return options(parse_json(text, "options"))
    pairs = [part.partition("=" if "=" in part else ":") for part in re.split(r"\s*[;|]\s*", text)]
    if not all(key.strip() and choice.strip() for key, _, choice in pairs):
        raise Bad(
            "options", "options.invalid", f"{text[:40]!r} is not a list of options; write Size=Large; Colour=Blue"
        )
    return options({key.strip(): choice.strip() for key, _, choice in pairs})


def tags_cell(text: str) -> str:
    """A JSON list, or tags separated by commas, semicolons or bars."""
    text = text.strip()
    if text[:1] == "[":
        return tags(parse_json(text, "tags"))
    return tags([tag for tag in _SPLIT_TAGS.split(text) if tag])


def categories_cell(text: str) -> str:
    """A JSON list, or paths separated by bars or semicolons."""
    text = text.strip()
    if text[:1] == "[":
        return categories(parse_json(text, "categories"))
    return categories([path for path in re.split(r"\s*[|;]\s*", text) if path])


def media_cell(text: str) -> str:
    """A JSON list, or links separated by bars or lines, or by commas before a scheme."""
    text = text.strip()
    if text[:1] == "[":
        return media(parse_json(text, "media"))
    return media([link for link in _SPLIT_LINKS.split(text) if link])


def media_cells(cells: Sequence[str], alt: str) -> str:
    """One or several cells of links; an alt text beside them belongs to the first."""
    if len(cells) == 1 and not alt.strip():
        return media_cell(cells[0])
    links: list[Any] = [link for cell in cells for link in json.loads(media_cell(cell))]
    if links and alt.strip():
        links[0]["alt"] = alt.strip()
    return canonical_json(list({link["url"]: link for link in links}.values()), "media")


def option_pairs(pairs: Sequence[tuple[str, str]]) -> str:
    """Name and value cells side by side; Shopify's placeholder "Default Title" is no option."""
    chosen = {name.strip(): choice.strip() for name, choice in pairs if choice.strip()}
    if chosen == {"Title": "Default Title"}:
        return "{}"
    return options(chosen)


def option_lists(names: str, choices: str) -> str:
    """`screen size|RAM` beside `13 inch|8GB`."""
    labels, values = ([part.strip() for part in text.split("|") if part.strip()] for text in (names, choices))
    if len(labels) != len(values):
        raise Bad("options", "options.invalid", f"{len(labels)} option name(s) but {len(values)} value(s)")
    return options(dict(zip(labels, values, strict=True)))


def components_cell(text: str) -> str:
    return components(parse_json(text, "components")) if text.strip() else "[]"


def prices_cell(text: str, price: str, currency: str, default_currency: str, decimal: str) -> tuple[Price, ...]:
    """All prices of a product: the `prices` cell, or else the one in `price`, or else none."""
    if text.strip():
        return prices(parse_json(text, "prices"), default_currency)
    given = validate.currency(currency, "")
    return validate.single_price(price, given, default_currency, decimal)


def attribute_value(text: str, key: str) -> str:
    """JSON text of an attribute cell: a JSON object or list stays what it is, blank is null, all else is text."""
    if not text:
        return "null"
    if text[0] in "{[":
        try:
            return canonical_json(parse_json(text, key), key)
        except Bad as problem:
            if problem.code != "json.invalid":
                raise
    return canonical_json(text, key)
