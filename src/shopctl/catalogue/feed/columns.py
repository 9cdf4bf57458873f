"""What the columns of a file mean: the names shops give to things, whatever their case, spaces and punctuation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from shopctl.catalogue.feed.row import DEFAULT_LIST, DEFAULT_LOCATION
from shopctl.kernel.money import EXPONENTS


class Target(NamedTuple):
    """Where the cells of one column go."""

    field: str  # a name out of FIELDS below
    key: str = ""  # attribute: its key; price: the list; stock: the location; option: its number
    currency: str = ""  # price: the currency the header names


FIELDS = {
    "sku": "sku|article|articleno|articlenumber|itemno|itemnumber|itemid|stockkeepingunit|variantsku|productsku"
    "|productid|id|partnumber|artikelnummer|artnr|reference",
    "variant_id": "variantid",
    "handle": "handle|producthandle|slug|productslug|urlkey",
    "parent_sku": "parentsku|parent|parentid",
    "kind": "kind|productkind",
    "status": "status|productstatus|published|state",
    "name": "name|title|producttitle|productname|itemname|bezeichnung|artikelname",
    "description": "description|bodyhtml|body|productdescription|longdescription|beschreibung",
    "brand": "brand|vendor|manufacturer|brandname|marke|hersteller",
    "category": "category|type|producttype|productcategory|categorypath|kategorie",
    "categories": "categories",
    "tax_class": "taxclass|taxcategory|taxclassname|varianttaxcode",
    "options": "options",
    "option_names": "optiongroups",
    "option_values": "optionvalues",
    "attributes": "attributes",
    "tags": "tags|producttags|keywords",
    "media": "media|images|image|assets|imagesrc|imageurl|imagelink|imageurls",
    "media_alt": "imagealttext|imagealt",
    "components": "components",
    "publish_at": "publishat|publishedat|publishfrom",
    "retire_at": "retireat|publishuntil",
    "price": "price|variantprice|unitprice|productprice|regularprice|preis|listprice",
    "currency": "currency|pricecurrency|currencycode|waehrung|währung",
    "prices": "prices",
    "stock": "stock|qty|quantity|stockonhand|variantinventoryqty|variantinventoryquantity|inventoryquantity"
    "|onhand|bestand|stockquantity",
}  # fmt: skip
"""Field -> the header names that mean it (letters and digits only, lower case), the most specific first."""

TARGETS = frozenset(FIELDS) | {"attribute", "option_name", "option_value", "tag", "ignore"}
ADDING = frozenset({"attribute", "tag", "media", "ignore"})  # several columns of the same target add up
REPEATABLE = frozenset({"attribute", "option_name", "option_value", "tag", "media", "price", "stock", "ignore"})

_MEANS = {name: field for field, names in FIELDS.items() for name in names.split("|")}
_RANK = {name: rank for names in FIELDS.values() for rank, name in enumerate(names.split("|"))}

_PRICE = re.compile(
    r"(?:(?:variant|unit|product)[\s_-]*)?price[\s_:.-]*(?:(?P<list>[^\[\]()]*?)[\s_-]*[\[(]\s*(?P<bracketed>[a-z]{3})\s*[\])]|(?P<plain>[a-z]{3}))",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"(?:variant|product)?(option|tag|image)(\d{1,2})(name|value)?")

REJECT_COLUMNS = ["line", "sku", "field", "code", "message"]


def squeeze(header: str) -> str:
    """Letters and digits only, case folded: `Body (HTML)` -> `bodyhtml`."""
    return "".join(c for c in header.casefold() if c.isalnum())


def attribute_key(header: str) -> str:
    """`Google Shopping / MPN` -> `google_shopping_mpn`."""
    return re.sub(r"[^\w.]+", "_", header.strip().lower()).strip("_")[:255]


def meaning(header: str) -> Target | None:
    """What a header means by itself; None: nothing known, so an attribute."""
    squeezed = squeeze(header)
    if field := _MEANS.get(squeezed):
        return Target(field, _default_key(field))
    if match := _PRICE.fullmatch(header.strip()):
        currency = (match["bracketed"] or match["plain"]).upper()
        if currency in EXPONENTS:
            return Target("price", (match["list"] or "").strip() or DEFAULT_LIST, currency)
    if match := _NUMBERED.fullmatch(squeezed):
        what, index, part = match.groups()
        if what == "option" and part:
            return Target(f"option_{part}", str(int(index)))
        if what != "option" and not part:
            return Target("tag" if what == "tag" else "media", index)
    return None


def _default_key(field: str) -> str:
    return {"price": DEFAULT_LIST, "stock": DEFAULT_LOCATION}.get(field, "")


def assign(
    header: Sequence[str], named: dict[str, Target] | None = None, renames: dict[str, str] | None = None
) -> list[Target]:
    """One target a column: what the mapping says, else what the header means, else an attribute of its name.

    Of several columns that mean the same field the most specific name wins (`sku` before `id`); the others become
    attributes.
    """
    named, renames = named or {}, renames or {}
    targets: list[Target | None] = [named.get(name) or meaning(name) for name in header]
    best: dict[str, int] = {}
    for index, (name, target) in enumerate(zip(header, targets, strict=True)):
        if target is None or target.field in REPEATABLE and not _same_price(target):
            continue
        holder = best.get(_slot(target))
        if holder is None or _rank(name, named) < _rank(header[holder], named):
            if holder is not None:
                targets[holder] = None
            best[_slot(target)] = index
        else:
            targets[index] = None
    keys: set[str] = {target.key for target in targets if target and target.field == "attribute"}
    out = []
    for index, (name, target) in enumerate(zip(header, targets, strict=True)):
        out.append(
            target
            or Target("attribute", _free(renames.get(name) or attribute_key(name) or f"column_{index + 1}", keys))
        )
    return out


def _same_price(target: Target) -> bool:
    return target.field in ("price", "stock")


def _slot(target: Target) -> str:
    return f"{target.field}\0{target.key}\0{target.currency}" if _same_price(target) else target.field


def _rank(name: str, named: dict[str, Target]) -> int:
    return -1 if name in named else rank(name)


def rank(name: str) -> int:
    """How specific a name is for its field; the lowest of several wins."""
    return _RANK.get(squeeze(name), 99)


def _free(key: str, taken: set[str]) -> str:
    candidate, count = key, 2
    while candidate in taken:
        candidate, count = f"{key}_{count}", count + 1
    taken.add(candidate)
    return candidate
