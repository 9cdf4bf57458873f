"""Compiles the meaning of a file's columns into one function from cells to a feed row: the hot loop of an import.

The function is written out as Python for exactly the columns at hand, so that a row costs a few dozen bytecodes and no
dispatch. Its source stays readable as `convert.__doc__`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from json.encoder import encode_basestring
from typing import Any

from shopctl.catalogue.feed import fields, validate
from shopctl.catalogue.feed.columns import Target
from shopctl.catalogue.feed.row import FIELDS, FeedRow
from shopctl.catalogue.feed.validate import Remembered
from shopctl.kernel import money

_MOST_TERMS = 200

Convert = Callable[[int, int, Sequence[str]], FeedRow]
"""(line, hash, cells as many as columns) -> row. Raises validate.Bad."""

_CALLS: dict[str, tuple[str, Callable[..., Any], bool]] = {
    # field: (name in the generated source, function, worth remembering)
    "parent_sku": ("parent_sku", validate.parent_sku, False),
    "brand": ("brand", partial(validate.label, field="brand"), True),
    "tax_class": ("tax_class", partial(validate.label, field="tax_class"), True),
    "kind": ("kind", validate.kind, True),
    "status": ("status", validate.status, True),
    "category": ("category", validate.category, True),
    "categories": ("categories", fields.categories_cell, True),
    "options": ("options", fields.options_cell, False),
    "attributes": ("attributes", fields.attributes_cell, False),
    "components": ("components", fields.components_cell, False),
    "publish_at": ("publish_at", lambda text: validate.instant(text, "publish_at"), True),
    "retire_at": ("retire_at", lambda text: validate.instant(text, "retire_at"), True),
}


def compile_columns(
    targets: Sequence[Target], *, default_currency: str, decimal: str = "", constants: Mapping[str, str] | None = None
) -> Convert:
    """The row function for these columns. Prices and stock are read with `decimal` as the habit of the feed.

    `constants` are fields without a column, with the cell that every row has for them.
    """
    names: dict[str, Any] = {
        "careful_sku": validate.sku,
        "name_missing": validate.name_missing,
        "too_long": validate.too_long,
        "quote": encode_basestring,
        "attribute_value": fields.attribute_value,
    }
    cells = {index: target for index, target in enumerate(targets) if target.field != "ignore"}
    body: list[str] = []
    for index, (field, constant) in enumerate(constant_cells(targets, constants), start=len(targets)):
        cells[index] = Target(field, "default" if field in ("price", "stock") else "")
        body.append(f"c{index} = {constant!r}")
    given: dict[str, str] = {"line": "line", "hash": "hash_"}

    def column(field: str) -> int | None:
        return next((index for index, target in cells.items() if target.field == field), None)

    sku = column("sku")
    body += [
        f"sku = c{sku}",
        # Only a SKU that is not plain costs a call: it is trimmed, or refused with its reason.
        "odd = not sku or not sku.isprintable() or sku[0] == ' ' or sku[-1] == ' '",
        f"if odd or len(sku) > {validate.SKU_LENGTH}:",
        "    sku = careful_sku(sku)",
    ]
    given["sku"] = "sku"
    if (name := column("name")) is not None:
        body += [
            f"if not c{name} or c{name}.isspace(): name_missing()",
            f"if len(c{name}) > {validate.NAME_LENGTH}: too_long('name', {validate.NAME_LENGTH}, len(c{name}))",
        ]
        given["name"] = f"c{name}"
    if (description := column("description")) is not None:
        given["description"] = f"c{description}"  # its length is bounded with the record's
    for field, (label, function, repeats) in _CALLS.items():
        if (cell := column(field)) is not None:
            names[label] = Remembered(function) if repeats else function
            given[field] = f"{label}[c{cell}]" if repeats else f"{label}(c{cell})"
    _prices(cells, column, given, names, default_currency, decimal)
    _stock(cells, given, names, decimal)
    _options(cells, column, given, names)
    _lists(cells, column, given, names)
    _extra(cells, given)

    unpacked = ", ".join(f"c{index}" for index in range(len(targets)))
    row = ", ".join(given.get(field, "...") for field in FIELDS)
    source = "\n    ".join(["def convert(line, hash_, cells):", f"{unpacked}, = cells", *body, f"return ({row})"])
    exec(compile(source, "<columns of the feed>", "exec"), names)  # noqa: S102 - only names made above enter the source
    convert: Convert = names["convert"]
    convert.__doc__ = source
    return convert


def constant_cells(targets: Sequence[Target], constants: Mapping[str, str] | None) -> list[tuple[str, str]]:
    """The constants that are needed: a column of the file comes before a constant."""
    present = {target.field for target in targets}
    return [(field, cell) for field, cell in (constants or {}).items() if field not in present]


def given_fields(targets: Sequence[Target], constants: Mapping[str, str] | None = None) -> frozenset[str]:
    """The names out of row.FIELDS that these columns and constants give."""
    given = [target.field for target in targets] + list(constants or ())
    return frozenset(_GIVES.get(field, field) for field in given) & frozenset(FIELDS)


_GIVES = {
    "price": "prices", "currency": "prices", "attribute": "extra", "option_name": "options", "option_value": "options",
    "option_names": "options", "option_values": "options", "tag": "tags", "media_alt": "media",
}  # fmt: skip


def _prices(
    cells: dict[int, Target], column: Any, given: dict[str, str], names: dict[str, Any], default: str, decimal: str
) -> None:
    singles = [(index, target) for index, target in cells.items() if target.field == "price"]
    currency = column("currency")
    plain = next((index for index, target in singles if not target.currency), None)
    if (whole := column("prices")) is not None:
        names["all_prices"] = partial(fields.prices_cell, default_currency=default, decimal=decimal)
        price = f"c{plain}" if plain is not None else "''"
        given["prices"] = f"all_prices(c{whole}, {price}, {f'c{currency}' if currency is not None else repr('')})"
        given["prices_whole"] = "True"
        return
    if not singles:
        return
    terms = []
    for index, target in singles:
        names[f"price_{index}"] = _by_currency(target, default, decimal)
        if currency is not None and not target.currency:
            terms.append(f"price_{index}[c{currency}](c{index})")
        else:
            names[f"price_{index}"] = names[f"price_{index}"][target.currency]
            terms.append(f"price_{index}(c{index})")
    given["prices"] = " + ".join(terms)
    given["prices_whole"] = "False"


def _by_currency(target: Target, default: str, decimal: str) -> Remembered:
    """Currency cell -> function from a price cell to prices."""

    def prices_in(cell: str) -> Callable[[str], tuple[validate.Price, ...]]:
        given, price_list = validate.currency(cell, ""), target.key
        code = given or default
        cents = money.EXPONENTS.get(code) == 2

        def prices_of(text: str) -> tuple[validate.Price, ...]:
            # The plain case, "19.99", without a look at any rule.
            if (
                cents
                and text[-3:-2] == "."
                and (digits := text[:-3] + text[-2:]).isdecimal()
                and digits.isascii()
                and len(digits) < 18
            ):
                return ((code, int(digits), price_list, 1, 0, None),)
            return validate.single_price(text, given, default, decimal, price_list)

        return prices_of

    return Remembered(prices_in, limit=1000)


def _stock(cells: dict[int, Target], given: dict[str, str], names: dict[str, Any], decimal: str) -> None:
    terms = []
    for index, target in cells.items():
        if target.field == "stock":
            names[f"stock_{index}"] = Remembered(partial(validate.stock, location=target.key, decimal=decimal))
            terms.append(f"stock_{index}[c{index}]")
    if terms:
        given["stock"] = " + ".join(terms)


def _options(cells: dict[int, Target], column: Any, given: dict[str, str], names: dict[str, Any]) -> None:
    numbered: dict[str, dict[str, int]] = {}
    for index, target in cells.items():
        if target.field in ("option_name", "option_value"):
            numbered.setdefault(target.key, {})[target.field] = index
    pairs = [
        (pair.get("option_name"), pair["option_value"], key) for key, pair in numbered.items() if "option_value" in pair
    ]
    if pairs:
        names["option_pairs"] = fields.option_pairs
        given["options"] = "option_pairs(({}))".format(
            "".join(
                f"({f'c{name}' if name is not None else repr(f'Option {key}' if key.isdigit() else key)}, c{choice}),"
                for name, choice, key in pairs
            )
        )
    elif (labels := column("option_names")) is not None and (choices := column("option_values")) is not None:
        names["option_lists"] = fields.option_lists
        given["options"] = f"option_lists(c{labels}, c{choices})"


def _lists(cells: dict[int, Target], column: Any, given: dict[str, str], names: dict[str, Any]) -> None:
    numbered = [index for index, target in cells.items() if target.field == "tag"]
    if (index := column("tags")) is not None:
        names["tags"] = Remembered(fields.tags_cell)
        given["tags"] = f"tags[c{index}]"
    elif numbered:
        names["tag_list"] = lambda *cells: fields.tags([cell for cell in cells if cell.strip()])
        given["tags"] = f"tag_list({', '.join(f'c{index}' for index in numbered)})"
    links = [index for index, target in cells.items() if target.field == "media"]
    alt = column("media_alt")
    if links:
        names["media"] = fields.media_cells
        given["media"] = (
            f"media(({', '.join(f'c{index}' for index in links)},), {f'c{alt}' if alt is not None else repr('')})"
        )


def _extra(cells: dict[int, Target], given: dict[str, str]) -> None:
    parts = []
    for key, index in sorted((target.key, index) for index, target in cells.items() if target.field == "attribute"):
        value = f"(quote(c{index}) if c{index}[:1] not in '{{[' else attribute_value(c{index}, {key!r}))"
        label = json.dumps(key, ensure_ascii=False) + ":"
        parts.append(f"{label!r} + {value}")
    if parts:
        # A chain of thousands of terms is deeper than the compiler goes, a list of them is not.
        listed = " + ',' + ".join(parts) if len(parts) <= _MOST_TERMS else f"','.join(({', '.join(parts)},))"
        given["extra"] = f"'{{' + {listed} + '}}'"
