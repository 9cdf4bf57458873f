"""Three digits after a lone separator are a thousand or a decimal; what the file says decides, never a silent guess."""

from __future__ import annotations

from pathlib import Path

import pytest

from shopctl.catalogue.feed.opening import open_feed
from shopctl.catalogue.feed.row import PRICES, STOCK


def read(tmp_path: Path, text: str) -> tuple[list[tuple[object, object]], list[str]]:
    path = tmp_path / "feed.csv"
    path.write_text(text)
    batches = list(open_feed(str(path), default_currency="EUR").batches())
    rows = [(row[PRICES][0][1], row[STOCK]) for batch in batches for row in batch.rows]
    return rows, [reject.code for batch in batches for reject in batch.rejects]


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("sku;price;stock\nA;10.000;3\n", 1_000_000),  # semicolons go with decimal commas
        ("sku;price;stock\nA;10.000;3\nB;9.99;1\n", 1000),  # but the column itself is believed first
        ("sku,price,stock\nA,10.000,3\n", 1000),
        ('sku,price,stock\nA,"10,000",3\n', 1_000_000),
        ("sku,price,currency,stock\nA,10.000,JPY,3\n", 10_000),  # yen have no decimals
        ("sku;price;currency;stock\nA;1.234;KWD;3\nB;0.500;KWD;1\n", 1234),  # dinars have three
    ],
)
def test_a_price_is_read_by_what_the_file_says(tmp_path: Path, text: str, amount: int) -> None:
    rows, rejected = read(tmp_path, text)

    assert (rows[0][0], rejected) == (amount, [])


def test_a_stock_is_a_thousand_where_commas_are_decimal(tmp_path: Path) -> None:
    assert read(tmp_path, "sku;price;stock\nA;1,50;1.000\n") == ([(150, (("default", 1000),))], [])


def test_a_stock_that_may_be_either_is_rejected(tmp_path: Path) -> None:
    assert read(tmp_path, "sku,price,stock\nA,15,1.000\nB,15,12.00\n")[1] == ["stock.ambiguous"]
