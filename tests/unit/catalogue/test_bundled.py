"""The bundled catalogue is what its generator writes, and shows every side of a product."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shopctl.catalogue import bundled

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def products() -> list[dict[str, Any]]:
    with bundled.catalogue() as path:
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_the_generator_writes_it_byte_for_byte() -> None:
    written = subprocess.run([sys.executable, ROOT / "examples/make_catalogue.py"], capture_output=True, check=True)

    with bundled.catalogue() as path:
        assert written.stdout == path.read_bytes()


def test_about_five_hundred_products_each_with_its_own_sku(products: list[dict[str, Any]]) -> None:
    assert 480 <= len(products) <= 520
    assert len({product["sku"] for product in products}) == len(products)


def test_every_kind_and_every_status_is_there(products: list[dict[str, Any]]) -> None:
    kinds = Counter(product["kind"] for product in products)

    assert kinds.keys() == {"physical", "digital", "service", "subscription", "bundle"}
    assert min(kinds.values()) >= 10
    assert {product["status"] for product in products} == {"draft", "active", "retired"}
    assert any("publish_at" in product for product in products)
    assert any("retire_at" in product for product in products)


def test_prices_stand_in_three_currencies_in_their_own_digits(products: list[dict[str, Any]]) -> None:
    prices = [price for product in products for price in product.get("prices", [])]
    places = {currency: set() for currency in ("EUR", "JPY", "USD")}
    for price in prices:
        places[price["currency"]].add(-int(Decimal(price["amount"]).as_tuple().exponent))

    assert places == {"EUR": {2}, "USD": {2}, "JPY": {0}}
    assert any(price.get("min_quantity", 1) > 1 for price in prices)
    assert any("list" in price for price in prices)
    assert any("valid_from" in price and "valid_until" in price for price in prices)
    assert all("prices" in product for product in products if not is_parent(product, products))


def test_variants_and_components_refer_to_products_that_are_there(products: list[dict[str, Any]]) -> None:
    skus = {product["sku"] for product in products}

    assert {product["parent_sku"] for product in products if "parent_sku" in product} <= skus
    assert {part["sku"] for product in products for part in product.get("components", [])} <= skus
    assert all(product["components"] for product in products if product["kind"] == "bundle")


def test_physical_goods_lie_in_two_warehouses(products: list[dict[str, Any]]) -> None:
    physical = [p for p in products if p["kind"] == "physical" and not is_parent(p, products)]

    assert all(product["stock"].keys() == {"rotterdam", "osaka"} for product in physical)
    assert any(0 in product["stock"].values() for product in physical)
    assert not [product["sku"] for product in products if product["kind"] != "physical" and "stock" in product]


def is_parent(product: dict[str, Any], products: list[dict[str, Any]]) -> bool:
    return any(other.get("parent_sku") == product["sku"] for other in products)
