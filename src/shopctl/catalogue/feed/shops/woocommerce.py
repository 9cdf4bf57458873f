"""WooCommerce's product CSV: a row a product or variation, which names its parent by SKU or by `id:NUMBER`.

The columns are those of its exporter (class-wc-product-csv-exporter.php); how they are understood stands in
docs/feeds-of-shops.md. `woocommerce_writing` is the way back.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from shopctl.catalogue.feed import validate
from shopctl.catalogue.feed.columns import attribute_key
from shopctl.catalogue.feed.groups import generated_sku
from shopctl.catalogue.feed.shops import woocommerce_columns
from shopctl.catalogue.feed.shops.cells import attribute, digest, plain, slug
from shopctl.catalogue.feed.shops.shop import Cells, Family, Record, Said, Shop, Terms
from shopctl.catalogue.feed.shops.woocommerce_columns import META, several, unescaped, with_lines
from shopctl.catalogue.feed.shops.woocommerce_prices import prices
from shopctl.catalogue.feed.shops.woocommerce_types import kind_of, parts_of, plain_type
from shopctl.catalogue.feed.shops.woocommerce_writing import FACTS, FLAGS, written
from shopctl.catalogue.feed.validate import Bad

_TELLING = frozenset(
    "regular_price published catalog_visibility featured in_stock tax_status parent short_description".split()
)
_INHERITED = ("name", "description", "published", "categories", "tags", "brands")
_MOST_WAITING = 20_000
_PUBLISHED = {"1": "active", "0": "draft", "-1": "draft", "private": "draft", "password": "active"}


def shop() -> Shop:
    """The module as what it is: a shop."""
    return WooCommerce()


class WooCommerce:
    """See shop.Shop."""

    name = "woocommerce"

    def recognises(self, columns: frozenset[str]) -> bool:
        """A type and a name, with some of the columns that only WooCommerce has."""
        return {"type", "name"} <= columns and len(columns & _TELLING) >= 3 and bool(columns & {"id", "sku"})

    def column(self, header: str) -> str:
        """See shop.Shop."""
        return woocommerce_columns.column(header)

    def rows(self, columns: frozenset[str], terms: Terms) -> Products:
        """See shop.Shop."""
        return Products(columns, terms)

    def written(self, family: Family, terms: Terms) -> list[Cells]:
        """See shop.Shop."""
        return written(family, terms)

    def header(self, columns: Iterable[str]) -> list[tuple[str, str]]:
        """See shop.Shop."""
        return woocommerce_columns.header(columns)


class Products:
    """See shop.Rows. A variation waits for its parent, which may stand below it."""

    look = None

    def __init__(self, columns: frozenset[str], terms: Terms) -> None:
        self.columns = columns
        self.terms = terms
        known = {*FACTS, *woocommerce_columns.column_names()}
        self.numbers = sorted({int(name.split()[1]) for name in columns if _is_numbered(name, "attribute")})
        self.downloads = sorted({int(name.split()[1]) for name in columns if _is_numbered(name, "download")})
        self.others = sorted(
            name
            for name in columns
            if name not in known and not _is_numbered(name, "attribute") and not _is_numbered(name, "download")
        )
        self.parents: dict[str, tuple[str, Cells, bytes]] = {}
        self.lines: list[tuple[int, bytes, Cells]] = []

    @property
    def waiting(self) -> int:
        """The first line of a variation whose parent has not come yet."""
        return self.lines[0][0] if self.lines else 0

    def add(self, line: int, raw: bytes, cells: Cells) -> list[Said]:
        """See shop.Rows."""
        cells = {name: unescaped(cell) for name, cell in cells.items()}
        parts = parts_of(cells.get("type", ""))
        if any("variation" in part for part in parts):
            if (reference := _reference(cells.get("parent", ""))) in self.parents or not reference:
                return [self._variation(line, raw, cells)]
            self.lines.append((line, raw, cells))
            return self._released() if len(self.lines) > _MOST_WAITING else []
        sku = _sku(cells)
        if any(part.startswith("variable") for part in parts):
            self.parents[sku] = (sku, cells, raw)
            if number := plain(cells.get("id", "")):
                self.parents[f"id:{number}"] = self.parents[sku]
        return [*self._released(), Said(line, sku, raw, cells, partial(self._product, cells))]

    def finish(self) -> list[Said]:
        """See shop.Rows. A parent that is not in the file may be in the shop."""
        lines, self.lines = self.lines, []
        return [self._variation(*line) for line in lines]

    def _released(self) -> list[Said]:
        """Variations whose parent is there by now, in the order of the file; what stands behind another waits on."""
        done = 0
        while done < len(self.lines) and (
            _reference(self.lines[done][2]["parent"]) in self.parents or len(self.lines) - done > _MOST_WAITING
        ):
            done += 1
        ready, self.lines = self.lines[:done], self.lines[done:]
        return [self._variation(*line) for line in ready]

    def _variation(self, line: int, raw: bytes, cells: Cells) -> Said:
        reference = _reference(cells.get("parent", ""))
        parent, product, own = self.parents.get(reference, (reference, {}, b""))
        row = dict(cells)
        for name in _INHERITED:
            if name in row and not row[name].strip():
                row[name] = product.get(name, "")
        if "tax_class" in row and row["tax_class"].strip() == "parent":
            row["tax_class"] = product.get("tax_class", "parent")
        if "parent" in row:
            row["parent"] = parent
        chosen = {name: values[0] for name, values in self._attributes(row).items() if values}
        sku = _sku(row, parent, list(chosen.values()))
        hashed = digest([own, raw]) + raw
        return Said(line, sku, hashed, row, partial(self._read_variation, row, parent, product, chosen))

    def _read_variation(self, row: Cells, parent: str, product: Cells, chosen: dict[str, str]) -> Record:
        if not parent:
            raise Bad("parent_sku", "parent.unknown", "a variation without a parent")
        record = self._record(row, variation=True)
        inherited = {name: values for name, values in self._attributes(product).items() if name not in chosen}
        for name, values in inherited.items():
            record.attributes.setdefault(name, values[0] if len(values) == 1 else values)
        record.given.update(parent_sku=parent, options=chosen)
        return record

    def _product(self, row: Cells) -> Record:
        record = self._record(row)
        for name, values in self._attributes(row).items():
            if values:
                record.attributes[name] = attribute(values[0], name) if len(values) == 1 else values
        if flags := self._flags(row):
            record.attributes[FLAGS] = flags
        if "grouped_products" in self.columns and (skus := several(row["grouped_products"])):
            record.given["components"] = [{"sku": sku, "quantity": 1} for sku in skus]
        elif "grouped_products" in self.columns:
            record.given["components"] = []
        return record

    def _record(self, row: Cells, *, variation: bool = False) -> Record:
        given: dict[str, Any] = {"name": row.get("name", ""), "parent_sku": ""}
        said: dict[str, Any] = {}
        kind = given["kind"] = kind_of(row["type"])
        if not plain_type(row["type"]):
            said["product_type"] = ", ".join(parts_of(row["type"]))
        if "published" in self.columns:
            given["status"] = _status(row["published"].strip().casefold(), said)
        if "description" in self.columns:
            given["description"] = with_lines(row["description"])
        for field, name in (("tax_class", "tax_class"), ("tags", "tags"), ("brand", "brands"), ("media", "images")):
            if name in self.columns:
                given[field] = row[name].strip() if name == "tax_class" else several(row[name])
        if "brands" in self.columns:
            brands = given["brand"]
            given["brand"] = brands[0] if brands else ""
            if brands[1:]:
                said["further_brands"] = brands[1:]
        if "categories" in self.columns:
            given["category"], given["categories"] = _categories(several(row["categories"]))
        if self.columns & {"regular_price", "sale_price"}:
            given["prices"] = prices(row, self.terms)
        if "variable" not in row["type"] and kind != "bundle":
            self._stock(Record(given, said), row)
        self._facts(said, row, variation=variation)
        return Record(given, said)

    def _facts(self, said: dict[str, Any], row: Cells, *, variation: bool) -> None:
        for name, usual in FACTS.items():
            cell = with_lines(row.get(name, "")).strip() if name.endswith("description") else plain(row.get(name, ""))
            if name == "reviews_allowed" and variation:
                usual = "0"
            if cell and cell.casefold() != usual:
                said[name] = cell
        for name in ("upsells", "cross_sells"):
            if found := several(row.get(name, "")):
                said[name] = found
        downloads = [
            {part: cell for part in ("id", "name", "url") if (cell := row.get(f"download {number} {part}", "").strip())}
            for number in self.downloads
        ]
        if any(downloads):
            said["downloads"] = [download for download in downloads if download]
        for name in self.others:
            if cell := row.get(name, "").strip():
                key = (
                    name if name.startswith(META) or woocommerce_columns.SIZES.fullmatch(name) else attribute_key(name)
                )
                said[key] = attribute(cell, name)

    def _stock(self, record: Record, row: Cells) -> None:
        """A blank number says that nobody counts; then 0 under "In stock?" says that there is none all the same."""
        cell, status = plain(row.get("stock", "")), row.get("in_stock", "").strip().casefold()
        given, said = record
        if not cell and status in ("0", "no", "false"):
            given["stock"], said["manage_stock"] = {"default": 0}, "false"
            return
        if cell.startswith("-"):  # sold beyond what there was
            said["oversold"], cell = cell[1:], "0"
        if cell and cell.casefold() != "parent":
            given["stock"] = dict(validate.stock(cell, decimal=self.terms.decimal))
        usual = "0" if given.get("stock") == {"default": 0} else "1"
        if status and status != usual:
            said["in_stock"] = status

    def _attributes(self, row: Cells) -> dict[str, list[str]]:
        found = {}
        for number in self.numbers:
            if name := row.get(f"attribute {number} name", "").strip():
                found[name] = several(row.get(f"attribute {number} value", ""))
        return found

    def _flags(self, row: Cells) -> dict[str, dict[str, str]]:
        """Of an attribute: whether it is shown, whether the shop has it for all products, what is chosen at first."""
        found: dict[str, dict[str, str]] = {}
        for number in self.numbers:
            name = row.get(f"attribute {number} name", "").strip()
            for flag, usual in (("visible", "1"), ("global", "1"), ("default", "")):
                cell = row.get(f"attribute {number} {flag}", "").strip()
                if name and cell != usual and (cell or flag != "global"):
                    found.setdefault(name, {})[flag] = cell
        return found


def _is_numbered(name: str, what: str) -> bool:
    parts = name.split()
    return len(parts) == 3 and parts[0] == what and parts[1].isdecimal()


def _reference(cell: str) -> str:
    """A product as others name it: `id:12`, also written `id: 12`, or its SKU."""
    cell = plain(cell)
    return "id:" + cell[3:].strip() if cell[:3].casefold() == "id:" else cell


def _sku(row: Cells, parent: str = "", choices: list[str] | None = None) -> str:
    """The SKU, else the number as others name it, else what the name and the options make."""
    sku, number = plain(row.get("sku", "")), plain(row.get("id", ""))
    if sku and sku != parent:
        return sku
    if number:
        return f"id:{number}"
    return generated_sku(parent or slug(row.get("name", "")), choices or [])


def _status(cell: str, said: dict[str, Any]) -> str:
    if cell in ("0", "private"):
        said["published"] = "private"
    return _PUBLISHED.get(cell) or validate.status(cell)


def _categories(paths: list[str]) -> tuple[str, list[str]]:
    """The first that is not only the parent of another, which WooCommerce lists too, and the others."""
    first = next((path for path in paths if not any(other.startswith(f"{path} >") for other in paths)), "")
    return first, [path for path in paths if path != first]
