"""Writing a catalogue as a file of another shop: every product with its variants, under the columns it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from shopctl.catalogue.feed.mapping import Mapping
from shopctl.catalogue.feed.shops.known import named
from shopctl.catalogue.feed.shops.losses import Losses
from shopctl.catalogue.feed.shops.reading import ShopTable
from shopctl.catalogue.feed.shops.shop import Family, Terms
from shopctl.records.source import Limits


class Writer(Protocol):
    """Where rows go."""

    def row(self, cells: Sequence[str], /) -> None:
        """Write one row."""
        ...


def write_table(
    writer: Writer,
    format: str,
    families: Callable[[], Iterable[Family]],
    currency: str,
    losses: Losses,
    progress: Callable[[int], None] = lambda _count: None,
    shown: Callable[[str], str] = str,
) -> int:
    """Write products as the shop `format` has them, and count what it cannot carry; how many products that were.

    `families` is gone through twice: which columns there are depends on all products.
    """
    shop, terms = named(format), Terms(currency, ".")
    columns: set[str] = set()
    for family in families():
        for cells in shop.written(family, terms):
            columns.update(column for column, cell in cells.items() if cell)
    header = shop.header(columns)
    writer.row([name for _, name in header])
    table = ShopTable(shop, [name for _, name in header], [], Mapping(), Limits(), currency)
    count = 0
    for family in families():
        for cells in shop.written(family, terms):
            writer.row([shown(cells.get(column, "")) for column, _ in header])
        losses.count(family, table.read_back(family))
        count += len(family)
        progress(count)
    return count
