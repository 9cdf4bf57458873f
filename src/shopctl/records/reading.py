"""Reads files of rows with known columns, CSV and NDJSON, plain or gzipped: each row as texts by column, or rejected.

What is not such a file is refused as a whole. A rejects file is read as the file it came from.
"""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, BinaryIO, NamedTuple

from shopctl.records.errors import ColumnTwice, EndlessRecord, NoRowsInFile, NotAFeed, UnknownColumns
from shopctl.records.lines import EndlessLine, Lines
from shopctl.records.rejects import LEADING, Reject
from shopctl.records.source import Limits, Source, Transcoded

_RECORD = ["record"]  # the one column of an NDJSON file's rejects: the row as it was
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


Naming = Callable[[tuple[str, ...]], Mapping[str, str]]
"""What the names of columns mean, as our names for them; one that it leaves out is ignored."""


class Row(NamedTuple):
    """One row: the line on which it begins, its texts by column, and its cells as a rejects file repeats them."""

    line: int
    values: dict[str, str]
    cells: Sequence[str]

    def reject(self, field: str, code: str, message: str) -> Reject:
        """This row, which does not go in, and why."""
        return Reject(self.line, field, code, message, self.cells)


class RowFile:
    """An opened file; iterating gives its rows and rejects in their order, in bounded memory, once.

    `header` is what the cells of its rejects stand under, `names` our names for these columns (none in NDJSON). A
    column that the file or a row does not name is not in the values. In NDJSON a string is taken as it is, null is the
    empty text, true and false are these words, a number is as it is written, and a list or an object is compact JSON.
    """

    def __init__(
        self,
        path: str,
        columns: Collection[str],
        limits: Limits | None = None,
        *,
        file: BinaryIO | None = None,
        naming: Naming | None = None,
    ) -> None:
        """Open the file at `path` ("-": standard input); `file` stands in for it where it was opened already.

        Without `naming` the file may have no columns but these. With it `ignored` holds the names, in the order in
        which they were met, that mean nothing. Raises BrokenFeed (exit 12) for what is no such file or has other
        columns, NotFound, UnreadableFile.
        """
        self.columns = tuple(columns)
        self.ignored: dict[str, None] = {}
        self._naming = None if naming is None else lru_cache(1000)(naming)
        self.source = Source(path, limits or Limits(), head_bytes=64 << 10, file=file)
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        source = self.source
        utf_16 = source.head.startswith(_UTF_16)
        if not utf_16 and source.head.count(0) > max(3, len(source.head) // 500):
            raise NotAFeed(file=source.name, kind="binary data")
        self._lines = Lines(Transcoded(source, "utf-16") if utf_16 else source, source.limits.record_bytes)
        self._offset, self._delimiter, self.header = 0, ",", _RECORD
        self.names: list[str] = []
        with self._refusing():
            first = self._first_line()
            self.format = "ndjson" if first.startswith("{") else "csv"
            if self.format == "csv":
                self._take_header(first)

    def __iter__(self) -> Iterator[Row | Reject]:
        """Rows and rejects. Raises EndlessRecord, NoRowsInFile, and what unpacking raises."""
        nothing = True
        with self._refusing():
            for record in self._json_rows() if self.format == "ndjson" else self._csv_rows():
                nothing = False
                yield record
        if nothing:
            raise NoRowsInFile(file=self.source.name)

    @property
    def size(self) -> int | None:
        """Bytes of the file, None for a pipe."""
        return self.source.size

    @property
    def position(self) -> int:
        """Bytes consumed so far, beside `size`."""
        return self.source.position

    def close(self) -> None:
        """Let go of the file."""
        self.source.close()

    def _refusing(self) -> _Refusing:
        return _Refusing(self.source)

    def _first_line(self) -> str:
        """The first line with something on it: the header, or in NDJSON a row, which is put back."""
        while (raw := self._lines.next()) is not None:
            text = raw.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace").strip("\r\n")
            if text.lower().startswith("sep=") and len(text) == 5:
                self._delimiter = text[4]
            elif text.strip():
                if text.lstrip().startswith("{"):
                    self._lines.put_back([raw.removeprefix(codecs.BOM_UTF8)])
                return text.lstrip() if text.lstrip().startswith("{") else text
        raise NoRowsInFile(file=self.source.name)

    def _take_header(self, text: str) -> None:
        best = max(",;\t", key=lambda each: (len(self._known(_split(text, each))), each == self._delimiter))
        if self._known(_split(text, best)):
            self._delimiter = best
        names = _split(text, self._delimiter)
        while names and not names[-1].strip():
            names.pop()
        self._offset = len(LEADING) if tuple(names[: len(LEADING)]) == LEADING else 0
        self.header = names[self._offset :]
        if self._offset and self.header == _RECORD:
            return
        self.names = self._named(self.header)
        if self._naming is not None:
            return
        if unknown := [name for name in self.header if _normal(name) not in self.columns]:
            listed = ", ".join(repr(name[:40]) for name in unknown[:10])
            raise UnknownColumns(file=self.source.name, unknown=listed, known=", ".join(self.columns))
        for name in self.names:
            if self.names.count(name) > 1:
                raise ColumnTwice(file=self.source.name, column=name)

    def _named(self, names: Sequence[str]) -> list[str]:
        """Our names for these columns, the empty one for those that are ignored."""
        if self._naming is None:
            return [_normal(name) for name in names]
        meaning = self._naming(tuple(names))
        for name in names:
            if name not in meaning and name.strip():
                self.ignored[name] = None
        return [meaning.get(name, "") for name in names]

    def _known(self, names: Sequence[str]) -> list[str]:
        if self._naming is not None:
            meaning = self._naming(tuple(names))
            return [name for name in names if name in meaning or name in (*LEADING, *_RECORD)]
        return [name for name in names if _normal(name) in self.columns or name in (*LEADING, *_RECORD)]

    def _csv_rows(self) -> Iterator[Row | Reject]:
        lines = self._lines
        while True:
            if (plain := self._plain_row()) is not None:
                yield plain
                continue
            # A reader for each row: one that does not close its quotes leaves nothing behind.
            texts = _Texts(lines, self.source.limits.record_bytes)
            consumed = texts.consumed
            try:
                cells = next(csv.reader(texts, delimiter=self._delimiter, strict=True), None)
            except csv.Error as problem:
                cells, wrong = None, f"the row is not valid CSV: {problem}"
            else:
                if cells is None:
                    return
                wrong = self._misfit(cells)
            line = lines.number - len(consumed) + 1
            if wrong:
                # A quote that is not closed swallows rows; they are given back, and only its own line is rejected.
                lines.put_back(consumed[1:])
                if len(consumed) > 1 or cells is None:
                    cells = _split(consumed[0].decode("utf-8", "surrogateescape").rstrip("\r\n"), self._delimiter)
                yield Reject(line, "", "row.csv", wrong, cells[self._offset :])
            elif cells and any(cells):
                yield self._row(line, cells)

    def _plain_row(self) -> Row | None:
        """The next row where it is as nearly all are, and no CSV is needed to read it: without quotes, in ASCII."""
        if (raw := self._lines.next()) is None:
            return None
        if b'"' not in raw and raw.isascii() and b"\0" not in raw and b"\r" not in raw[:-2]:
            cells = raw.decode("ascii").rstrip("\r\n").split(self._delimiter)
            if len(cells) == self._offset + len(self.header) and self.header != _RECORD and any(cells):
                cells = cells[self._offset :]
                return Row(self._lines.number, self._values(cells), cells)
        self._lines.put_back([raw])
        return None

    def _values(self, cells: list[str]) -> dict[str, str]:
        values = dict(zip(self.names, cells, strict=True))
        values.pop("", None)
        return values

    def _misfit(self, cells: Sequence[str]) -> str:
        """What is wrong with the number of cells, empty when it fits; blank ones may be too many."""
        width = self._offset + len(self.header)
        if len(cells) == width or not any(cells[width:]) and len(cells) > width or not any(cells):
            return ""
        return f"the row has {len(cells)} cells, the header {width}"

    def _row(self, line: int, cells: list[str]) -> Row | Reject:
        cells = cells[self._offset : self._offset + len(self.header)]
        if self.header == _RECORD:
            return self._json_row(line, cells[0])
        return _checked(Row(line, self._values(cells), cells))

    def _json_rows(self) -> Iterator[Row | Reject]:
        while (raw := self._lines.next()) is not None:
            if text := raw.decode("utf-8", "surrogateescape").strip():
                yield self._json_row(self._lines.number, text)

    def _json_row(self, line: int, text: str) -> Row | Reject:
        try:
            record = json.loads(text, parse_int=str, parse_float=str, parse_constant=_no_constant)
        except (ValueError, RecursionError) as problem:
            what = problem.msg if isinstance(problem, json.JSONDecodeError) else "it cannot be read"
            return Reject(line, "", "row.json", f"the row is not valid JSON: {what}", [text])
        if not isinstance(record, dict):
            return Reject(line, "", "row.json", "the row is not an object", [text])
        names = self._named(tuple(record))
        values = {name: _text(value) for name, value in zip(names, record.values(), strict=True) if name}
        row = Row(line, values, [text])
        for name in values:
            if name not in self.columns:
                return row.reject("", "row.unknown_column", f"there is no column {name[:40]!r}")
        return _checked(row)


class _Texts:
    """The lines of one row as text; `consumed` are those taken. They go on where an earlier row came to the end."""

    def __init__(self, lines: Lines, limit: int) -> None:
        self.consumed: list[bytes] = []
        self._lines = lines
        self._left = limit

    def __iter__(self) -> _Texts:
        return self

    def __next__(self) -> str:
        raw = self._lines.next()
        if raw is None:
            raise StopIteration
        self._left -= len(raw)
        if self._left < 0:
            raise EndlessLine(self._lines.number - len(self.consumed))
        self.consumed.append(raw)
        # A byte that is no UTF-8 becomes a lone surrogate, for which the row is rejected.
        return raw.decode("utf-8", "surrogateescape")


class _Refusing:
    """Names the file in which a row does not end."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, EndlessLine):
            limit = self._source.limits.record_bytes
            raise EndlessRecord(file=self._source.name, limit=limit, line=error.line) from None


def _checked(row: Row) -> Row | Reject:
    """The row, unless it holds what no database stores: NUL and lone surrogates."""
    for name, text in row.values.items():
        if text.isascii():
            if "\0" in text:
                return row.reject(name, "text.invalid", f"{name} holds a NUL character")
            continue
        try:
            text.encode()
        except UnicodeEncodeError:
            return row.reject(name, "text.encoding", f"{name} holds what is no UTF-8")
        if "\0" in text:
            return row.reject(name, "text.invalid", f"{name} holds a NUL character")
    return row


def _split(text: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:
        return [text]


def _normal(name: str) -> str:
    return name.strip().casefold().replace(" ", "_").replace("-", "_")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
