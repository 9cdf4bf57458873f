"""What the catalogue needs from outside: a search engine that holds one document for each product."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from shopctl.kernel.clock import Instant

Counts = list[list[tuple[str, int]]]
"""For each field that was counted: its values and how many products have them, the most frequent first."""

Keyword = Literal["brand", "category", "fact", "kind", "sku", "tag"]
"""A field that is compared as a whole; case and accents do not count."""


class Cost(NamedTuple):
    """What one piece of a product costs in a currency by the default price list, in minor units.

    `amounts` are those of every moment; `varies` when it depends on the moment which of them holds, if any.
    """

    currency: str
    amounts: tuple[int, ...]
    varies: bool


class Document(NamedTuple):
    """What an index holds of a product: words to be found by, keywords and prices to choose and count by. No stock."""

    id: int
    sku: str
    name: str
    brand: str
    kind: str
    description: str
    categories: tuple[str, ...]  # paths, each with all that are above it
    tags: tuple[str, ...]
    details: str  # further words: tags, options, attributes, the parent's SKU
    facts: tuple[tuple[str, str], ...]  # options and attributes as (key, value)
    visible: tuple[Instant, Instant] | None  # from and until when buyers meet it; None: never
    costs: tuple[Cost, ...] = ()


class Filter(NamedTuple):
    """A keyword that matching documents have, or do not have (`negated`); an empty value: none at all in this field."""

    field: Keyword
    value: str
    key: str = ""  # of a fact
    negated: bool = False


class Way(NamedTuple):
    """One way to meet a place of a question: these words, as they are looked up, and how much it is worth."""

    words: tuple[str, ...]
    weight: float = 1.0
    phrase: bool = False  # side by side in one field, else anywhere
    begins: bool = False  # a single word that may go on


class Place(NamedTuple):
    """What stood at one place of a question; the best of its ways counts."""

    ways: tuple[Way, ...]
    required: bool = True  # a word such as "for" is not


class Priced(NamedTuple):
    """Products that at some moment cost something in one range of each condition; bounds are included.

    `varying` asks for those of them alone whose price in this currency depends on the moment.
    """

    currency: str
    conditions: tuple[tuple[tuple[int, int], ...], ...]
    varying: bool = False


class Question(NamedTuple):
    """What to look for. Blank text asks for every document; `visible_at` for those that buyers meet then.

    `places` is the text as it was read; None: each of its words is a place, the last one may go on.
    """

    text: str
    filters: tuple[Filter, ...] = ()
    visible_at: Instant | None = None
    every_word: bool = True  # every place that is required; else any one is enough
    places: tuple[Place, ...] | None = None
    priced: Priced | None = None
    without: tuple[int, ...] = ()  # products left out, by their numbers


class Found(NamedTuple):
    """How many documents match, and some of them as (id, score), the best first."""

    total: int
    hits: list[tuple[int, float]]


class Position(NamedTuple):
    """How far an index has followed the change log; it is committed together with the documents."""

    seen: int  # changes below this number are in it
    mark: str  # tells whether it is still the same log


class Writer(Protocol):
    """Changes an index; nothing shows, nor survives, before `commit`."""

    def add(self, documents: Iterable[Document]) -> None:
        """Add documents that are not there yet."""

    def remove(self, ids: Iterable[int]) -> None:
        """Take documents out; those that are not there do not matter."""

    def commit(self, position: Position) -> None:
        """Make everything since the last commit permanent, and visible to indexes opened or renewed from now on."""


class Index(Protocol):
    """An opened index as it was at its latest commit. Every method raises IndexUnusable when its files are damaged."""

    @property
    def documents(self) -> int:
        """How many products it holds."""

    @property
    def position(self) -> Position:
        """How far it has followed the change log."""

    def find(self, question: Question, limit: int) -> Found:
        """The first `limit` matches, and behind them all that are as good as the last; without words by SKU.

        Which of equally good ones comes first is left to who asks: the database tells SKUs faster.
        """

    def every(self, question: Question) -> list[tuple[int, float]]:
        """All matches as (id, score), in no order; without words the score is nothing."""

    def count(
        self,
        question: Question,
        columns: Sequence[tuple[Keyword, str]],
        most: int,
        *,
        within: Collection[int] | None = None,
    ) -> Counts:
        """For each field, with the key of a fact: its `most` frequent values among all matches.

        `within` leaves only these ids.
        """

    def counting(self, question: Question, columns: Sequence[tuple[Keyword, str]], most: int) -> Callable[[], Counts]:
        """What `count` tells, begun now where it can go on beside other work, and waited for when it is called."""

    def varies(self, currency: str) -> bool:
        """Whether any product may have a price in this currency that depends on the moment."""

    def has_fact(self, key: str) -> bool:
        """Whether any product has an option or attribute of this name."""

    def words(self, text: str) -> Sequence[str]:
        """A text as the words that are looked up."""

    def stem(self, word: str) -> str:
        """A word without its ending."""

    def frequency(self, word: str) -> int:
        """How many products have this very word elsewhere than in their description."""

    def knows(self, word: str) -> bool:
        """Whether any product has a word with this one's stem, wherever."""

    def beginning(self, start: str, limit: int) -> Sequence[tuple[str, int]]:
        """Words that begin so, each with its frequency, the most frequent first."""

    def together(self, words: Sequence[str]) -> int:
        """How many products have these words side by side in their name."""

    def writer(self, *, bulk: bool) -> AbstractContextManager[Writer]:
        """Change it, alone: the caller keeps others off. `bulk` spends memory and threads on a whole catalogue."""

    def renew(self) -> None:
        """Look at the latest commit."""


class Engine(Protocol):
    """A library that makes and opens indexes, each in a folder of its own."""

    name: str
    language: str  # of the stems
    format: int  # raised whenever an index of before could not be used, or would answer differently

    def create(self, folder: Path) -> Index:
        """Make an empty index in an empty folder."""

    def open(self, folder: Path) -> Index:
        """Open one. Raises IndexUnusable."""

    def stamp(self, folder: Path) -> object:
        """What no two commits have in common, without opening anything. Raises OSError where there is no index."""
