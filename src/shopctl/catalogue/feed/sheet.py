"""A feed whose records come as lists of cells already: a sheet of a workbook, or what a plugin reads."""

from __future__ import annotations

from collections.abc import Container, Iterator
from itertools import chain, islice

from shopctl.catalogue.feed.errors import NoRows
from shopctl.catalogue.feed.mapping import Mapping
from shopctl.catalogue.feed.row import Batch, Reject, portions
from shopctl.catalogue.feed.shops.reading import table_of
from shopctl.catalogue.feed.source import Source
from shopctl.catalogue.feed.validate import Bad
from shopctl.catalogue.feed.workbook import SheetRow

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

    def batches(self, known: Container[int] | None = None, start_line: int = 0) -> Iterator[Batch]:
        """See row.Feed."""
        rows = (row for row in self.sheet_rows if row.number > start_line)
        last = start_line
        for part in portions(rows, lambda row: sum(map(len, row.cells))):
            last = part[-1].number
            yield self._batch(part, known)
        if self.table.gathers:
            rejects: list[Reject] = []
            finished, seen = self.table.rest(known, rejects)
            if finished or seen or rejects:
                yield Batch(finished, rejects, seen, self.source.position, last)

    def _batch(self, part: list[SheetRow], known: Container[int] | None) -> Batch:
        table = self.table
        rejects: list[Reject] = []
        seen: list[tuple[int, int]] = []
        raws = ["\0".join(row.cells).encode("utf-8", "surrogatepass") for row in part]
        # A sheet leaves blank cells at the end of a row away; that is no sign of a broken row.
        cells: list[list[str] | None] = [row.cells + [""] * (table.width - len(row.cells)) for row in part]
        lines = [row.number for row in part]
        last = lines[-1]
        hashes = table.hashes(raws)
        for index, row in enumerate(part):
            if not table.gathers and known is not None and hashes[index] in known:
                seen.append((row.number, hashes[index]))
                cells[index] = None
            elif row.error:
                bad = Bad("", "cell.error", f"a cell holds the error {row.error[:20]}")
                rejects.append(table.reject(row.number, cells[index] or [], bad))
                cells[index] = None
        table.check_texts(cells, lines, rejects)
        if not table.gathers:
            return Batch(table.rows(lines, hashes, cells, rejects), rejects, seen, self.source.position, last)
        rows, seen, last = table.gather(lines, raws, cells, known, rejects, last)
        return Batch(rows, rejects, seen, self.source.position, last)
