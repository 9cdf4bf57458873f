"""A feed of columns (CSV, XLSX): what its header means, and from cells to rows or rejects."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Any

from shopctl.catalogue.feed.ahead import Look, Part
from shopctl.catalogue.feed.columns import REJECT_COLUMNS, Target, assign
from shopctl.catalogue.feed.compiling import Convert, compile_columns, given_fields
from shopctl.catalogue.feed.errors import BadMapping, NoIdentity, TooWide
from shopctl.catalogue.feed.groups import Groups, Line
from shopctl.catalogue.feed.mapping import Mapping
from shopctl.catalogue.feed.numbers import decimal_habit
from shopctl.catalogue.feed.objects import RECORD_HEADER, Objects
from shopctl.catalogue.feed.row import FIELDS, RULES_VERSION, Batch, FeedRow, Known, Reject
from shopctl.catalogue.feed.validate import Bad, check_text, too_long
from shopctl.records.source import Limits

MOST_COLUMNS = 16_384  # of a spreadsheet (ECMA-376)


class Table:
    """The columns of one file.

    Raises NoIdentity without a SKU column, TooWide, and BadMapping for a mapping of absent columns.
    """

    read_back: Callable[[Any], Iterable[FeedRow]] | None = None
    look: Look | None = None
    """For a file that is read twice: takes all its rows before the first is gathered. Raises TooConnected."""

    def __init__(
        self,
        file: str,
        header: Sequence[str],
        samples: Sequence[Sequence[str]],
        mapping: Mapping,
        limits: Limits,
        default_currency: str,
        *,
        habit: str = "",
    ) -> None:
        header = self.take_header(file, header, limits)
        self.groups: Groups | None = None
        if self.offset and self.header == RECORD_HEADER:  # the rejects of a JSON feed
            objects = Objects(mapping, limits, default_currency)
            offset = self.offset
            self.convert: Convert = lambda line, number, cells: objects.convert(
                line, number, objects.parse(cells[offset])
            )
            self.fields = frozenset(FIELDS)
            self._salt(objects.meaning)
            return
        self.check_mapping(mapping)
        targets = [Target("ignore")] * self.offset + assign(self.header, mapping.columns, mapping.attributes)
        if not any(target.field in ("sku", "variant_id", "handle") for target in targets):
            raise NoIdentity(
                file=file, columns=listed(self.header), example=self.header[0] if self.header else "Article no"
            )
        if Groups.needed(targets):
            self.groups, self.gathers = Groups(header, targets), True
            targets = Groups.completed(targets)
        self.cells_wide = len(targets)
        self.sku = next(index for index, target in enumerate(targets) if target.field == "sku")
        prices = [index for index, target in enumerate(targets) if target.field == "price"]
        told = decimal_habit(cells[index] for cells in samples for index in prices if index < len(cells))
        decimal = mapping.decimal or told or habit
        self.convert = compile_columns(
            targets, default_currency=default_currency, decimal=decimal, constants=mapping.constants
        )
        self.fields = given_fields(targets, mapping.constants)
        self._salt(repr((header, targets, mapping.constants, default_currency, decimal)))

    def take_header(self, file: str, header: Sequence[str], limits: Limits) -> list[str]:
        """What holds for the columns whatever they mean; the header, ended by its last name. Raises TooWide."""
        header = [name.strip() for name in header]
        while header and not header[-1]:
            header.pop()
        if len(header) > MOST_COLUMNS:
            raise TooWide(file=file, count=len(header), limit=MOST_COLUMNS)
        self.limits = limits
        self.padded = False
        # A rejects file is the original file with five columns before it; they say why a row did not go in.
        self.offset = len(REJECT_COLUMNS) if header[: len(REJECT_COLUMNS)] == REJECT_COLUMNS else 0
        self.header = header[self.offset :]
        self.width = self.cells_wide = self.sku = len(header)
        self.gathers = False  # whether a product has several rows
        self.shop_name = ""  # of the shop that writes such files
        return header

    def check_mapping(self, mapping: Mapping) -> None:
        """Refuse a mapping that speaks of columns the file does not have. Raises BadMapping."""
        if missing := [name for name in mapping.headers if name not in self.header]:
            remedy = f"Its columns are: {listed(self.header)}."
            raise BadMapping(file=mapping.file, problem=f"the feed has no column {missing[0]!r}", remedy=remedy)

    def _salt(self, meaning: str) -> None:
        self.meaning = meaning
        self.blank_hash = blank_hash(meaning)

    def salt_with(self, how: object) -> None:
        """Let the hashes depend on how the file is written, too."""
        self.blank_hash = blank_hash(self.meaning + repr(how))

    def hashes(self, records: Iterable[bytes]) -> Sequence[int]:
        """Signed 64-bit hashes of raw records."""
        return hashed(self.blank_hash, records)

    def rows(
        self, lines: Sequence[int], hashes: Sequence[int], table: Sequence[list[str] | None], rejects: list[Reject]
    ) -> list[FeedRow]:
        """The valid rows; the others are added to `rejects`. None in the table is a record that is settled already."""
        rows: list[FeedRow] = []
        width, convert, padded = self.cells_wide, self.convert, self.padded
        for line, number, cells in zip(lines, hashes, table, strict=True):
            if cells is None:
                continue
            if len(cells) != width:
                fitted = self.fitted(cells, line, rejects)
                if fitted is None:
                    continue
                cells = fitted
            if padded:
                cells = [cell.strip() for cell in cells]
            try:
                rows.append(convert(line, number, cells))
            except Bad as bad:
                if any(cells):  # a line of nothing but delimiters is blank
                    rejects.append(self.reject(line, cells, bad))
        return rows

    def batch(self, part: Part, known: Known) -> Batch:
        """Take the records of a file with several rows a product; what is complete by now."""
        rows, seen, last = self.gather(part.lines, part.raws, part.cells, known, part.rejects, part.last)
        return Batch(rows, part.rejects, seen, part.position, last)

    def gather(
        self,
        lines: Sequence[int],
        raws: Sequence[bytes],
        table: Sequence[list[str] | None],
        known: Known,
        rejects: list[Reject],
        last: int,
    ) -> tuple[list[FeedRow], list[tuple[int, int]], int]:
        """For feeds with several rows a product: the rows and known records that are complete by now.

        And the last line that is done with, at most `last`.
        """
        assert self.groups is not None
        finished: list[Line] = []
        for line, raw, cells in zip(lines, raws, table, strict=True):
            if cells is not None and (fitted := self.fitted(cells, line, rejects)):
                finished += self.groups.add(Line(line, raw, fitted))
        # Rows still being gathered are not done: a resumed import must read them again.
        last = self.groups.gathered[0].line - 1 if self.groups.gathered else last
        return (*self._finished(finished, known, rejects), last)

    def rest(self, known: Known, rejects: list[Reject]) -> tuple[list[FeedRow], list[tuple[int, int]]]:
        """What was still being gathered at the end of the file."""
        assert self.groups is not None
        return self._finished(self.groups.finish(), known, rejects)

    def _finished(
        self, gathered: Sequence[Line], known: Known, rejects: list[Reject]
    ) -> tuple[list[FeedRow], list[tuple[int, int]]]:
        """Rows and known records of completed groups."""
        fresh: list[tuple[Line, int]] = []
        seen: list[tuple[int, int]] = []
        hashes = self.hashes(line.raw for line in gathered)
        unknown = set(known.unknown(hashes))
        for index, (line, number) in enumerate(zip(gathered, hashes, strict=True)):
            if index in unknown:
                fresh.append((line, number))
            else:
                seen.append((line.line, number))
        cells = [line.cells for line, _ in fresh]
        return self.rows([line.line for line, _ in fresh], [number for _, number in fresh], cells, rejects), seen

    def fitted(self, cells: list[str], line: int, rejects: list[Reject]) -> list[str] | None:
        """As many cells as columns: blank ones may be too many, up to half may be missing. None: rejected, or blank."""
        count, width = len(cells), self.width
        if not any(cell.strip() for cell in cells):
            return None
        if count < width and count * 2 >= width:
            return cells + [""] * (width - count)
        if count >= width and not any(cell.strip() for cell in cells[width:]):
            return cells[:width]
        bad = Bad("", "row.columns", f"the row has {count} cell(s), the header {width}")
        rejects.append(self.reject(line, cells, bad))
        return None

    def check_texts(self, table: list[list[str] | None], lines: Sequence[int], rejects: list[Reject]) -> None:
        """Take out the records with a NUL, a lone surrogate or an overlong cell; called where there may be one."""
        for index, (cells, line) in enumerate(zip(table, lines, strict=True)):
            for column, cell in enumerate(cells or ()):
                field = self.header[column - self.offset] if self.offset <= column < self.width else "a cell"
                try:
                    if len(cell) > self.limits.field_characters:
                        too_long(field, self.limits.field_characters, len(cell))
                    check_text(cell, field)
                except Bad as bad:
                    rejects.append(self.reject(line, cells or [], bad))
                    table[index] = None
                    break

    def reject(self, line: int, cells: Sequence[str], bad: Bad) -> Reject:
        """The record as a Reject, its cells under `header`."""
        sku = cells[self.sku].strip() if self.sku < len(cells) else ""
        end = self.width if len(cells) <= self.cells_wide else len(cells)
        return Reject(line, sku[:255], bad.field, bad.code, bad.message, list(cells[self.offset : end]))


def blank_hash(meaning: str) -> blake2b:
    """The hash of no bytes under a meaning: records hash differently wherever they would be read differently."""
    salt = blake2b(f"{RULES_VERSION} {meaning}".encode("utf-8", "backslashreplace"), digest_size=16).digest()
    return blake2b(digest_size=8, person=salt)


def hashed(blank: blake2b, records: Iterable[bytes]) -> Sequence[int]:
    """Signed 64-bit hashes of raw records."""
    copy = blank.copy
    digests = []
    for record in records:
        digest = copy()
        digest.update(record)
        digests.append(digest.digest())
    return struct.unpack(f"<{len(digests)}q", b"".join(digests))


def listed(names: Sequence[str]) -> str:
    """Column names for a message, the first twenty."""
    shown = ", ".join(names[:20])[:500]
    return shown + (f" … ({len(names)} in all)" if len(names) > 20 else "") or "none"
