"""Exporting: the whole catalogue in a generic format or another shop's; importing it again changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any, Literal, NamedTuple

from shopctl.catalogue import history, queries, removed
from shopctl.catalogue.errors import NotForSpreadsheets
from shopctl.catalogue.families import every_family
from shopctl.catalogue.feed.shops.losses import Losses
from shopctl.catalogue.model import DEFAULT_LIST, DEFAULT_LOCATION, Price, Product
from shopctl.kernel import clock, money
from shopctl.kernel.clock import Clock, Instant
from shopctl.records.csv_writing import CsvWriter
from shopctl.records.outlet import outlet
from shopctl.storage.database import Database
from shopctl.storage.unit import Unit

Format = Literal["csv", "ndjson", "json", "xlsx", "shopify", "woocommerce", "magento", "saleor", "vendure", "medusa"]

COLUMNS = (
    "sku", "parent_sku", "kind", "status", "name", "description", "brand", "category", "categories", "tax_class",
    "options", "attributes", "tags", "media", "components", "publish_at", "retire_at", "price", "currency", "prices",
    "stock",
)  # fmt: skip
_JSON = ("categories", "options", "attributes", "tags", "media", "components")
_PLAIN = ("sku", "parent_sku", "kind", "status", "name", "description", "brand", "category", "tax_class")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # OWASP, CSV injection
_BATCH = 500


@dataclass(frozen=True)
class ExportRequest:
    """What to export, how, where to."""

    format: Format = "csv"
    out: str = "-"
    at: Instant | None = None
    escape_formulas: bool = False  # CSV only: for people who open it in a spreadsheet; not for importing again


class Exported(NamedTuple):
    """What was written, and what the format could not carry."""

    products: int
    losses: Losses


class ExportService:
    """Writes the catalogue out."""

    def __init__(self, database: Database, clock: Clock, currency: str) -> None:
        self.database = database
        self.clock = clock
        self.currency = currency  # of the prices that a format tells without their currency

    def run(self, request: ExportRequest, progress: Callable[[int], None] = lambda _rows: None) -> Exported:
        """Write every product, in the order of SKUs; those of a shop's format with their variants below them.

        A file appears whole or not at all. Raises NothingToWriteTo, NoRoom, NotForSpreadsheets (XLSX that cannot hold
        a text).
        """
        with self.database.read() as unit, outlet(request.out, binary=request.format == "xlsx") as file:
            now = self.clock.now()
            if request.format not in _WRITERS:
                return self._foreign(unit, file, request, now, progress)
            products = _by_sku(unit, now) if request.at is None else _by_sku_at(unit, request.at)
            return Exported(_WRITERS[request.format](file, _counted(products, progress), request), Losses())

    def _foreign(
        self, unit: Unit, file: IO[Any], request: ExportRequest, now: Instant, progress: Callable[[int], None]
    ) -> Exported:
        from shopctl.catalogue.feed.shops.writing import write_table

        losses = Losses()
        count = write_table(
            CsvWriter(file),
            request.format,
            lambda: every_family(unit, now=now, at=request.at),
            self.currency,
            losses,
            progress,
            _harmless if request.escape_formulas else str,
        )
        return Exported(count, losses)


def record(product: Product) -> dict[str, Any]:
    """A product with every field, as NDJSON and JSON have it."""
    shown: dict[str, Any] = {name: getattr(product, name) for name in COLUMNS if name in _PLAIN or name in _JSON}
    shown["publish_at"] = clock.show(product.publish_at)
    shown["retire_at"] = clock.show(product.retire_at)
    shown["prices"] = [_price(price) for price in product.prices]
    shown["stock"] = {level.location: level.on_hand for level in product.stock}
    return shown


def cells(product: Product) -> list[str]:
    """A product as one row under `COLUMNS`; what a plain cell cannot say is JSON."""
    plain = len(product.prices) == 1 and product.prices[0] == Price(
        product.prices[0].currency, product.prices[0].amount
    )
    values: dict[str, str] = {name: getattr(product, name) for name in _PLAIN}
    values.update((name, _json(getattr(product, name)) if getattr(product, name) else "") for name in _JSON)
    values["publish_at"] = clock.show(product.publish_at) or ""
    values["retire_at"] = clock.show(product.retire_at) or ""
    values["price"] = money.show(product.prices[0].amount, product.prices[0].currency) if plain else ""
    values["currency"] = product.prices[0].currency if plain else ""
    values["prices"] = "" if plain or not product.prices else _json([_price(price) for price in product.prices])
    levels = {level.location: level.on_hand for level in product.stock}
    values["stock"] = (
        str(levels[DEFAULT_LOCATION]) if list(levels) == [DEFAULT_LOCATION] else _json(levels) if levels else ""
    )
    return [values[name] for name in COLUMNS]


def _price(price: Price) -> dict[str, Any]:
    shown: dict[str, Any] = {"currency": price.currency, "amount": money.show(price.amount, price.currency)}
    if price.list != DEFAULT_LIST:
        shown["list"] = price.list
    if price.min_quantity != 1:
        shown["min_quantity"] = price.min_quantity
    if price.valid_from:
        shown["valid_from"] = clock.show(price.valid_from)
    if price.valid_until is not None:
        shown["valid_until"] = clock.show(price.valid_until)
    return shown


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _sku_batches(unit: Unit, at: Instant | None = None) -> Iterator[list[str]]:
    # Some that were there then may have been removed since.
    gone = "" if at is None else "union select sku from removed_product where created_at <= :at and removed_at > :at"
    rows = unit.stream(
        f"select sku from (select sku from product {gone}) every_sku order by sku",
        **({} if at is None else {"at": at}),
    )
    while batch := [row[0] for row in islice(rows, _BATCH)]:
        yield batch


def _by_sku(unit: Unit, now: Instant) -> Iterator[Product]:
    for batch in _sku_batches(unit):
        found = queries.by_skus(unit, batch, now=now)
        yield from (found[sku] for sku in batch)


def _by_sku_at(unit: Unit, at: Instant) -> Iterator[Product]:
    for batch in _sku_batches(unit, at):
        products = [*queries.by_skus(unit, batch, now=at).values(), *removed.at(unit, batch, at)]
        then = {product.sku: product for product in history.products_at(unit, products, at).values()}
        yield from (then[sku] for sku in batch if sku in then)


def _counted(products: Iterable[Product], progress: Callable[[int], None]) -> Iterator[Product]:
    for number, product in enumerate(products, 1):
        yield product
        if number % 1000 == 0:
            progress(number)


def _csv(file: IO[Any], products: Iterator[Product], request: ExportRequest) -> int:
    writer = CsvWriter(file)
    writer.row(COLUMNS)
    count = 0
    for product in products:
        row = cells(product)
        writer.row([_harmless(cell) for cell in row] if request.escape_formulas else row)
        count += 1
    return count


def _harmless(cell: str) -> str:
    return "'" + cell if cell.startswith(_FORMULA_STARTS) else cell


def _ndjson(file: IO[Any], products: Iterator[Product], _request: ExportRequest) -> int:
    count = 0
    for product in products:
        file.write(_one_line(_json(record(product))) + "\n")
        count += 1
    return count


def _one_line(text: str) -> str:
    # Many programs take these for line ends, too; JSON may name them by their numbers.
    if text.isascii():
        return text
    return text.replace("\x85", "\\u0085").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _json_list(file: IO[Any], products: Iterator[Product], _request: ExportRequest) -> int:
    count = 0
    file.write("[")
    for count, product in enumerate(products, 1):
        file.write(("\n" if count == 1 else ",\n") + _json(record(product)))
    file.write("\n]\n")
    return count


def _xlsx(file: IO[Any], products: Iterator[Product], _request: ExportRequest) -> int:
    from shopctl.catalogue.sheet_writing import CELL_CHARACTERS, SHEET_ROWS, SheetWriter

    count = 0
    with SheetWriter(file) as sheet:
        sheet.row(COLUMNS)
        for count, product in enumerate(products, 1):
            row = cells(product)
            if count >= SHEET_ROWS:
                raise NotForSpreadsheets(sku=product.sku, reason=f"a sheet holds {SHEET_ROWS - 1} products")
            for column, cell in zip(COLUMNS, row, strict=True):
                if len(cell) > CELL_CHARACTERS:
                    reason = f"its {column} has {len(cell)} characters, and a cell holds {CELL_CHARACTERS}"
                    raise NotForSpreadsheets(sku=product.sku, reason=reason)
            sheet.row(row)
    return count


_WRITERS: dict[str, Callable[[IO[Any], Iterator[Product], ExportRequest], int]] = {
    "csv": _csv, "ndjson": _ndjson, "json": _json_list, "xlsx": _xlsx,
}  # fmt: skip
