"""A feed whose records come as lists of cells already: a sheet of a workbook, or what a plugin reads."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

from shopctl.catalogue.feed.ahead import Part, after, looked_at
from shopctl.catalogue.feed.errors import NoRows
from shopctl.catalogue.feed.mapping import Mapping
from shopctl.catalogue.feed.row import ANEW, Batch, Known, Reject, portions
from shopctl.catalogue.feed.shops.reading import table_of
from shopctl.catalogue.feed.validate import Bad
from shopctl.catalogue.feed.workbook import SheetRow
from shopctl.records.source import Source

_SAMPLES = 100


class SheetFeed:
    """Rows under a header, the first row of them. `shop` as in `readers.csv.CsvFeed`."""

    def __init__(
        self,
        format: str,
        source: Source,
        rows: Iterator[SheetRow],
        mapping: Mapping,
        default_currency: str,
        shop: str = "",
    ) -> None:
        self.source = source
        self.size = source.size
        header = next(rows, None)
        samples = list(islice(rows, _SAMPLES))
        if header is None or not samples:
            raise NoRows(file=source.name)
        self.sheet_rows = chain(samples, rows)
        cells = [row.cells for row in samples]
        self.table = table_of(source.name, header.cells, cells, mapping, source.limits, default_currency, shop=shop)
        self.format = self.table.shop_name or format
        self.name = mapping.feed or self.format
        self.header, self.fields, self.read_back = self.table.header, self.table.fields, self.table.read_back

    def batches(self, known: Known = ANEW, start_line: int = 0) -> Iterator[Batch]:
        """See row.Feed."""
        rows = (row for row in self.sheet_rows if row.number > start_line)
        last = start_line
        portioned = portions(rows if self.table.look is None else self.sheet_rows, _size)
        if self.table.look is not None:
            for part in looked_at(map(self._part, portioned), self.table.look):
                last = part.last
                yield self.table.batch(after(part, start_line), known)
        else:
            for portion in portioned:
                last = portion[-1].number
                yield self._batch(portion, known)
        if self.table.gathers:
            rejects: list[Reject] = []
            finished, seen = self.table.rest(known, rejects)
            if finished or seen or rejects:
                yield Batch(finished, rejects, seen, self.source.position, last)

    def _batch(self, portion: list[SheetRow], known: Known) -> Batch:
        table = self.table
        if table.gathers:
            return table.batch(self._part(portion), known)
        seen: list[tuple[int, int]] = []
        lines, raws, cells, _, last, position = self._unchecked(portion)
        hashes = table.hashes(raws)
        unknown = set(known.unknown(hashes))
        for index, number in enumerate(hashes):
            if index not in unknown:
                seen.append((lines[index], number))
                cells[index] = None
        rejects = self._checked(portion, cells)
        return Batch(table.rows(lines, hashes, cells, rejects), rejects, seen, position, last)

    def _part(self, portion: list[SheetRow]) -> Part:
        part = self._unchecked(portion)
        return part._replace(rejects=self._checked(portion, part.cells))

    def _unchecked(self, portion: list[SheetRow]) -> Part:
        raws = ["\0".join(row.cells).encode("utf-8", "surrogatepass") for row in portion]
        # A sheet leaves blank cells at the end of a row away; that is no sign of a broken row.
        cells: list[list[str] | None] = [row.cells + [""] * (self.table.width - len(row.cells)) for row in portion]
        return Part([row.number for row in portion], raws, cells, [], portion[-1].number, self.source.position)

    def _checked(self, portion: list[SheetRow], cells: list[list[str] | None]) -> list[Reject]:
        """Take out the rows with an error, or with a text that no database stores."""
        rejects: list[Reject] = []
        for index, row in enumerate(portion):
            if row.error and cells[index] is not None:
                bad = Bad("", "cell.error", f"a cell holds the error {row.error[:20]}")
                rejects.append(self.table.reject(row.number, cells[index] or [], bad))
                cells[index] = None
        self.table.check_texts(cells, [row.number for row in portion], rejects)
        return rejects


def _size(row: SheetRow) -> int:
    return sum(map(len, row.cells))
