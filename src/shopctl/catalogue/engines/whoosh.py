"""The search engine for places without wheels: indexes made and read with whoosh, which is pure Python."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from whoosh import index as whoosh_index
from whoosh.query import Term

from shopctl.catalogue.engines.alike import lifted
from shopctl.catalogue.engines.columns import WEIGHTS
from shopctl.catalogue.engines.errors import IndexNotWritten, IndexUnusable
from shopctl.catalogue.engines.whoosh_query import filters_of, query_of, side_by_side
from shopctl.catalogue.engines.whoosh_schema import (
    FORMAT,
    POSITION_ID,
    has_value,
    may_cost,
    schema,
    stemmer,
    value_of,
    words_of,
    written,
)
from shopctl.catalogue.ports import Counts, Document, Found, Index, Keyword, Position, Question, Writer

_LITTLE_MEMORY, _BULK_MEMORY = 32, 128  # MB before a segment is written
_DIGITS = 4  # of a score that tell two hits apart: sums in another order differ behind them


class WhooshEngine:
    """Makes and opens indexes."""

    name = "whoosh"
    format = FORMAT

    def __init__(self, language: str = "english") -> None:
        self.language = language

    def create(self, folder: Path) -> Index:
        """Make an empty index in an empty folder."""
        with _written(folder):
            index = whoosh_index.create_in(str(folder), schema(self.language))
        return WhooshIndex(index, folder, self.language)

    def open(self, folder: Path) -> Index:
        """Open one. Raises IndexUnusable."""
        with _readable():
            index = whoosh_index.open_dir(str(folder), schema=schema(self.language))
        return WhooshIndex(index, folder, self.language)

    def stamp(self, folder: Path) -> object:
        """The list of segments has a number in its name, which each commit raises."""
        return sorted(name for name in os.listdir(folder) if name.endswith(".toc"))


class WhooshIndex:
    """An index as it was at its latest commit."""

    def __init__(self, index: Any, folder: Path, language: str) -> None:
        self._index = index
        self._folder = folder
        self._language = language
        self._searcher: Any = None
        self.renew()

    def renew(self) -> None:
        """Look at the latest commit."""
        with _readable():
            if self._searcher is not None:
                self._searcher.close()
            self._searcher = self._index.searcher()

    @property
    def documents(self) -> int:
        """How many products it holds."""
        with _readable():
            return max(0, int(self._searcher.doc_count()) - 1)

    @property
    def position(self) -> Position:
        """How far it has followed the change log. Raises IndexUnusable for an index that was never committed."""
        with _readable():
            found = self._searcher.document(id=POSITION_ID)
        if found is None:
            raise IndexUnusable(reason="it was never finished")
        return Position(*found["position"])

    def find(self, question: Question, limit: int) -> Found:
        """The first `limit` matches, and behind them all that are as good as the last; without words by SKU."""
        matches = self._matches(question)
        matches.sort(key=lambda match: (-match[1], match[2]["shown"][0]))
        last = limit
        while question.text.strip() and 0 < last < len(matches) and matches[last][1] == matches[limit - 1][1]:
            last += 1
        return Found(len(matches), [(number, score) for number, score, _ in matches[:last]])

    def every(self, question: Question) -> list[tuple[int, float]]:
        """All matches as (id, score), in no order."""
        return [(number, score) for number, score, _ in self._matches(question)]

    def count(
        self,
        question: Question,
        columns: Sequence[tuple[Keyword, str]],
        most: int,
        *,
        within: Collection[int] | None = None,
    ) -> Counts:
        """For each field: its `most` frequent values among all matches, equally frequent ones by value."""
        chosen = None if within is None else set(within)
        counts: list[dict[str, int]] = [{} for _ in columns]
        for number, _, stored in self._matches(question):
            if chosen is None or number in chosen:
                for (field, key), counted in zip(columns, counts, strict=True):
                    values: Iterable[str | None] = stored["values"][field]
                    if field == "fact":
                        values = (value_of(text, key) for text in stored["values"][field])
                    for value in {value for value in values if value is not None}:
                        counted[value] = counted.get(value, 0) + 1
        return [sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:most] for counted in counts]

    def counting(self, question: Question, columns: Sequence[tuple[Keyword, str]], most: int) -> Callable[[], Counts]:
        """What `count` tells, when it is called: two threads of Python are no faster than one."""
        return lambda: self.count(question, columns, most)

    def varies(self, currency: str) -> bool:
        """True: prices are only stored, and finding out would be looking at all of them."""
        return True

    def has_fact(self, key: str) -> bool:
        """Whether any product has an option or attribute of this name."""
        with _readable():
            return bool(self._searcher.reader().doc_frequency("filled", has_value("fact", key)))

    def words(self, text: str) -> Sequence[str]:
        """A text as the words that are looked up."""
        return words_of(text)

    def stem(self, word: str) -> str:
        """A word without its ending."""
        return stemmer(self._language)(word)

    def frequency(self, word: str) -> int:
        """How many products have this very word elsewhere than in their description."""
        with _readable():
            return int(self._searcher.reader().doc_frequency("words", word))

    def knows(self, word: str) -> bool:
        """Whether any product has a word with this one's stem, wherever."""
        if self.frequency(word):
            return True
        stem = self.stem(word)
        with _readable():
            return any(self._searcher.reader().doc_frequency(name, stem) for name in WEIGHTS)

    def beginning(self, start: str, limit: int) -> Sequence[tuple[str, int]]:
        """Words that begin so, each with its frequency, the most frequent first."""
        with _readable():
            reader = self._searcher.reader()
            found = [
                (text.decode(), int(reader.doc_frequency("words", text)))
                for text in reader.expand_prefix("words", start)
            ]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:limit]

    def together(self, words: Sequence[str]) -> int:
        """How many products have these words side by side in their name."""
        with _readable():
            return sum(1 for _ in self._searcher.docs_for_query(side_by_side(words, self._language)))

    @contextmanager
    def writer(self, *, bulk: bool) -> Iterator[Writer]:
        """Change it; what was not committed is lost."""
        open_writer = WhooshWriter(self._index, self._folder, self._language, _BULK_MEMORY if bulk else _LITTLE_MEMORY)
        try:
            yield open_writer
        finally:
            open_writer.close()

    def _matches(self, question: Question) -> list[tuple[int, float, dict[str, Any]]]:
        kept, kept_off = filters_of(question)
        scored = bool(question.text.strip())
        without = set(map(str, question.without))
        found: list[tuple[dict[str, Any], float]] = []
        with _readable():
            results = self._searcher.search(
                query_of(question, self._language), limit=None, filter=kept, mask=kept_off, scored=scored
            )
            for hit in results:
                stored = hit.fields()
                _, visible, costs, _ = stored["shown"]
                at = question.visible_at
                if at is not None and (visible is None or not visible[0] <= at < visible[1]):
                    continue
                if stored["id"] not in without and (question.priced is None or may_cost(costs, question.priced)):
                    found.append((stored, round(float(hit.score), _DIGITS) if scored else 0.0))
        if scored:
            found.sort(key=lambda hit: -hit[1])
            found = lifted(found, lambda best: [stored["shown"][3] for stored in best])
        return [(int(stored["id"]), round(score, _DIGITS), stored) for stored, score in found]


