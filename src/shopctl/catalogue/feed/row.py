"""The shape of one feed row on its way from a file to the stage: a plain tuple, cheap to build and to marshal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

FeedRow = tuple[Any, ...]
"""One record. A field that is `...` is not given by this feed and stays as it is in the shop."""

LINE = 0  # physical line on which the record starts, 1-based; XLSX: row number; JSON: element number
HASH = 1  # signed 64-bit hash of the raw record, salted with the mapping and the version of the reading rules
SKU = 2
PARENT_SKU = 3  # '' none
KIND = 4
STATUS = 5
NAME = 6
DESCRIPTION = 7
BRAND = 8
CATEGORY = 9  # path text "Home > Kitchen", '' none
CATEGORIES = 10  # JSON list of further paths
TAX_CLASS = 11
OPTIONS = 12  # JSON object
ATTRIBUTES = 13  # JSON object, replaces all attributes
TAGS = 14  # JSON list
MEDIA = 15  # JSON list of {"url", "alt", "kind"?}
COMPONENTS = 16  # JSON list of {"sku", "quantity"}
PUBLISH_AT = 17  # microseconds or None
RETIRE_AT = 18  # microseconds or None
EXTRA = 19  # JSON object of single attributes to set; null removes one
PRICES = 20  # tuple of (currency, amount_minor, list, min_quantity, valid_from, valid_until); no amount: it goes
PRICES_WHOLE = 21  # True: PRICES replaces all prices; False: it sets only those of the same key
STOCK = 22  # tuple of (location, quantity)

FIELDS = (
    "line",
    "hash",
    "sku",
    "parent_sku",
    "kind",
    "status",
    "name",
    "description",
    "brand",
    "category",
    "categories",
    "tax_class",
    "options",
    "attributes",
    "tags",
    "media",
    "components",
    "publish_at",
    "retire_at",
    "extra",
    "prices",
    "prices_whole",
    "stock",
)

DEFAULT_LIST = "default"
DEFAULT_LOCATION = "default"

# What a creation uses for the fields its feed does not give.
DEFAULTS: FeedRow = (
    0, 0, "", "", "physical", "active", "", "", "", "", "[]", "", "{}", "{}", "[]", "[]", "[]", None, None, "{}", (),
    False, (),
)  # fmt: skip

KINDS = ("physical", "digital", "service", "subscription", "bundle")
STATUSES = ("draft", "active", "retired")

# Raise it whenever the same bytes would be read into a different row: it salts the hashes, so that known records are
# read anew.
RULES_VERSION = 2


class Reject(NamedTuple):
    """A record that does not go in, and why; `row` holds the cells under `Feed.header`."""

    line: int
    sku: str
    field: str
    code: str
    message: str
    row: list[str]


class Batch(NamedTuple):
    """Up to about 500 records in the order of the file."""

    rows: list[FeedRow]
    rejects: list[Reject]
    known: list[tuple[int, int]]  # (line, hash) of the records that were in `known`, not read any further
    position: int  # bytes of the file consumed so far (of the packed file, for gzip)
    line: int  # last physical line consumed; resume with start_line=line


class Known(Protocol):
    """The records that a feed brought before."""

    def unknown(self, hashes: Sequence[int]) -> list[int]:
        """Which of the records read next, by their index, are not known."""
        ...


class _Anew:
    def unknown(self, hashes: Sequence[int]) -> list[int]:
        return list(range(len(hashes)))


ANEW: Known = _Anew()
"""For a feed that is read for the first time."""


class Feed(Protocol):
    """An opened feed whose head has been read, checked and mapped."""

    format: str
    name: str  # the mapping's `feed`, else the format
    header: list[str]  # columns of the rejects file; ["record"] for JSON feeds, whose cell is the record as JSON text
    fields: frozenset[str]  # names out of FIELDS this feed can give
    size: int | None  # bytes of the file, None for a pipe
    # From a product and its variants (`shops.shop.Family`) to the rows a file of this format would say of them; None
    # where the format can say everything.
    read_back: Callable[[Any], Iterable[FeedRow]] | None

    def batches(self, known: Known = ANEW, start_line: int = 0) -> Iterator[Batch]:
        """Read on. A record whose hash is in `known` is reported there and not parsed.

        Records that start at or before `start_line` are passed over. Raises errors.BrokenFeed when the file breaks
        midway.
        """
        ...


def canonical(value: object) -> str:
    """JSON text with sorted keys, no spaces, no escapes beyond the necessary: equal values give equal texts."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


_Item = TypeVar("_Item")


def portions(
    items: Iterable[_Item], size: Callable[[_Item], int], most: int = 500, most_size: int = 1 << 20
) -> Iterator[list[_Item]]:
    """Lists of up to `most` items, ended early where their sizes add up to more than `most_size`."""
    portion: list[_Item] = []
    total = 0
    for item in items:
        portion.append(item)
        total += size(item)
        if len(portion) >= most or total > most_size:
            yield portion
            portion, total = [], 0
    if portion:
        yield portion
