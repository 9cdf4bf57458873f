"""The default search engine: indexes made and read with tantivy."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import tantivy
from tantivy import Order

from shopctl.catalogue.engines.alike import lifted
from shopctl.catalogue.engines.aside import begun
from shopctl.catalogue.engines.columns import COLUMNS, WEIGHTS
from shopctl.catalogue.engines.errors import IndexNotWritten, IndexUnusable
from shopctl.catalogue.engines.tantivy_query import filled, of_ids, query_of, side_by_side, stem_of, words_of
from shopctl.catalogue.engines.tantivy_schema import (
    FORMAT,
    POSITION_ID,
    VALUE,
    fact_column,
    prepared,
    schema,
    written,
)
from shopctl.catalogue.ports import Counts, Document, Found, Index, Keyword, Position, Question, Writer

_LITTLE_HEAP = 20_000_000  # bytes; a few thousand documents fit in one segment
_BULK_HEAP = 64_000_000  # with more the writer is no faster, and merging needs memory beside it
_THREADS = 1  # another is slower: documents are made in one, and segments are merged in threads of their own
_SEGMENT_VALUES = 60_000  # so many of each segment are added up; below tantivy's limit of 65,000
_BATCH = 500
_LARGE = 300_000  # products; of fewer, values are counted in less time than a busy machine takes to wake a thread
_TIED = 100  # equally good hits that are looked at behind the last place asked for


class TantivyEngine:
    """Makes and opens indexes."""

    name = "tantivy"
    format = FORMAT

    def __init__(self, language: str = "english") -> None:
        self.language = language

    def create(self, folder: Path) -> Index:
        """Make an empty index in an empty folder."""
        with _written(folder):
            index = tantivy.Index(schema(), path=str(folder))
        return TantivyIndex(prepared(index, self.language), folder, self.language)

    def open(self, folder: Path) -> Index:
        """Open one. Raises IndexUnusable."""
        with _READABLE:
            index = tantivy.Index.open(str(folder))
        return TantivyIndex(prepared(index, self.language), folder, self.language)

    def stamp(self, folder: Path) -> object:
        """The list of segments is a file that each commit replaces by another."""
        found = os.stat(f"{folder}/meta.json")
        return found.st_ino, found.st_mtime_ns, found.st_size


class TantivyIndex:
    """An index as it was at its latest commit."""

    def __init__(self, index: Any, folder: Path, language: str) -> None:
        self._index = index
        self._folder = folder
        self._language = language
        self._searcher: Any = None
        self._position: Position | None = None
        self.renew()

    def renew(self) -> None:
        """Look at the latest commit."""
        with _READABLE:
            if self._searcher is not None:
                self._index.reload()
            self._searcher = self._index.searcher()
        self._position = None

    @property
    def documents(self) -> int:
        """How many products it holds."""
        return max(0, int(self._searcher.num_docs) - 1)

    @property
    def position(self) -> Position:
        """How far it has followed the change log. Raises IndexUnusable for an index that was never committed."""
        if self._position is None:
            with _READABLE:
                found = self._searcher.search(of_ids([POSITION_ID]), 1).hits
                if not found:
                    raise IndexUnusable(reason="it was never finished")
                seen, _, mark = self._searcher.doc(found[0][1]).get_first("position").partition(" ")
                self._position = Position(int(seen), mark)
        return self._position

    def find(self, question: Question, limit: int) -> Found:
        """The first `limit` matches, and behind them all that are as good as the last; without words by SKU."""
        query = query_of(question, self._language)
        most = max(1, self._searcher.num_docs)
        wanted = min(limit, most)
        with _READABLE:
            if not question.text.strip():
                found = self._searcher.search(query, wanted, order_by_field=COLUMNS["sku"], order=Order.Asc)
                return Found(found.count, self._hits([(place, 0.0) for _, place in found.hits]))
            ask = min(wanted + _TIED, most)
            found = self._searcher.search(query, ask)
            places = self._lifted(found.hits)
            # The last place asked for may fall among equally good ones: then all of these are needed.
            while ask < most and len(places) == ask and places[-1][1] == places[wanted - 1][1]:
                ask = min(ask * 8, most)
                found = self._searcher.search(query, ask)
                places = self._lifted(found.hits)
            return Found(found.count, self._hits(_with_ties(places, wanted)))

    def every(self, question: Question) -> list[tuple[int, float]]:
        """All matches as (id, score), in no order."""
        query = query_of(question, self._language)
        with _READABLE:
            found = self._searcher.search(query, max(1, self._searcher.num_docs), count=False)
            if question.text.strip():
                return self._hits(self._lifted(found.hits))
            return self._hits([(place, 0.0) for _, place in found.hits])

    def count(
        self,
        question: Question,
        columns: Sequence[tuple[Keyword, str]],
        most: int,
        *,
        within: Collection[int] | None = None,
    ) -> Counts:
        """For each field: its `most` frequent values among all matches, equally frequent ones by value.

        Which of them come last when there are more is not settled.
        """
        asked = {str(number): counted(field, key, most) for number, (field, key) in enumerate(columns)}
        query = query_of(question, self._language) if within is None else of_ids(within)
        with _READABLE:
            found = self._searcher.aggregate(query, asked)
        return [_counts(field, found[str(number)]["buckets"]) for number, (field, _) in enumerate(columns)]

    def counting(self, question: Question, columns: Sequence[tuple[Keyword, str]], most: int) -> Callable[[], Counts]:
        """What `count` tells; of a large catalogue in a thread of its own: tantivy leaves Python's lock to others."""
        if self.documents < _LARGE:
            return lambda: self.count(question, columns, most)
        return begun(lambda: self.count(question, columns, most))

    def varies(self, currency: str) -> bool:
        """Whether any product may have a price in this currency that depends on the moment."""
        with _READABLE:
            return bool(self._searcher.doc_freq("price_varies", currency))

    def has_fact(self, key: str) -> bool:
        """Whether any product has an option or attribute of this name."""
        with _READABLE:
            return bool(self._searcher.search(filled(fact_column(key)), 1, count=False).hits)

    def words(self, text: str) -> Sequence[str]:
        """A text as the words that are looked up."""
        return words_of(text)

    def stem(self, word: str) -> str:
        """A word without its ending."""
        return stem_of(word, self._language)

    def frequency(self, word: str) -> int:
        """How many products have this very word elsewhere than in their description."""
        with _READABLE:
            return int(self._searcher.doc_freq("words", word))

    def knows(self, word: str) -> bool:
        """Whether any product has a word with this one's stem, wherever."""
        if self.frequency(word):
            return True
        stem = self.stem(word)
        with _READABLE:
            return any(self._searcher.doc_freq(name, stem) for name in WEIGHTS)

    def beginning(self, start: str, limit: int) -> Sequence[tuple[str, int]]:
        """Words that begin so, each with its frequency, the most frequent first."""
        with _READABLE:
            found: list[tuple[str, int]] = self._searcher.terms_with_prefix("words", start, None, limit)
        return found

    def together(self, words: Sequence[str]) -> int:
        """How many products have these words side by side in their name."""
        with _READABLE:
            return int(self._searcher.search(side_by_side(words, self._language), 1).count)

    @contextmanager
    def writer(self, *, bulk: bool) -> Iterator[Writer]:
        """Change it; what was not committed is lost. `bulk` waits at its end until segments are merged."""
        with _written(self._folder):
            writer = self._index.writer(_BULK_HEAP if bulk else _LITTLE_HEAP, _THREADS)
        open_writer = TantivyWriter(writer, self._folder, self._language)
        del writer
        try:
            yield open_writer
        finally:
            open_writer.close(merged=bulk)

    def _lifted(self, pairs: Sequence[tuple[Any, Any]]) -> list[tuple[Any, float]]:
        places = [(place, score) for score, place in pairs]
        return lifted(places, lambda best: self._searcher.fast_field_values("alike", best))

    def _hits(self, places: Sequence[tuple[Any, float]]) -> list[tuple[int, float]]:
        ids = self._searcher.fast_field_values("id", [place for place, _ in places])
        return [(number, score) for (_, score), number in zip(places, ids, strict=True)]


