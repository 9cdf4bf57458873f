"""Exports in the formats of other shops import back with no change, whatever filled the shop and whatever they lack."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from contract.catalogue.conftest import Open
from contract.catalogue.test_export_round_trip import REAL
from support.feeds import counted
from support.parts import FULL

FORMATS = ("shopify", "woocommerce", "magento", "saleor", "vendure", "medusa")
EXAMPLES = {
    "lanterns-shopify.csv": "shopify", "lanterns-woocommerce.csv": "woocommerce", "lanterns-magento.csv": "magento",
    "tea-saleor.csv": "saleor", "pottery-vendure.csv": "vendure", "lanterns-medusa.csv": "medusa",
}  # fmt: skip
OWN = (*EXAMPLES, "nursery.csv", "lending-library.json", "bundled")
OF_THE_FORMAT = [
    *((shop, name) for name, shop in EXAMPLES.items()),
    *((shop, name) for name in REAL for shop in FORMATS if name.startswith(shop)),
]


@pytest.mark.parametrize(
    ("kind", "name"), [*(("sqlite", name) for name in (*OWN, *REAL)), *(("postgres", name) for name in OWN)]
)
def test_an_export_in_the_format_of_a_shop_imports_back_with_no_change(
    name: str, kind: str, opened: Open, path_of: Callable[[str, int], Path]
) -> None:
    shop = opened("shop", kind)
    rows = shop.run(path_of(name, 0), on_error="skip-rows").counts.created
    before = shop.records()

    # Recognised, or named on the command line: in short each other one, and the next file the other way round.
    for number, shops in enumerate(FORMATS, [*OWN, *REAL].index(name)):
        file = shop.export(shops, f"{shops}.csv")
        for said in ("auto", shops) if FULL else ("auto",) if number % 2 else (shops,):
            counts = counted(shop.run(file, format=said))
            assert counts == {"rows": rows, "unchanged": rows}, (shops, said)
    assert shop.records() == before


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
@pytest.mark.parametrize(("format", "name"), OF_THE_FORMAT)
def test_a_second_shop_filled_from_the_export_exports_the_same(
    format: str, name: str, kind: str, opened: Open, path_of: Callable[[str, int], Path]
) -> None:
    first, second = opened("first", kind), opened("second", kind)
    first.run(path_of(name, 0))
    file = first.export(format, "out.csv")

    second.run(file)

    assert second.export(format, "out.csv").read_bytes() == file.read_bytes()
    assert second.records() == first.records()
