"""Texts made to break programs: in every text field they come back as they went in, or are refused with a reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shopctl.catalogue.assignments import Terms, assigned
from shopctl.catalogue.errors import InvalidField, InvalidQuantity
from shopctl.catalogue.service import CatalogueService
from shopctl.catalogue.stock import StockService
from shopctl.kernel.errors import ShopctlError
from shopctl.storage.database import Database
from support.products import NOW, add, product

OWN = [
    "", " ", "\t\n", "\0", "a\0b", "\ud800", "\udfff tail", "\ufeffbom", "\u202egnirts", "\u200b", "e\u0301", "\u00e9",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘", "👩‍👩‍👧‍👦", "🇪🇺", "田中さん", "ﷺ", "\x1b[2J\x1b]0;owned\a", "\r\nX: 1", "\x7f\x80\x85",
    "' or 1=1 --", "'; drop table product; --", '"', "\\", "\\u0000", "\\x00", "%s %(name)s :name ::text $1 ?",
    "{0} {name} {", "[1, 2", '{"a": 1', "{}", "[]", "null", "NaN", "1e400", "-0", "0x1f", "=1+1", "@sum(1)",
    "<b>[bold]x[/bold]", "a,b;c|d", "a > b>c", "> >", "x" * 256, "y" * 3000, "=", "==", "a=b",
]  # fmt: skip

TEXT_FIELDS: dict[str, tuple[Callable[[str], str], Callable[[dict[str, Any]], Any], Callable[[str], Any]]] = {
    # field: (the assignment, where the text is shown, how it is to come back)
    "name": (lambda text: f"name={text}", lambda shown: shown["name"], str),
    "description": (lambda text: f"description={text}", lambda shown: shown["description"], str),
    "brand": (lambda text: f"brand={text}", lambda shown: shown["brand"], str.strip),
    "tax_class": (lambda text: f"tax_class={text}", lambda shown: shown["tax_class"], str.strip),
    "category": (
        lambda text: f"category={text}",
        lambda shown: shown["category"],
        lambda text: " > ".join(level.strip() for level in text.split(">") if level.strip()),
    ),
    "categories": (
        lambda text: f"categories={json.dumps(['x', text])}",
        lambda shown: shown["categories"][1:],
        lambda text: [
            path
            for path in [" > ".join(level.strip() for level in text.split(">") if level.strip())]
            if path and path != "x"
        ],
    ),
    "tag": (lambda text: f"tags={json.dumps([text])}", lambda shown: shown["tags"], lambda text: [text.strip()]),
    "option": (
        lambda text: f"options={json.dumps({'k': text})}",
        lambda shown: shown["options"],
        lambda text: {"k": text},
    ),
    "option's name": (
        lambda text: f"options={json.dumps({text: 'v'})}",
        lambda shown: shown["options"],
        lambda text: {text: "v"},
    ),
    "attribute": (
        lambda text: f"attributes={json.dumps({'k': [text]})}",
        lambda shown: shown["attributes"],
        lambda text: {"k": [text]},
    ),
    "attribute's name": (
        lambda text: f"attributes={json.dumps({text: 1})}",
        lambda shown: shown["attributes"],
        lambda text: {text: 1},
    ),
    "media": (
        lambda text: f"media={json.dumps([{'url': 'https://shop.example/a', 'alt': text}])}",
        lambda shown: shown["media"][0]["alt"],
        str,
    ),
}

ALWAYS_REFUSED = ("\0", "\ud800", "\udfff")


def refusal(assignment: str) -> InvalidField | None:
    try:
        assigned(product(), [assignment], Terms("USD", NOW))
    except InvalidField as refused:
        return refused
    return None


def check(texts: list[str], database: Database, catalogue: CatalogueService, stock: StockService) -> None:
    with database.unit() as unit:
        add(unit, "MUG-1")
    taken = dict.fromkeys(TEXT_FIELDS, 0)
    for text in texts:
        good = []
        for field, (assignment, _, _) in TEXT_FIELDS.items():
            if refused := refusal(assignment(text)):
                assert refused.facts["reason_code"], "a refusal has its code"
                assert refused.message.isprintable(), "a message is one line, whatever it speaks of"
                continue
            assert not any(character in text for character in ALWAYS_REFUSED), f"{field} takes {text!r}"
            good.append(field)
            taken[field] += 1
        for group in (good, [field for field in good if "name" in field and field != "name"]):
            # Both of a pair set the same field of the product, so the second has its turn after the first.
            chosen = {TEXT_FIELDS[field][0](text).partition("=")[0]: field for field in group}
            if chosen:
                catalogue.edit("MUG-1", [TEXT_FIELDS[field][0](text) for field in chosen.values()])
            shown = json.loads(json.dumps(catalogue.show("MUG-1")))
            for field in chosen.values():
                _, place, back = TEXT_FIELDS[field]
                assert place(shown) == back(text), f"{field} changes {text!r}"
        _check_attribute_by_key(text, catalogue)
        _check_location(text, stock)
        _check_sku(text, catalogue)
    usual = [text for text in texts if text.strip() and len(text) < 256 and not set(text) & set(ALWAYS_REFUSED)]
    assert all(count >= len(usual) for count in taken.values()), "what is merely strange is taken"


def _check_attribute_by_key(text: str, catalogue: CatalogueService) -> None:
    try:
        catalogue.edit("MUG-1", [f"attributes.note={text}"])
    except InvalidField:
        assert any(character in text for character in ALWAYS_REFUSED)
        return
    found = catalogue.show("MUG-1")["attributes"].get("note")
    assert found == (text or None) or (text[0] in "{[" and found == json.loads(text))


def _check_location(text: str, stock: StockService) -> None:
    try:
        stock.set("MUG-1", 3, location=text)
    except InvalidField:
        assert not text.strip() or len(text) > 255 or any(character in text for character in ALWAYS_REFUSED)
        return
    assert [level["location"] for level in stock.show("MUG-1", location=text)["locations"]] == [text]
    with pytest.raises(InvalidQuantity):
        stock.set("MUG-1", -1, location=text)


def _check_sku(text: str, catalogue: CatalogueService) -> None:
    with pytest.raises(ShopctlError) as refused:
        catalogue.show(text)
    assert refused.value.exit_code in (3, 12)
    assert refused.value.message.isprintable()


@pytest.mark.assure("S25")
def test_our_own_texts(database: Database, catalogue: CatalogueService, stock: StockService):
    check(OWN, database, catalogue, stock)


@pytest.mark.assure("S25")
def test_the_known_naughty_strings(
    shared_data: Path, database: Database, catalogue: CatalogueService, stock: StockService,
    scale: Callable[[int, int], int],
):  # fmt: skip
    texts: list[str] = json.loads((shared_data / "security" / "naughty-strings.json").read_text(encoding="utf-8"))
    assert len(texts) > 500

    check(texts[:: scale(5, 1)], database, catalogue, stock)
