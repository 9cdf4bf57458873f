"""What a shop keeper asks of a whole catalogue: what there is, what is missing, what stands in it twice."""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any

from shopctl.catalogue.listing import STATUS_AT
from shopctl.catalogue.model import DEFAULT_LIST
from shopctl.kernel import clock, money
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit

_SHOWN = 10  # groups of likely duplicates
_DAY = 86_400_000_000
_WORDS = re.compile(r"[^\W\d_]+|\d+")

# A parent is not sold itself: what it lacks, its variants have.
_SOLD = """status <> 'retired'
           and not exists (select 1 from product v where v.parent_sku = product.sku and v.parent_sku <> '')"""
_VALID = "valid_from <= :now and (valid_until is null or valid_until > :now)"
_LACKING = {
    "price": f"not exists (select 1 from price where price.product_id = product.id and {_VALID})",
    "description": "description = ''",
    "category": "category = ''",
    "image": "media = '[]'",
}
_COUNTED = "exists (select 1 from stock where stock.product_id = product.id)"
_AT_ZERO = "not exists (select 1 from stock where stock.product_id = product.id and stock.on_hand > 0)"


def statistics(unit: Unit, *, now: Instant) -> dict[str, Any]:
    """The document of `catalogue stats`.

    `without` counts products on sale (parents of variants aside) that lack something; `prices_by_currency` is about the
    prices of one piece that are valid now on the default list; `stock.at_zero` are products on sale that are counted
    and of which nothing is left.
    """
    kinds = list(_kinds(unit, now))
    return {
        "products": sum(row["total"] for row in kinds),
        "variants": unit.value("select count(*) from product where parent_sku <> ''"),
        "categories": unit.value("select count(*) from category"),
        "prices": unit.value("select count(*) from price"),
        "kinds": kinds,
        "without": {name: _on_sale(unit, lacks, now) for name, lacks in _LACKING.items()},
        "stock": {
            "counted": _on_sale(unit, _COUNTED, now),
            "at_zero": _on_sale(unit, f"{_COUNTED} and {_AT_ZERO}", now),
            "reserved": unit.value(
                """select cast(coalesce(sum(quantity), 0) as bigint) from reservation
                    where state = 'held' and expires_at > :now""",
                now=now,
            ),
        },
        "prices_by_currency": list(_prices(unit, now)),
        "duplicates": _duplicates(unit),
        "feeds": list(_feeds(unit, now)),
    }


def _on_sale(unit: Unit, condition: str, now: Instant) -> int:
    return int(unit.value(f"select count(*) from product where {_SOLD} and {condition}", now=now))


def _kinds(unit: Unit, now: Instant) -> Iterator[dict[str, Any]]:
    counts: dict[str, dict[str, int]] = {}
    for kind, status, count in unit.tuples(
        f"select kind, {STATUS_AT}, count(*) from product group by 1, 2 order by 1, 2", now=now
    ):
        counts.setdefault(kind, {"active": 0, "draft": 0, "retired": 0})[status] = count
    for kind, by_status in counts.items():
        yield {"kind": kind, **by_status, "total": sum(by_status.values())}


def _prices(unit: Unit, now: Instant) -> Iterator[dict[str, Any]]:
    which = f"list = :list and min_quantity = 1 and {_VALID}"
    for currency, count, lowest, highest in unit.tuples(
        f"select currency, count(*), min(amount), max(amount) from price where {which} group by currency order by 1",
        list=DEFAULT_LIST,
        now=now,
    ):
        median = unit.value(
            f"""select amount from price where currency = :currency and {which}
                 order by amount limit 1 offset :half""",
            currency=currency,
            list=DEFAULT_LIST,
            now=now,
            half=(count - 1) // 2,
        )
        amounts = {"lowest": lowest, "median": median, "highest": highest}
        shown = {name: money.show(amount, currency) for name, amount in amounts.items()}
        yield {"currency": currency, "prices": count, **shown}


def _feeds(unit: Unit, now: Instant) -> Iterator[dict[str, Any]]:
    for feed, products, finished in unit.tuples(
        """select f.name, (select count(*) from feed_record r where r.feed_id = f.id),
                  (select max(i.finished_at) from catalogue_import i where i.feed_id = f.id and i.state = 'done')
             from feed f order by f.name"""
    ):
        age = None if finished is None else round(max(now - finished, 0) / _DAY, 1)
        yield {"feed": feed, "products": products, "imported_at": clock.show(finished), "age_days": age}


def likeness(name: str, brand: str) -> str:
    """What stays of a name when case, accents, punctuation and the order of words do not count.

    The fingerprint of OpenRefine's key collision clustering, with numbers apart from their units: "Mug, blue 30cl" and
    "Blue mug 30 cl" are alike.
    """
    letters = unicodedata.normalize("NFKD", f"{brand} {name}".casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(sorted(set(_WORDS.findall(plain))))


def _duplicates(unit: Unit) -> dict[str, Any]:
    # First only numbers, so that a million products take megabytes; then the names of those that occur twice.
    seen = array("q", (_hash(alike) for _, alike in _likenesses(unit)))
    twice = set(_repeated(sorted(seen)))
    groups: dict[str, list[str]] = {}
    for sku, alike in _likenesses(unit) if twice else ():
        if _hash(alike) in twice and (alike in groups or len(groups) < _SHOWN):
            groups.setdefault(alike, []).append(sku)
    examples = [{"like": alike, "skus": skus} for alike, skus in groups.items()]
    return {"groups": len(twice), "examples": examples}


def _likenesses(unit: Unit) -> Iterator[tuple[str, str]]:
    # Variants of one product are meant to be alike.
    rows = unit.stream("select sku, name, brand from product where status <> 'retired' and parent_sku = '' order by id")
    return ((sku, likeness(name, brand)) for sku, name, brand in rows)


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little", signed=True)


def _repeated(numbers: Iterable[int]) -> Iterator[int]:
    before = None
    for number in numbers:
        if number == before:
            yield number
        before = number
