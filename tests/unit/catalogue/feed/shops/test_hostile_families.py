"""Whatever a shop's products hold, their rows in the formats of Vendure and Saleor read back as the same products."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from shopctl.catalogue.feed.mapping import Mapping
from shopctl.catalogue.feed.shops.known import named
from shopctl.catalogue.feed.shops.reading import ShopTable
from shopctl.catalogue.feed.shops.shop import Cells, Family, Terms, products_of
from shopctl.catalogue.model import Price, Product, StockLevel
from shopctl.records.source import Limits

TERMS = Terms("EUR", ".")
WORDS = (
    "a|b", "a:b", " x ", "name", "name:de", "product:x", "product:", "variant:", "sku", "slug",
    "size (variant attribute)", "x (channel published)", "x (y)", "id", "channels", "sales", "languageCode",
    "optionGroups", "category",
    "brand", "tag", "a, b", '{"a":1}', "[1]", "compare-at", "x compare-at", "default-channel", "channel-eur",
    "oversold", "shared_sku",
    "variant_id", "weight", "description", "enabled", "<p>x</p>", '{"blocks":[]}', "True", "0", "-3", "variant sku",
    "Name", "stockOnHand:x", "facets:de", "a\nb", "UHJvZHVjdDox", "UHJvZHVjdFZhcmlhbnQ6MQ==", "=1+1", "'", '"', "😀",
)  # fmt: skip


class Maker:
    """Makes products of odd words."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.skus: set[str] = set()

    def families(self) -> Iterator[Family]:
        for _ in range(4):
            head = self.product()
            yield [head, *(self.product(head.sku) for _ in range(self.dice.choice((0, 0, 1, 2, 3))))]

    def product(self, parent: str = "") -> Product:
        word, dice = self.word, self.dice
        prices = {price.key: price for price in (self.price() for _ in range(dice.randrange(4)))}
        return Product(
            0, self.sku(), parent, dice.choice(("physical", "digital")), dice.choice(("active", "draft", "retired")),
            word(), dice.choice(("", word(), "<p>a</p>\n<p>b</p>")), word().strip(), word().strip(), [],
            word().strip(), dict(sorted((word(), word()) for _ in range(dice.randrange(3)))),
            dict(sorted({word(): self.value() for _ in range(dice.randrange(5))}.items())),
            list({word().strip() for _ in range(dice.randrange(3))}),
            [{"url": word().strip(), "alt": word()} for _ in range(dice.randrange(3))], [],
            dice.choice((None, 10**15)), None, 1, 0, 0, tuple(sorted(prices.values())),
            tuple(StockLevel(word().strip(), dice.randrange(9), 0) for _ in range(dice.randrange(2))),
        )  # fmt: skip

    def word(self) -> str:
        return self.dice.choice(WORDS)

    def sku(self) -> str:
        sku = self.word().strip()
        while sku in self.skus or not sku.isprintable():
            sku = f"{self.word().strip()}{len(self.skus)}".replace("\n", "")
        self.skus.add(sku)
        return sku

    def value(self) -> Any:
        return self.dice.choice(
            (self.word(), 1, 2.5, True, None, [self.word(), self.word()], {"a": self.word()}, [], "")
        )

    def price(self) -> Price:
        dice = self.dice
        lists = ("default", "compare-at", self.word().strip())
        code, start, end = (
            dice.choice(("EUR", "USD", "JPY")),
            dice.choice((0, 0, 10**15)),
            dice.choice((None, 2 * 10**15)),
        )
        return Price(code, dice.randrange(10_000), dice.choice(lists), dice.choice((1, 1, 5)), start, end)


@pytest.mark.parametrize("format", ["vendure", "saleor"])
@pytest.mark.parametrize("seed", range(150))
def test_products_read_back_as_themselves(format: str, seed: int) -> None:
    shop = named(format)
    families = list(Maker(seed).families())
    rows = [row for family in families for row in shop.written(family, TERMS)]
    header = [name for _, name in shop.header({column for row in rows for column, cell in row.items() if cell})]
    table = ShopTable(shop, header, [], Mapping(), Limits(), TERMS.currency)
    assert shop.recognises(frozenset(table.names))
    assert len(set(header)) == len(header)

    for family in families:
        parents = {row[2]: row[3] for row in table.read_back(family)}
        assert parents.keys() <= {product.sku for product in family}
        # A product with one variant that nothing tells from it may be written as that variant alone.
        assert {product.sku for product in family[1:]} or {family[0].sku} <= parents.keys()
        assert len(family) == 2 or len(parents) == len(family)
        assert all(parent in (..., family[0].sku) for parent in parents.values())
    assert sorted(_skus_of_file(format, table, rows)) == sorted(
        row[2] for family in families for row in table.read_back(family)
    )


def _skus_of_file(format: str, table: ShopTable, rows: Sequence[Cells]) -> Iterator[str]:
    for said in products_of(named(format), table.columns, TERMS, rows):
        said.read()
        yield said.sku
