"""Gathers consecutive rows that belong to one product, in files with a row a variant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from shopctl.catalogue.feed.shops.shop import Cells, Said

_MOST_ROWS = 10_000
_MOST_BYTES = 16 << 20


class Line(NamedTuple):
    """A row of the file."""

    line: int
    raw: bytes
    cells: Cells


class Grouped:
    """A shop.Rows that hands over all rows of a product at once.

    `key` is what the rows of a product share; "" means that the row belongs to those before it. `begins` says of a row
    that it is a product's first whatever its key is. `products` makes what the rows say; its second argument is the
    first row of a product too large to be gathered whole, else None.
    """

    def __init__(
        self,
        key: Callable[[Cells], str],
        products: Callable[[Sequence[Line], Cells | None], Iterable[Said]],
        begins: Callable[[Cells], bool] = lambda _cells: False,
        look: Callable[[Iterable[Cells]], None] | None = None,
    ) -> None:
        self.key = key
        self.products = products
        self.begins = begins
        self.look = look
        self.current = ""
        self.gathered: list[Line] = []
        self.bytes = 0
        self.first: Cells | None = None

    @property
    def waiting(self) -> int:
        """The first line of the product that is being gathered."""
        return self.gathered[0].line if self.gathered else 0

    def add(self, line: int, raw: bytes, cells: Cells) -> Iterable[Said]:
        """See shop.Rows."""
        key = self.key(cells)
        done: list[Said] = []
        if key and key != self.current or self.begins(cells):
            done += self.finish()
            self.current, self.first = key or self.current, None
        elif len(self.gathered) >= _MOST_ROWS or self.bytes > _MOST_BYTES:
            first = self.first or self.gathered[0].cells
            done += self.finish()
            self.first = first
        self.gathered.append(Line(line, raw, cells))
        self.bytes += len(raw)
        return done

    def finish(self) -> Iterable[Said]:
        """See shop.Rows."""
        gathered, self.gathered, self.bytes = self.gathered, [], 0
        return list(self.products(gathered, self.first)) if gathered else []