class WhooshWriter:
    """Changes an index; nothing shows before `commit`."""

    def __init__(self, index: Any, folder: Path, language: str, memory: int) -> None:
        self._index = index
        self._folder = folder
        self._language = language
        self._memory = memory
        self._open: Any = None

    def add(self, documents: Iterable[Document]) -> None:
        """Add documents that are not there yet."""
        for document in documents:
            with _written(self._folder):
                self._writer.add_document(**written(document, self._language))

    def remove(self, ids: Iterable[int]) -> None:
        """Take documents out; those that are not there do not matter."""
        with _written(self._folder):
            for number in ids:
                self._writer.delete_by_query(Term("id", str(number)))

    def commit(self, position: Position) -> None:
        """Make everything since the last commit permanent, the position in the same breath."""
        with _written(self._folder):
            self._writer.delete_by_query(Term("id", POSITION_ID))
            self._writer.add_document(id=POSITION_ID, position=tuple(position))
            writer, self._open = self._writer, None
            writer.commit()

    def close(self) -> None:
        """Let go of the index, which forgets what was not committed."""
        if self._open is not None:
            writer, self._open = self._open, None
            writer.cancel()

    @property
    def _writer(self) -> Any:
        if self._open is None:
            self._open = self._index.writer(limitmb=self._memory)
        return self._open


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except IndexUnusable:
        raise
    except Exception as error:
        # A damaged file shows in as many ways as there are bytes in it.
        from shopctl.kernel import logging

        logging.debug("the search index cannot be read", reason=_first_line(error))
        raise IndexUnusable(reason="it is damaged") from None


@contextmanager
def _written(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, whoosh_index.LockError) as error:
        raise IndexNotWritten(folder=folder, reason=_first_line(error)) from None


def _first_line(error: BaseException) -> str:
    return str(error).split("\n", 1)[0][:300].rstrip(".") or type(error).__name__
