"""Random feeds in random modes, with edits and sales in between, against a model of what they mean."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from shopctl.audit.service import Audit
from shopctl.catalogue.service import CatalogueService
from shopctl.catalogue.stock import StockService
from shopctl.storage.database import Database
from support.feeds import Feeds, assert_counted, csv_text
from support.products import NOW

SKUS = [f"S{number}" for number in range(8)]
PARENTS = ["P0", "P1"]
SECOND = 1_000_000
TABLES = (
    "import_reject", "import_row", "catalogue_import", "feed_record", "change", "stock_movement", "stock", "price",
    "product", "feed", "category",
)  # fmt: skip


@dataclass
class Product:
    """A product as the model knows it."""

    name: str
    parent: str = ""
    price: str | None = None
    colour: str | None = None
    stock: int | None = None
    status: str = "active"
    version: int = 1
    pruned_from: str | None = None  # its status before an import retired it, until somebody touches it

    @property
    def visible(self) -> tuple[Any, ...]:
        """What makes a version when it changes."""
        return self.name, self.parent, self.price, self.colour, self.status


@dataclass
class Model:
    """The rules of an import in their plainest form: no hashes, no stage."""

    products: dict[str, Product] = field(default_factory=dict)
    fed: dict[str, dict[str, int | None]] = field(default_factory=dict)  # feed: {sku: the stock it said last}

    def run(self, feed: str, rows: list[dict[str, str]], *, skip: bool, prune: bool) -> dict[str, int]:
        """Import; the counts, or only rows and rejected when the file is refused."""
        valid = [row for row in rows if row["name"] and row.get("price") != "1.999"]
        winners = {row["sku"]: row for row in valid}
        orphans = {
            sku for sku, row in winners.items()
            if row.get("parent_sku") and row["parent_sku"] not in winners.keys() | self.products.keys()
        }  # fmt: skip
        rejected = len(rows) - len(valid) + len(orphans)
        counts = {"rows": len(rows), "rejected": rejected}
        if rejected and (not skip or len(orphans) == len(winners)):
            return counts
        counts |= {"superseded": len(valid) - len(winners), "created": 0, "updated": 0, "unchanged": 0, "retired": 0}
        memory = self.fed.setdefault(feed, {})
        for sku, row in winners.items():
            if sku not in orphans:
                counts[self._apply(sku, row, memory)] += 1
        if prune:
            for sku in memory.keys() - {row["sku"] for row in rows}:
                product = self.products[sku]
                if product.status != "retired":
                    product.pruned_from, product.status = product.status, "retired"
                    product.version += 1
                    counts["retired"] += 1
        return counts

    def _apply(self, sku: str, row: dict[str, str], memory: dict[str, int | None]) -> str:
        product = self.products.get(sku)
        new = product is None
        product = self.products.setdefault(sku, Product(row["name"]))
        before, stock_before = product.visible, product.stock
        product.name = row["name"]
        product.parent = row.get("parent_sku", product.parent)
        product.colour = row.get("colour", product.colour)
        product.price = row.get("price") or product.price
        if product.pruned_from:
            product.status, product.pruned_from = product.pruned_from, None
        said = int(row["stock"]) if row.get("stock") else None
        if said is not None and said != memory.get(sku):
            product.stock = said
        memory[sku] = memory.get(sku) if said is None else said
        if new:
            return "created"
        if product.visible != before:
            product.version += 1
            return "updated"
        return "updated" if product.stock != stock_before else "unchanged"

    def shown(self) -> dict[str, Any]:
        """As an export shows it."""
        return {sku: shown(product) for sku, product in sorted(self.products.items())}


def shown(product: Product) -> dict[str, Any]:
    return {
        "name": product.name,
        "parent_sku": product.parent,
        "status": product.status,
        "attributes": {} if product.colour is None else {"colour": product.colour},
        "prices": [] if product.price is None else [{"currency": "USD", "amount": product.price}],
        "stock": {} if product.stock is None else {"default": product.stock},
    }


def stored(feeds: Feeds, **options: Any) -> dict[str, Any]:
    keys = shown(Product("")).keys()
    return {record["sku"]: {key: record[key] for key in keys} for record in feeds.records(**options)}


class Story:
    """One random sequence of imports, edits and sales, told to the shop and to the model."""

    def __init__(self, feeds: Feeds, catalogue: CatalogueService, stock: StockService, dice: random.Random) -> None:
        self.feeds, self.catalogue, self.stock, self.dice = feeds, catalogue, stock, dice
        self.model = Model()
        self.files: dict[str, list[tuple[str, list[str], list[dict[str, str]]]]] = {"one": [], "two": []}
        for feed in self.files:
            feeds.file(f'feed = "{feed}"\n', f"{feed}.toml")

    def step(self) -> None:
        """One thing that happens to a shop."""
        self.dice.choices([self.imported, self.edited, self.sold], [6, 1, 2])[0]()

    def imported(self) -> None:
        """An import of a new file, of one seen before, or of one that was changed a little."""
        dice, feed = self.dice, self.dice.choice(list(self.files))
        seen = self.files[feed]
        if seen and dice.random() < 0.6:
            written, header, rows = copy.deepcopy(dice.choice(seen))
            for _ in range(dice.choice([0, 0, 1, 2])):
                if rows and dice.random() < 0.5:
                    rows.pop(dice.randrange(len(rows)))
                rows.insert(dice.randint(0, len(rows)), self.row(header))
        else:
            written = dice.choice(["csv", "csv", "ndjson"])
            others = ("price", "stock", "colour", "parent_sku")
            header = ["sku", "name"] + [name for name in others if dice.random() < 0.6]
            rows = [self.row(header) for _ in range(dice.randint(1, 10))]
        seen.append((written, header, rows))
        skip, prune = dice.random() < 0.6, dice.random() < 0.3
        if written == "csv":
            text = csv_text(header, *([row[name] for name in header] for row in rows))
        else:
            rows = [{name: cell for name, cell in row.items() if cell or name == "name"} for row in rows]
            text = "\n".join(map(json.dumps, rows))
        options: dict[str, Any] = {
            "mapping": str(self.feeds.folder / f"{feed}.toml"),
            "on_error": "skip-rows" if skip else "reject-file",
            "prune": prune,
            "format": written,
        }
        before = stored(self.feeds)
        preview = self.feeds.run(text, "random", dry_run=True, **options)
        assert stored(self.feeds) == before
        versions = self.versions()
        report = self.feeds.run(text, "random", **options)
        expected = self.model.run(feed, rows, skip=skip, prune=prune)
        assert {name: report.counts.as_dict()[name] for name in expected} == expected, text
        assert {name: preview.counts.as_dict()[name] for name in expected} == expected, text
        if report.refused:
            assert stored(self.feeds) == before
        else:
            assert_counted(report)
        written = self.feeds.value("select count(*) from change where import_id = :id", id=report.import_id)
        after = self.versions()
        assert written == sum(after[sku] != versions.get(sku) for sku in after), "one change row for each that changed"

    def row(self, header: list[str]) -> dict[str, str]:
        """One row, valid or not."""
        dice = self.dice
        cells = {
            "sku": dice.choice(SKUS + PARENTS),
            "name": dice.choice(["Mug", "Cup", "Jar", "Pot", "" if dice.random() < 0.3 else "Bowl"]),
            "price": dice.choice(["1.00", "2.50", "3.75", "", "1.999" if dice.random() < 0.3 else "4.00"]),
            "stock": dice.choice(["0", "5", "9", ""]),
            "colour": dice.choice(["red", "blue"]),
        }
        parents = ["", "", *PARENTS, "NONE" if dice.random() < 0.2 else ""]
        cells["parent_sku"] = "" if cells["sku"] in PARENTS else dice.choice(parents)
        return {name: cells[name] for name in header}

    def edited(self) -> None:
        """Somebody sets a name, publishes or retires."""
        if not self.model.products:
            return
        sku = self.dice.choice(list(self.model.products))
        product = self.model.products[sku]
        before = product.visible
        what = self.dice.choice(["name", "retire", "publish"])
        if what == "name":
            product.name = self.dice.choice(["Mug", "By hand"])
            self.catalogue.edit(sku, [f"name={product.name}"])
        elif what == "retire":
            product.status = "retired"
            self.catalogue.retire([sku])
        else:
            product.status = "active"
            self.catalogue.publish([sku])
        if product.visible != before:
            product.version += 1
            product.pruned_from = None

    def sold(self) -> None:
        """A sale."""
        stocked = [sku for sku, product in self.model.products.items() if product.stock]
        if stocked:
            sku = self.dice.choice(stocked)
            product = self.model.products[sku]
            assert product.stock is not None
            product.stock -= 1
            self.stock.adjust(sku, -1)

    def versions(self) -> dict[str, int]:
        """Versions by SKU."""
        with self.feeds.database.read() as unit:
            return dict(unit.tuples("select sku, version from product"))


@pytest.mark.assure("R18")
def test_a_shop_is_what_its_feeds_edits_and_sales_made_of_it(
    database: Database, audit: Audit, turned: Any, catalogue: CatalogueService, stock: StockService, tmp_path: Path,
    dice: random.Random, scale: Callable[[int, int], int],
):  # fmt: skip
    feeds = Feeds(database, audit, turned, tmp_path)
    for number in range(scale(6, 200)):
        _empty(database)
        story = Story(feeds, catalogue, stock, dice)
        moments: list[tuple[int, dict[str, Any]]] = []
        for _ in range(12):
            turned.time += SECOND
            story.step()
            moments.append((turned.time, copy.deepcopy(story.model.shown())))
            assert stored(feeds) == moments[-1][1], f"story {number}"
            assert story.versions() == {sku: product.version for sku, product in story.model.products.items()}
        turned.time += SECOND
        for moment, then in moments:
            assert _without_counts(stored(feeds, at=moment)) == _without_counts(then), f"story {number}"
    assert turned.time > NOW


def _without_counts(products: dict[str, Any]) -> dict[str, Any]:
    # Before anything was counted at a location the past has a count of none, which is the same.
    return {sku: product | {"stock": product["stock"].get("default", 0)} for sku, product in products.items()}


def _empty(database: Database) -> None:
    with database.unit() as unit:
        for table in TABLES:
            unit.execute(f"delete from {table}")