class TantivyWriter:
    """Changes an index; nothing shows before `commit`."""

    def __init__(self, writer: Any, folder: Path, language: str) -> None:
        self._writer = writer
        self._folder = folder
        self._language = language

    def add(self, documents: Iterable[Document]) -> None:
        """Add documents that are not there yet."""
        add, source = self._writer.add_document, iter(documents)
        while batch := list(islice(source, _BATCH)):
            with _written(self._folder):
                for document in batch:
                    add(written(document, self._language))

    def remove(self, ids: Iterable[int]) -> None:
        """Take documents out; those that are not there do not matter."""
        with _written(self._folder):
            for number in ids:
                self._writer.delete_documents_by_term("id", number)

    def commit(self, position: Position) -> None:
        """Make everything since the last commit permanent, the position in the same breath."""
        with _written(self._folder):
            # tantivy's own commit payload cannot be reached from Python: the position is a document of its own.
            self._writer.delete_documents_by_term("id", POSITION_ID)
            self._writer.add_document(
                tantivy.Document.from_dict({"id": POSITION_ID, "position": f"{position.seen} {position.mark}"})
            )
            self._writer.commit()

    def close(self, *, merged: bool) -> None:
        """Let go of the index, which forgets what was not committed; `merged` waits until its segments are."""
        writer, self._writer = self._writer, None
        if merged:
            with _written(self._folder):
                writer.wait_merging_threads()


def _with_ties(places: Sequence[tuple[Any, float]], wanted: int) -> Sequence[tuple[Any, float]]:
    """The first places, and those behind them that are as good as the last."""
    last = wanted
    while 0 < last < len(places) and places[last][1] == places[wanted - 1][1]:
        last += 1
    return places[:last]


def _counts(field: Keyword, buckets: Sequence[dict[str, Any]]) -> list[tuple[str, int]]:
    start = len(VALUE) if field == "fact" else 0
    counts = [(-bucket["doc_count"], bucket["key"][start:]) for bucket in buckets]
    counts.sort()
    return [(value, -count) for count, value in counts]


def counted(field: Keyword, key: str, most: int) -> dict[str, Any]:
    """What tantivy is asked for to count the values of a field."""
    column = fact_column(key) if field == "fact" else COLUMNS[field]
    return {"terms": {"field": column, "size": most, "segment_size": _SEGMENT_VALUES}}


class _Readable:
    """Turns what tantivy raises inside into IndexUnusable; a class, since each word of a question enters it often."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        # A damaged file may also make tantivy panic, which is no Exception.
        if isinstance(error, ValueError | OSError) or type(error).__name__ == "PanicException":
            assert error is not None
            raise _damaged(error) from None


_READABLE = _Readable()


def _damaged(error: BaseException) -> IndexUnusable:
    from shopctl.kernel import logging

    # Tantivy's own words, with parts of the file in them, tell only those who look for them.
    logging.debug("the search index cannot be read", reason=_first_line(error))
    return IndexUnusable(reason="it is damaged")


@contextmanager
def _written(folder: Path) -> Iterator[None]:
    try:
        yield
    except (ValueError, OSError) as error:
        raise IndexNotWritten(folder=folder, reason=_first_line(error)) from None


def _first_line(error: BaseException) -> str:
    return str(error).split("\n", 1)[0][:300].rstrip(".") or type(error).__name__
