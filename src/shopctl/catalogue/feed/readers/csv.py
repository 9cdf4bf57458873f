"""Reads CSV: bytes to records to hashes to cells to rows, a piece of about 500 records at a time."""

from __future__ import annotations

import codecs
import csv
from bisect import bisect_right
from collections.abc import Callable, Container, Iterator, Sequence

from shopctl.catalogue.feed import dialect as dialects
from shopctl.catalogue.feed.ahead import Part, after, looked_at
from shopctl.catalogue.feed.errors import NoRows
from shopctl.catalogue.feed.mapping import Mapping
from shopctl.catalogue.feed.row import ANEW, Batch, Known, Reject
from shopctl.catalogue.feed.shops.reading import table_of
from shopctl.catalogue.feed.splitting import EndlessLine, Piece, Splitter
from shopctl.catalogue.feed.validate import Bad
from shopctl.records.errors import EndlessRecord, NotAFeed, WrongEncoding
from shopctl.records.source import Source, Stream, Transcoded

RECORDS = 500  # aimed at for one batch


class Misjoined(Exception):
    """The fast cut joined lines that are not one record."""


class CsvFeed:
    """A CSV file whose header has been read and understood. Raises errors.BrokenFeed when it is none.

    `shop` names the shop that wrote it; "auto" has it found by the header, "" is none.
    """

    def __init__(self, source: Source, mapping: Mapping, default_currency: str, shop: str = "auto") -> None:
        self.source = source
        self.size = source.size
        self.limits = source.limits
        encoding, mark = dialects.sniff_encoding(source.head)
        stream: Stream = source
        head = source.head[mark:]
        if mapping.encoding and mapping.encoding not in ("utf-8", "ascii", "utf-8-sig"):
            encoding = mapping.encoding
        if encoding not in ("ascii", "utf-8", "windows-1252"):
            stream, head, mark = Transcoded(source, encoding), _transcode(source, encoding), 0
            encoding = "utf-8"
        if dialects.looks_binary(head):
            raise NotAFeed(file=source.name, kind="binary data")
        self.encoding = encoding
        self.decode: Callable[[bytes], str] = (
            dialects.decode_windows_1252 if encoding == "windows-1252" else bytes.decode
        )
        complete = len(source.head) < 256 << 10
        sample = head.decode("utf-8", "replace") if encoding != "windows-1252" else dialects.decode_windows_1252(head)
        self.dialect = dialects.sniff_dialect(sample, complete, mapping.delimiter)
        average = max(len(sample) // (sample.count("\n") + sample.count("\r") + 1), 8)
        chunk = min(max(average * RECORDS, 8 << 10), 1 << 20)
        self.splitter = Splitter(stream, self.dialect, self.limits.record_bytes, self._fits, chunk)
        self.splitter.skip = mark
        try:
            raw = self.splitter.take_header()
        except EndlessLine as problem:
            raise self._endless(problem) from None
        if not raw:
            raise NoRows(file=source.name)
        samples = self._samples(sample)
        header = self._loose_cells(
            self.decode(raw) if self.encoding == "windows-1252" else raw.decode("utf-8", "replace")
        )
        # Who separates cells by semicolons does so because the comma is the decimal separator there.
        habit = "," if self.dialect.delimiter == ";" else ""
        self.table = table_of(
            source.name, header, samples, mapping, self.limits, default_currency, shop=shop, habit=habit
        )
        self.format = self.table.shop_name or "csv"
        self.name = mapping.feed or self.format
        self.table.padded = self.dialect.padded
        self.table.salt_with((self.dialect, self.encoding == "windows-1252"))
        self.header, self.fields, self.read_back = self.table.header, self.table.fields, self.table.read_back
        # What a rejects file says of its first row tells which import wrote it.
        self.of_rejects = tuple(next((cells for cells in samples if cells), []))[:5] if self.table.offset else None
        if not self._has_rows():
            raise NoRows(file=source.name)

    def _samples(self, sample: str) -> list[list[str]]:
        """The first rows, as far as they can be read."""
        try:
            return self.dialect.reader(sample[: 64 << 10].splitlines(keepends=True))[1:]
        except csv.Error:
            return []

    def _has_rows(self) -> bool:
        while not self.splitter.buffer.strip():
            if self.splitter.ended:
                return False
            self.splitter.fill()
        return True

    def batches(self, known: Known = ANEW, start_line: int = 0) -> Iterator[Batch]:
        """See row.Feed."""
        try:
            if self.table.look is None:
                for piece in self.splitter:
                    yield from self._batches_of(piece, known, start_line)
            else:
                parts = (part for piece in self.splitter for part in self._parts_of(piece))
                for part in looked_at(parts, self.table.look):
                    yield self.table.batch(after(part, start_line), known)
            if self.table.gathers:
                rejects: list[Reject] = []
                rows, seen = self.table.rest(known, rejects)
                if rows or seen or rejects:
                    yield Batch(rows, rejects, seen, self.source.position, self.splitter.line - 1)
        except EndlessLine as problem:
            raise self._endless(problem) from None

    def _batches_of(self, piece: Piece, known: Known, start_line: int) -> Iterator[Batch]:
        last = piece.next_line - 1
        if start_line and (done := bisect_right(piece.lines, start_line)):
            piece = _chosen(piece, range(done, len(piece.records)))
        if not piece.records:
            return
        seen: list[tuple[int, int]] = []
        hashes: Sequence[int] = ()
        if not self.table.gathers:
            hashes = self.table.hashes(piece.records)
            fresh = known.unknown(hashes)
            if not fresh:
                yield Batch([], [], list(zip(piece.lines, hashes, strict=True)), self.source.position, last)
                return
            if len(fresh) < len(hashes):
                old = set(range(len(hashes))).difference(fresh)
                seen = [(piece.lines[index], hashes[index]) for index in sorted(old)]
                piece, hashes = _chosen(piece, fresh), [hashes[index] for index in fresh]
        rejects: list[Reject] = []
        try:
            table = self.cells_of(piece, rejects)
        except Misjoined:
            yield from self._batches_of(self.splitter.again(), known, start_line)
            return
        if self.table.gathers:
            rows, seen, last = self.table.gather(piece.lines, piece.records, table, known, rejects, last)
        else:
            rows = self.table.rows(piece.lines, hashes, table, rejects)
        yield Batch(rows, rejects, seen, self.source.position, last)

    def _parts_of(self, piece: Piece) -> Iterator[Part]:
        rejects: list[Reject] = []
        try:
            table = self.cells_of(piece, rejects)
        except Misjoined:
            yield from self._parts_of(self.splitter.again())
            return
        yield Part(piece.lines, piece.records, table, rejects, piece.next_line - 1, self.source.position)

    def cells_of(self, piece: Piece, rejects: list[Reject]) -> list[list[str] | None]:
        """The cells of each record; None for one that is rejected already. Raises Misjoined."""
        if not piece.records:
            return []
        texts = self._texts(piece.records, piece.lines, rejects)
        lines = piece.lines
        table = self._exact_cells(texts, lines, piece.torn, rejects) if piece.exact else self._cells(texts)
        if self.splitter.nul or max(map(len, piece.records)) > self.limits.field_characters:
            self.table.check_texts(table, lines, rejects)
        return table

    def _texts(self, records: list[bytes], lines: Sequence[int], rejects: list[Reject]) -> list[str | None]:
        """The records decoded; None for one that cannot be, which is rejected."""
        if self.encoding == "ascii" and not all(map(bytes.isascii, records)):
            self.encoding = dialects.judge_8bit(b"\n".join(records))  # the first bytes beyond ASCII decide
            if self.encoding == "windows-1252":
                self.decode = dialects.decode_windows_1252
        try:
            texts: list[str | None] = list(map(self.decode, records))
        except UnicodeDecodeError:
            texts = [self._decoded(record, line, rejects) for record, line in zip(records, lines, strict=True)]
        if self.splitter.carriage_return:
            texts = [text and text.removesuffix("\r") for text in texts]
        return texts

    def _decoded(self, record: bytes, line: int, rejects: list[Reject]) -> str | None:
        try:
            return self.decode(record)
        except UnicodeDecodeError as problem:
            message = f"byte {record[problem.start]:#04x} at position {problem.start + 1} of the record is not UTF-8"
            text = record.decode("utf-8", "replace")
            rejects.append(self.table.reject(line, self._loose_cells(text), Bad("", "text.encoding", message)))
            return None

    def _cells(self, texts: list[str | None]) -> list[list[str] | None]:
        """Cells of records cut fast. Raises Misjoined where the csv module would have cut them otherwise."""
        delimiter, quote = self.dialect.delimiter, self.dialect.quote
        table: list[list[str] | None] = []
        hard: list[int] = []
        for text in texts:
            if text is None:
                table.append(None)
            elif quote not in text:
                table.append(text.split(delimiter))
            else:
                # One quoted cell is the common case; what stands between its quotes needs no parsing.
                parts = text.split(quote)
                if len(parts) == 3 and parts[0][-1:] in ("", delimiter) and parts[2][:1] in ("", delimiter):
                    left, middle, right = parts
                    cells = left[:-1].split(delimiter) if left else []
                    cells.append(middle)
                    if right:
                        cells += right[1:].split(delimiter)
                    table.append(cells)
                else:
                    hard.append(len(table))
                    table.append(None)
        if hard:
            for index, cells in zip(hard, self._parsed([texts[index] or "" for index in hard]), strict=True):
                table[index] = cells
        width = self.table.width
        for text, read in zip(texts, table, strict=True):
            if read is not None and len(read) != width and text and "\n" in text:
                raise Misjoined
        return table

    def _parsed(self, texts: list[str]) -> list[list[str]]:
        """The csv module's reading. One text that is not exactly one record shows in the count, or as an error."""
        try:
            rows = self.dialect.reader([*texts, ""], strict=not self.dialect.padded)
        except csv.Error:
            raise Misjoined from None
        if len(rows) != len(texts) + 1:
            raise Misjoined
        return rows[:-1]

    def _exact_cells(
        self, texts: list[str | None], lines: Sequence[int], torn: Container[int], rejects: list[Reject]
    ) -> list[list[str] | None]:
        table: list[list[str] | None] = []
        for index, (text, line) in enumerate(zip(texts, lines, strict=True)):
            if text is not None and index in torn:
                bad = Bad("", "row.quoting", "a quote is opened on this line and not closed")
                rejects.append(self.table.reject(line, self._loose_cells(text), bad))
                table.append(None)
            else:
                table.append(None if text is None else self._loose_cells(text))
        return table

    def _loose_cells(self, text: str) -> list[str]:
        """Cells of one record, whatever its quotes look like."""
        # The csv module stumbles over a carriage return in an unquoted cell; here it is a character like others.
        mark = next(c for c in "\x1e\x1f\ue000\uf8ff\U000fffff" if c not in text) if "\r" in text else ""
        lines = text.replace("\r", mark).splitlines(keepends=True) if mark else [text]
        try:
            cells = next(iter(self.dialect.reader(lines)), [])
        except csv.Error:
            return text.split(self.dialect.delimiter)
        return [cell.replace(mark, "\r") for cell in cells] if mark else cells

    def _fits(self, record: bytes) -> bool:
        """Is this one sound record with as many cells as there are columns?"""
        text = record.decode("utf-8", "replace").removesuffix("\r")
        try:
            rows = self.dialect.reader([text, ""], strict=not self.dialect.padded)
        except csv.Error:
            return False
        return len(rows) == 2 and len(rows[0]) == self.table.width

    def _endless(self, problem: EndlessLine) -> EndlessRecord:
        return EndlessRecord(file=self.source.name, limit=self.limits.record_bytes, line=problem.line)


def _chosen(piece: Piece, indices: Sequence[int]) -> Piece:
    """The piece with only these of its records."""
    return piece._replace(
        records=[piece.records[index] for index in indices],
        lines=[piece.lines[index] for index in indices],
        torn=frozenset(place for place, index in enumerate(indices) if index in piece.torn),
    )


def _transcode(source: Source, encoding: str) -> bytes:
    """The head in UTF-8; a character cut off at its end is left out."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(source.head)
    except UnicodeDecodeError as problem:
        raise WrongEncoding(file=source.name, encoding=encoding, offset=problem.start) from None
    return text.encode("utf-8", "surrogatepass")
