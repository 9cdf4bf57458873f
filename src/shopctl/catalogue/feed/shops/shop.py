"""What the module of a shop has to say: how its files are recognised, what their rows mean, how products are written.

Reading and writing stand side by side, since an import of such a file changes a product only in what the file says
otherwise than the shop itself would have written (`importing.narrowing`), and an export names what reading back lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from shopctl.catalogue.model import Product

Cells = dict[str, str]
"""A row by the names of its columns, as `Shop.column` gives them. A column the file does not have is not there."""

Family = Sequence[Product]
"""A product and its variants, in the order of their creation; the parent comes first."""


class Record(NamedTuple):
    """A product as a row, or several, tell of it."""

    given: dict[str, Any]  # by the names out of row.FIELDS; what is absent is not given. Prices: a list of objects
    attributes: dict[str, Any]  # single attributes; text, or what JSON can say


class Said(NamedTuple):
    """One product of a file before it is looked at: a product whose records are known is never read."""

    line: int  # the physical line it starts on; a parent has the line of its first variant
    sku: str
    raw: bytes  # everything that matters to it, to be hashed
    cells: Cells  # a row that says it all alone: what a rejects file shows
    read: Callable[[], Record]  # raises validate.Bad


class TooMuchAhead(Exception):
    """What rows say of products elsewhere in the file takes more bytes than may be held."""


class Rows(Protocol):
    """Makes products of the rows of one file, which come in their order."""

    @property
    def look(self) -> Callable[[Iterable[Cells]], None] | None:
        """Where rows say something of products elsewhere in the file: reads all of it ahead. Raises TooMuchAhead."""
        ...

    def add(self, line: int, raw: bytes, cells: Cells) -> Iterable[Said]:
        """Take a row; the products that are complete by now. Each line's products come after those of earlier lines."""
        ...

    def finish(self) -> Iterable[Said]:
        """What was still waiting for more rows."""
        ...

    @property
    def waiting(self) -> int:
        """The first line whose products are not complete yet; 0 when nothing waits."""
        ...


class Terms(NamedTuple):
    """What the cells of a file do not say themselves."""

    currency: str  # of prices without one
    decimal: str = ""  # the decimal mark, "" where each number is looked at


class Shop(Protocol):
    """A shop whose files are rows under a header."""

    name: str  # as --format has it

    def recognises(self, columns: frozenset[str]) -> bool:
        """Is it surely a file of this shop, by the names of its columns (as `column` gives them)?"""
        ...

    def column(self, header: str) -> str:
        """The name under which the shop's module knows a column, whichever release of the shop wrote the header."""
        ...

    def rows(self, columns: frozenset[str], terms: Terms) -> Rows:
        """A reader for a file of these columns."""
        ...

    def written(self, family: Family, terms: Terms) -> list[Cells]:
        """The rows of a product with its variants; blank cells may be left out."""
        ...

    def header(self, columns: Iterable[str]) -> list[tuple[str, str]]:
        """(column, header) of an export in which these columns have something to say, in the order of the shop."""
        ...


def products_of(shop: Shop, columns: frozenset[str], terms: Terms, rows: Iterable[Cells]) -> Iterator[Said]:
    """The products that rows of these columns come to."""
    reader = shop.rows(columns, terms)
    table = [{column: cells.get(column, "") for column in columns} for cells in rows]
    if reader.look is not None:
        reader.look(table)
    for line, cells in enumerate(table, 2):
        yield from reader.add(line, b"", cells)
    yield from reader.finish()
