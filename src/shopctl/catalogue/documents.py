"""Products as the documents of a search index: which words they are found by, which facts they are chosen by."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import Any

from shopctl.catalogue.model import DEFAULT_LIST
from shopctl.catalogue.ports import Cost, Document
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit

_COLUMNS = """id, sku, name, brand, kind, description, parent_sku, category, categories, tags, options, attributes,
              status, publish_at, retire_at"""
_BATCH = 1000
_FOR_EVER = 2**63 - 1
_MARKUP = re.compile(r"</?[A-Za-z!][^<>]*>")
_MOST_FACTS = 500  # of one product; what a hostile feed brings beyond is found by its words only


def all_documents(unit: Unit) -> Iterator[Document]:
    """Every product, in the order of creation, in bounded memory."""
    rows = unit.stream(f"select {_COLUMNS} from product order by id")
    while batch := list(islice(rows, _BATCH)):
        costs = _costs(unit, "product_id between :first and :last", first=batch[0][0], last=batch[-1][0])
        for row in batch:
            yield document(row, costs.get(row[0], ()))


def documents_of(unit: Unit, ids: Sequence[int]) -> Iterator[Document]:
    """The products of these numbers; those that are not there are missing."""
    each = f"in (select cast(each.value ->> 0 as bigint) from {unit.each('ids')})"
    for start in range(0, len(ids), _BATCH):
        numbers = json.dumps([[number] for number in ids[start : start + _BATCH]])
        costs = _costs(unit, f"product_id {each}", ids=numbers)
        for row in unit.tuples(f"select {_COLUMNS} from product where id {each}", ids=numbers):
            yield document(row, costs.get(row[0], ()))


def document(row: Sequence[Any], costs: tuple[Cost, ...]) -> Document:
    """A row in the order of the columns above as a document."""
    (number, sku, name, brand, kind, description, parent_sku, category, more, tags, options, attributes,
     status, publish_at, retire_at) = row  # fmt: skip
    tags = () if tags == "[]" else tuple(json.loads(tags))
    facts = facts_of(options, attributes)
    return Document(
        number,
        sku,
        name,
        brand,
        kind,
        without_markup(description),
        _categories(category, more),
        tags,
        _details(tags, facts, parent_sku),
        facts[:_MOST_FACTS],
        visible(status, publish_at, retire_at),
        costs,
    )


def costs_with(costs: tuple[Cost, ...], more: Cost) -> tuple[Cost, ...]:
    """What one piece costs with one more price, after the rule of `model.effective_price`.

    What holds always, and alone in its currency, is what it costs at every moment.
    """
    found = {cost.currency: cost for cost in costs}
    if (before := found.get(more.currency)) is not None:
        more = Cost(more.currency, before.amounts + more.amounts, True)
    return tuple((found | {more.currency: more}).values())


def facts_of(*texts: str) -> tuple[tuple[str, str], ...]:
    """Options and attributes, given as JSON objects, as (key, value) pairs, each once.

    What is nested has its keys joined by points, a list gives a pair for each element, a number or truth value is
    written as JSON writes it (5.0 as 5).
    """
    pairs: dict[tuple[str, str], None] = {}
    for text in texts:
        if text == "{}":
            continue
        for key, value in json.loads(text).items():
            if value.__class__ is str:
                if value:
                    pairs[key, value] = None
            else:
                pairs.update(dict.fromkeys(_flat(key, value)))
    return tuple(pairs)


def without_markup(text: str) -> str:
    """The words of a description that may be HTML: nobody looks for the names of its tags."""
    if "<" in text:
        text = _MARKUP.sub(" ", text)
    return html.unescape(text) if "&" in text else text


def with_ancestors(paths: Iterable[str]) -> tuple[str, ...]:
    """Category paths with all that are above them, each once: `Home > Kitchen` is in `Home` too."""
    found: dict[str, None] = {}
    for path in paths:
        levels = path.split(" > ")
        for depth in range(1, len(levels) + 1):
            found[" > ".join(levels[:depth])] = None
    return tuple(found)


def visible(status: str, publish_at: Instant | None, retire_at: Instant | None) -> tuple[Instant, Instant] | None:
    """From and until when buyers meet the product; None: never. The rule of `model.status_at`, for every moment."""
    if status == "retired" or (publish_at is None and status != "active"):
        return None
    return publish_at or 0, _FOR_EVER if retire_at is None else retire_at


def _costs(unit: Unit, where: str, **params: object) -> dict[int, tuple[Cost, ...]]:
    """By product, what one piece costs; those without a price are missing."""
    found: dict[int, tuple[Cost, ...]] = {}
    for number, currency, amount, begins, ends in unit.tuples(
        f"""select product_id, currency, amount, valid_from, valid_until from price
             where {where} and list = '{DEFAULT_LIST}' and min_quantity <= 1""",
        **params,
    ):
        cost = Cost(currency, (amount,), begins != 0 or ends is not None)
        found[number] = costs_with(found[number], cost) if number in found else (cost,)
    return found


def _details(tags: Sequence[str], facts: Sequence[tuple[str, str]], parent_sku: str) -> str:
    words = [*tags, *chain.from_iterable(facts)]
    if parent_sku:
        words.append(parent_sku)
    return " ".join(words)


@lru_cache(maxsize=10_000)
def _categories(category: str, more: str) -> tuple[str, ...]:
    # A million products share a few hundred places in the tree.
    return with_ancestors([*([category] if category else []), *json.loads(more)])


def _flat(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if value:
            yield key, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(f"{key}.{name}", inner)
    elif isinstance(value, list):
        for element in value:
            yield from _flat(key, element)
    elif isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        yield key, str(int(value))
    elif value is not None:
        yield key, json.dumps(value)
