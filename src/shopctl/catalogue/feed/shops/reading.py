"""A file of a shop as a table: rows gathered into products, known ones passed over, the others read or rejected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from shopctl.catalogue.feed.columns import REJECT_COLUMNS
from shopctl.catalogue.feed.errors import NotOfThisShop, TooConnected
from shopctl.catalogue.feed.mapping import Mapping
from shopctl.catalogue.feed.numbers import decimal_habit
from shopctl.catalogue.feed.objects import Objects
from shopctl.catalogue.feed.row import FIELDS, FeedRow, Known, Reject
from shopctl.catalogue.feed.shops.known import named, recognised
from shopctl.catalogue.feed.shops.shop import Cells, Family, Record, Said, Shop, Terms, TooMuchAhead, products_of
from shopctl.catalogue.feed.table import Table, listed
from shopctl.catalogue.feed.validate import Bad, check_text, too_long
from shopctl.records.source import Limits


def table_of(
    file: str,
    header: Sequence[str],
    samples: Sequence[Sequence[str]],
    mapping: Mapping,
    limits: Limits,
    default_currency: str,
    *,
    shop: str = "auto",
    habit: str = "",
) -> Table:
    """The table of a file: a shop's, where its header is one's or `shop` names one; else a plain one (`shop=""`).

    Raises NotOfThisShop when the named shop would not write such a header, and what Table raises.
    """
    names = [name.strip() for name in header]
    own = names[len(REJECT_COLUMNS) :] if names[: len(REJECT_COLUMNS)] == REJECT_COLUMNS else names
    found = recognised(own) if shop == "auto" else named(shop) if shop else None
    if found is None:
        return Table(file, header, samples, mapping, limits, default_currency, habit=habit)
    if not found.recognises(frozenset(map(found.column, own))):
        raise NotOfThisShop(file=file, format=found.name, columns=listed(own))
    return ShopTable(found, header, samples, mapping, limits, default_currency, file=file, habit=habit)


class ShopTable(Table):
    """The columns of a shop's file. Columns that a mapping names are read as it says, the others as the shop does."""

    def __init__(
        self,
        shop: Shop,
        header: Sequence[str],
        samples: Sequence[Sequence[str]],
        mapping: Mapping,
        limits: Limits,
        default_currency: str,
        *,
        file: str = "",
        habit: str = "",
    ) -> None:
        self.take_header(file, header, limits)
        self.shop = shop
        self.shop_name = shop.name
        self.check_mapping(mapping)
        self.names = [name if name in mapping.headers else shop.column(name) for name in self.header]
        self.mapped = [name for name in mapping.headers if name in self.header]
        self.columns = frozenset(self.names) - frozenset(self.mapped)
        self.objects = Objects(mapping, limits, default_currency)
        prices = [index + self.offset for index, name in enumerate(self.names) if "price" in name.casefold()]
        told = decimal_habit(cells[index] for cells in samples for index in prices if index < len(cells))
        currency = mapping.constants.get("currency") or default_currency
        self.terms = Terms(currency, mapping.decimal or told or habit)
        self.fields = frozenset(FIELDS)
        self.gathers = True
        self.reader = shop.rows(self.columns, self.terms)
        self.look = self._look if self.reader.look else None
        self.file = file
        self.done: list[Said] = []
        if "sku" in self.names:
            self.sku = self.offset + self.names.index("sku")
        self._salt(repr((shop.name, self.header, self.objects.meaning, self.terms)))

    def _look(self, tables: Iterable[Sequence[list[str] | None]]) -> None:
        assert self.reader.look is not None
        fitted = (self.fitted(cells, 0, []) for table in tables for cells in table if cells is not None)
        try:
            self.reader.look(self._cells(cells) for cells in fitted if cells)
        except TooMuchAhead as problem:
            raise TooConnected(file=self.file, limit=problem.args[0]) from None

    def gather(
        self,
        lines: Sequence[int],
        raws: Sequence[bytes],
        table: Sequence[list[str] | None],
        known: Known,
        rejects: list[Reject],
        last: int,
    ) -> tuple[list[FeedRow], list[tuple[int, int]], int]:
        """See Table.gather."""
        for line, raw, cells in zip(lines, raws, table, strict=True):
            if cells is not None and (fitted := self.fitted(cells, line, rejects)):
                self.done += self.reader.add(line, raw, self._cells(fitted))
        waiting = self.reader.waiting
        last = waiting - 1 if waiting else last
        # A row beyond what is done with would be read, and staged, once more after a kill.
        ready = [said for said in self.done if said.line <= last]
        self.done = [said for said in self.done if said.line > last]
        return (*self._settled(ready, known, rejects), last)

    def rest(self, known: Known, rejects: list[Reject]) -> tuple[list[FeedRow], list[tuple[int, int]]]:
        """See Table.rest."""
        ready, self.done = [*self.done, *self.reader.finish()], []
        return self._settled(ready, known, rejects)

    def check_texts(self, table: list[list[str] | None], lines: Sequence[int], rejects: list[Reject]) -> None:
        """Texts are checked with the products they come to, so that a reject can be imported alone."""

    def read_back(self, family: Family) -> Iterator[FeedRow]:
        """What a file with these columns would say of products as they are, so far as it can say it."""
        terms = Terms(self.terms.currency, ".")  # however the file itself writes its numbers
        for said in products_of(self.shop, self.columns, terms, self.shop.written(family, terms)):
            try:
                yield self._row(said, 0, said.read())
            except Bad:
                continue  # the shop holds what this format would not take

    def _cells(self, cells: Sequence[str]) -> Cells:
        found: Cells = {}
        for name, cell in zip(self.names, cells[self.offset :], strict=True):
            if self.padded:
                cell = cell.strip()
            # Of two columns of one meaning, as files of several releases have them, the one with something to say.
            if cell or name not in found:
                found[name] = cell
        return found

    def _settled(
        self, ready: Sequence[Said], known: Known, rejects: list[Reject]
    ) -> tuple[list[FeedRow], list[tuple[int, int]]]:
        rows: list[FeedRow] = []
        seen: list[tuple[int, int]] = []
        hashes = self.hashes(said.raw for said in ready)
        unknown = set(known.unknown(hashes))
        for index, (said, number) in enumerate(zip(ready, hashes, strict=True)):
            if index not in unknown:
                seen.append((said.line, number))
                continue
            try:
                self._check(said.cells)
                rows.append(self._row(said, number, said.read()))
            except Bad as bad:
                cells = [said.cells.get(name, "") for name in self.names]
                rejects.append(Reject(said.line, said.sku[:255], bad.field, bad.code, bad.message, cells))
        return rows, seen

    def _row(self, said: Said, number: int, record: Record) -> FeedRow:
        mapped = {name: said.cells[name] for name in self.mapped if name in said.cells}
        return self.objects.convert(
            said.line, number, {**record.given, "sku": said.sku, **mapped}, attributes=record.attributes
        )

    def _check(self, cells: Cells) -> None:
        text = "\x1f".join(cells.values())
        if len(text) <= self.limits.field_characters and "\0" not in text and (text.isascii() or _encodes(text)):
            return
        for name, cell in cells.items():
            if len(cell) > self.limits.field_characters:
                too_long(name, self.limits.field_characters, len(cell))
            check_text(cell, name)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
