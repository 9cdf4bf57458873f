"""Magento 2 (Adobe Commerce), and Magento 1: its product file, in which variants stand apart from their product.

A configurable product names its variants, which have rows of their own, most often above it. So the file is read
twice: first for what its rows say of others, then for the products.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from shopctl.catalogue.feed.shops import magento_columns as columns
from shopctl.catalogue.feed.shops import magento_reading as reading
from shopctl.catalogue.feed.shops import magento_writing as writing
from shopctl.catalogue.feed.shops.grouped import Grouped, Line
from shopctl.catalogue.feed.shops.shop import Cells, Family, Said, Terms, TooMuchAhead

_MOST_BYTES = 256 << 20  # held of what rows say of others
_OF_A_LINK = 200  # bytes that a variant takes beside its SKU


class Magento:
    """See shop.Shop."""

    name = "magento"

    def recognises(self, columns_given: frozenset[str]) -> bool:
        """See shop.Shop."""
        return columns.recognised(columns_given)

    def column(self, header: str) -> str:
        """See shop.Shop."""
        return columns.column(header)

    def rows(self, columns_given: frozenset[str], terms: Terms) -> Grouped:
        """See shop.Shop."""
        beside = Beside(columns.is_first(columns_given))
        return Grouped(_sku, partial(_products, beside, terms), look=beside.look)

    def written(self, family: Family, terms: Terms) -> list[Cells]:
        """See shop.Shop."""
        return list(writing.rows(family, terms))

    def header(self, columns_used: Iterable[str]) -> list[tuple[str, str]]:
        """Always the columns of Magento's own export, in its order."""
        return [(name, name) for name in columns.STANDARD]


def shop() -> Magento:
    """Its rules."""
    return Magento()


class Beside:
    """What the rows of a file say of products that stand elsewhere in it."""

    def __init__(self, first_release: bool) -> None:
        self.first_release = first_release  # Magento 1: rows without a SKU belong to the one above
        self.links: dict[str, reading.Link] = {}
        self.choices: dict[tuple[reading.Choice, ...], tuple[reading.Choice, ...]] = {}
        self.apart: dict[str, list[Line]] = {}  # rows of store views that do not stand with their product
        self.below: set[str] = set()  # SKUs of `apart` whose product comes later
        self.bytes = 0

    def look(self, rows: Iterable[Cells]) -> None:
        """Read a whole file ahead. Raises TooMuchAhead."""
        groups = Grouped(_sku, self._note)
        for line, cells in enumerate(rows):
            groups.add(line, b"", cells)
        groups.finish()

    def _note(self, lines: Sequence[Line], _first: Cells | None) -> Iterable[Said]:
        mains, stores = self.parted(lines)
        sku = _sku(lines[0].cells)
        if not mains and stores:
            self.apart.setdefault(sku, []).extend(stores)
            self.bytes += sum(len(cell) for store in stores for cell in store.cells.values())
        elif sku in self.apart:
            self.below.add(sku)
        for main in mains:
            for child, link in reading.links(main.cells):
                # A million variants share a few hundred sizes and colours.
                choices = self.choices.setdefault(link[1], link[1])
                self.links.setdefault(child, (link[0], choices))
                self.bytes += len(child) + _OF_A_LINK
        if self.bytes > _MOST_BYTES:
            raise TooMuchAhead(_MOST_BYTES)
        return ()

    def parted(self, lines: Sequence[Line]) -> tuple[list[Line], list[Line]]:
        """The rows that say what a product is, and those of its store views."""
        if self.first_release:
            own, views = _split(lines, lambda line: not line.cells.get("store_view_code"))
            for view in views:
                view.cells["sku"] = lines[0].cells["sku"]
            if not own:
                return [], views
            raw = b"\n".join(line.raw for line in own)
            return [own[0]._replace(raw=raw, cells=reading.joined([line.cells for line in own]))], views
        stores = {_store(line) for line in lines}
        main = next((store for store in reading.OWN_STORES if store in stores), None)
        return _split(lines, lambda line: _store(line) == main)


def _split(lines: Iterable[Line], belongs: Callable[[Line], bool]) -> tuple[list[Line], list[Line]]:
    """Those that do, and the others."""
    parts: tuple[list[Line], list[Line]] = ([], [])
    for line in lines:
        parts[not belongs(line)].append(line)
    return parts


def _store(line: Line) -> str:
    return line.cells.get("store_view_code", "").strip().lower()


def _sku(cells: Cells) -> str:
    return cells.get("sku", "").strip()


def _products(beside: Beside, terms: Terms, lines: Sequence[Line], _first: Cells | None) -> list[Said]:
    nobodys: list[Line] = []
    named = lines
    if not beside.first_release:
        named, nobodys = _split(lines, lambda line: bool(_sku(line.cells)))
    found = [_said(line, "", [], None, terms) for line in nobodys]
    if not named:
        return found
    mains, stores = beside.parted(named)
    sku = _sku(named[0].cells)
    if mains:
        stores = [*stores, *beside.apart.pop(sku, ())]
    found += [_said(main, sku, stores, beside.links.get(sku), terms) for main in mains]
    if not mains and sku in beside.apart and sku not in beside.below:
        del beside.apart[sku]
        found.append(_said_of_views(stores, sku))
    return sorted(found, key=lambda said: said.line)


def _said(main: Line, sku: str, stores: Sequence[Line], link: reading.Link | None, terms: Terms) -> Said:
    raw = b"\n".join([main.raw, *(store.raw or repr(store.cells).encode() for store in stores)])
    if link is not None:
        raw += repr(link).encode()
    views = [store.cells for store in stores]
    return Said(main.line, sku, raw, main.cells, partial(reading.record, main.cells, views, link, terms))


def _said_of_views(stores: Sequence[Line], sku: str) -> Said:
    """Texts of store views alone: they change what the views say, and nothing else."""
    raw = b"\n".join(store.raw for store in stores)
    return Said(stores[0].line, sku, raw, stores[0].cells, partial(reading.views_only, [s.cells for s in stores]))
