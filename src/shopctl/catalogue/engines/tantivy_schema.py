"""The tantivy schema: which fields an index has, how their text becomes terms, how a document goes in."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

import tantivy

from shopctl.catalogue.engines.alike import kind_of
from shopctl.catalogue.engines.columns import COLUMNS, WEIGHTS, exact, price
from shopctl.catalogue.engines.names import head, noun
from shopctl.catalogue.ports import Document

FORMAT = 4  # raise it with every change of this module that makes other terms of the same document


HEAD = "head"  # the words of the name that say what it is


POSITION_ID = -1  # the one document that is no product: it stores the position
ALWAYS = (0, 2**63 - 1)  # visible ever since and for ever
VALUE = "="  # before a fact's value: tantivy takes some texts in JSON for times
_IN_NAMES = str.maketrans({".": "\x02", "\\": "\x03", "\x01": " ", "\x00": " "})
_LONGEST_WORD = 60  # bytes
_LONGEST_KEYWORD = 250  # characters; longer ones count as equal when they begin alike


@lru_cache(maxsize=1)
def schema() -> Any:
    """The schema of every index of this format."""
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("id", indexed=True, fast=True)
    for name in WEIGHTS:
        builder.add_text_field(name, tokenizer_name="stemmed", index_option="position")
    builder.add_text_field(HEAD, tokenizer_name="stemmed", index_option="freq")
    builder.add_text_field("words", tokenizer_name="words", index_option="freq")
    for field, name in COLUMNS.items():
        if field != "fact":
            builder.add_text_field(name, tokenizer_name="keyword", index_option="basic", fast=True)
    # A column for each key: what counts the values of one looks at no other's.
    builder.add_json_field(COLUMNS["fact"], tokenizer_name="keyword", index_option="basic", fast=True)
    builder.add_integer_field("alike", fast=True)  # what kind of thing it is
    builder.add_text_field("shown", tokenizer_name="raw", index_option="basic")  # never | timed; always: without
    builder.add_integer_field("visible_from", fast=True)
    builder.add_integer_field("visible_until", fast=True)
    builder.add_integer_field("price", fast=True)  # those of every moment
    builder.add_text_field("price_varies", tokenizer_name="raw", index_option="basic")  # currencies
    builder.add_text_field("position", stored=True, tokenizer_name="raw", index_option="basic")
    return builder.build()


@lru_cache(maxsize=4)
def analyzers(language: str) -> dict[str, Any]:
    """By tokenizer name: how text becomes terms. `language` is that of the stems, or `none`."""
    lower, plain = tantivy.Filter.lowercase(), tantivy.Filter.ascii_fold()
    short = tantivy.Filter.remove_long(_LONGEST_WORD)
    simple = tantivy.Tokenizer.simple()
    stems = [] if language == "none" else [tantivy.Filter.stemmer(language)]
    return {
        "words": _analyzer(simple, short, lower, plain),
        "stemmed": _analyzer(simple, short, lower, plain, *stems),
        "keyword": _keywords(),
    }


@lru_cache(maxsize=1)
def _keywords() -> Any:
    return _analyzer(tantivy.Tokenizer.raw(), tantivy.Filter.lowercase(), tantivy.Filter.ascii_fold())


def prepared(index: Any, language: str) -> Any:
    """The index with its analyzers known. The columns of keywords keep the text as it was written."""
    for name, analyzer in analyzers(language).items():
        index.register_tokenizer(name, analyzer)
    index.register_fast_field_tokenizer("keyword", _analyzer(tantivy.Tokenizer.raw()))
    return index


def written(document: Document, language: str) -> Any:
    """A document as tantivy takes it."""
    words = [document.sku, document.name]
    what = head(document.name, language)
    fields: dict[str, Any] = {
        "id": document.id,
        "sku": document.sku,
        "name": document.name,
        HEAD: what,
        "alike": _alike(noun(what, language), document.brand, language),
        "kind_is": document.kind,
        "words": words,
    }
    if document.description:
        fields["description"] = document.description
    if document.details:
        fields["details"] = document.details
        words.append(document.details)
    if document.brand:
        fields["brand"] = document.brand
        fields["brand_is"] = shortened(document.brand)
        words.append(document.brand)
    if document.categories:
        fields["category"], fields["category_in"] = _places(document.categories)
        words += fields["category"]
    if document.tags:
        fields["tag"] = [shortened(tag) for tag in document.tags]
    for currency, amounts, varies in document.costs:
        fields.setdefault("price", []).extend(price(currency, amount) for amount in amounts)
        if varies or not all(map(exact, amounts)):
            fields.setdefault("price_varies", []).append(currency)
    if document.visible is None:
        fields["shown"] = "never"
    elif document.visible != ALWAYS:
        fields["shown"] = "timed"
        fields["visible_from"], fields["visible_until"] = document.visible
    made = tantivy.Document.from_dict(fields)
    if document.facts:
        made.add_json(COLUMNS["fact"], _facts(document.facts))
    return made


def fact_column(key: str) -> str:
    """The column of the options and attributes of this key, whatever its case and accents."""
    return f"{COLUMNS['fact']}.{_fact_key(key)}"


def shortened(text: str) -> str:
    """A keyword of bounded length."""
    return text if len(text) <= _LONGEST_KEYWORD else text[:_LONGEST_KEYWORD]


def folded(text: str) -> str:
    """A keyword as its term."""
    terms: list[str] = _keywords().analyze(text)
    return terms[0] if terms else ""


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    # As JSON: tantivy reads it in a fifth of the time that a dictionary takes.
    found: dict[str, str] = {}
    for key, value in facts:
        name, text = _fact_key(key), encode_basestring(VALUE + shortened(value))
        found[name] = f"{found[name]},{text}" if name in found else text
    return f"{{{','.join(f'{encode_basestring(name)}:[{texts}]' for name, texts in found.items())}}}"


@lru_cache(maxsize=10_000)
def _fact_key(key: str) -> str:
    # Points and backslashes mean something in the name of a column, and a name is never empty.
    return folded(shortened(key)).translate(_IN_NAMES) or "\x02"


@lru_cache(maxsize=20_000)
def _alike(word: str, brand: str, language: str) -> int:
    stems = analyzers(language)["stemmed"].analyze(word)
    return kind_of(stems[-1] if stems else "", folded(brand))


@lru_cache(maxsize=10_000)
def _places(paths: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """The texts of category paths, and the paths as keywords. The deepest hold the words of those above them."""
    above = {path for path in paths if any(other.startswith(f"{path} > ") for other in paths)}
    return [path for path in paths if path not in above], [shortened(path) for path in paths]


def _analyzer(tokenizer: Any, *filters: Any) -> Any:
    builder = tantivy.TextAnalyzerBuilder(tokenizer)
    for step in filters:
        builder = builder.filter(step)
    return builder.build()
