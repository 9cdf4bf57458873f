"""The past is told exactly: whatever is done, every past moment is shown as it was."""

from __future__ import annotations

import itertools
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopctl.catalogue import history, queries
from shopctl.catalogue.errors import NotYetCreated
from shopctl.catalogue.model import Product
from shopctl.catalogue.service import CatalogueService
from shopctl.catalogue.stock import StockService
from shopctl.kernel.errors import Conflict
from shopctl.storage.database import Database
from support.products import HOUR, NOW, add

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["a", "b", "a.b"]),
    st.recursive(
        st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | TEXTS,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS.filter(str.strip), inner, max_size=2),
        max_leaves=4,
    ),
    max_size=3,
)  # fmt: skip
PRICE = st.fixed_dictionaries(
    {"currency": st.sampled_from(["EUR", "JPY"]), "amount": st.integers(0, 5).map(str)},
    optional={"min_quantity": st.integers(1, 2), "list": st.just("vip"), "valid_until": st.just("2030-01-01")},
)
PRICES = st.lists(
    PRICE, max_size=3, unique_by=lambda price: (price["currency"], price.get("list"), price.get("min_quantity", 1))
)
MOMENTS = st.none() | st.integers(-2, 4)
STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),  # how far the clock is turned first
        st.integers(0, 2),  # which product
        st.one_of(
            st.tuples(st.just("name"), TEXTS.filter(str.strip)),
            st.tuples(st.just("description"), TEXTS),
            st.tuples(st.just("tags"), st.lists(st.sampled_from("abc"), max_size=3).map(json.dumps)),
            st.tuples(st.just("attributes"), ATTRIBUTES.map(json.dumps)),
            st.tuples(st.just("prices"), PRICES.map(json.dumps)),
            st.tuples(st.just("category"), st.sampled_from(["", "A", "A > B"])),
            st.tuples(st.just("publish"), MOMENTS),
            st.tuples(st.just("retire"), MOMENTS),
            st.tuples(st.just("stock"), st.integers(0, 3)),
            st.tuples(st.just("reserve"), st.integers(1, 3)),
            st.tuples(st.just("release"), st.integers(0, 2)),
            st.tuples(st.just("fulfil"), st.integers(0, 2)),
            st.tuples(st.just("create"), st.none()),
        ),
    ),
    max_size=14,
)


class World:
    """A shop that is changed at random and photographed after each step."""

    def __init__(self, database: Database, catalogue: CatalogueService, stock: StockService, turned: Any) -> None:
        self.database, self.catalogue, self.stock, self.turned = database, catalogue, stock, turned
        self.skus: list[str] = []
        self.reservations: list[str] = []
        self.photographs: dict[int, dict[int, Product]] = {}
        self.create()

    def create(self) -> None:
        with self.database.unit() as unit:
            sku = f"S{unit.value('select count(*) from product')}"
            add(unit, sku, at=self.turned.time, stock=2, prices=[("EUR", 100)])
        self.skus.append(sku)

    def do(self, product: int, verb: str, value: Any) -> None:
        sku, now = self.skus[product % len(self.skus)], self.turned.time
        if verb == "create":
            self.create()
        elif verb in ("publish", "retire"):
            getattr(self.catalogue, verb)([sku], at=None if value is None else now + value)
        elif verb == "stock":
            self.stock.set(sku, value)
        elif verb == "reserve":
            with self.database.unit() as unit:
                self.reservations.append(self.stock.reserve(unit, sku, value, holder="anna", until=now + 2).id)
        elif verb in ("release", "fulfil"):
            if self.reservations:
                reservation = self.reservations[value % len(self.reservations)]
                with self.database.unit() as unit:
                    if verb == "fulfil":
                        self.stock.fulfil(unit, reservation)
                    else:
                        self.stock.release(unit, [reservation])
        else:
            self.catalogue.edit(sku, [f"{verb}={value}"])

    def photograph(self) -> None:
        now = self.turned.time
        with self.database.read() as unit:
            products = queries.by_skus(unit, self.skus, now=now).values()
        self.photographs[now] = {product.id: product for product in products}

    def check(self) -> None:
        first = min(self.photographs)
        with self.database.read() as unit:
            today = list(queries.by_skus(unit, self.skus, now=self.turned.time).values())
            for moment, photograph in self.photographs.items():
                # repr, because 1, 1.0 and True are equal in Python and different in a shop.
                assert repr(history.products_at(unit, today, moment)) == repr(photograph)
            moments = [first - 1, *self.photographs]
            for since, until in itertools.combinations_with_replacement(moments, 2):
                before, after = self.photographs.get(since, {}), self.photographs.get(until, {})
                expected = [row for product in today
                            for row in history.compare(history.as_met(before.get(product.id), since),
                                                       history.as_met(after.get(product.id), until))]  # fmt: skip
                assert list(history.differences(unit, since, until)) == expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(steps=STEPS)
def test_every_past_moment_is_reproduced(
    steps: list[tuple[int, int, tuple[str, Any]]],
    database: Database,
    catalogue: CatalogueService,
    stock: StockService,
    turned: Any,
):
    turned.time += 10 * HOUR  # away from the example before
    world = World(database, catalogue, stock, turned)
    world.photograph()
    for turn, product, (verb, value) in steps:
        turned.time += turn
        with suppress(Conflict):  # refused, and so nothing happened; the photograph shows it
            world.do(product, verb, value)
        world.photograph()
    world.check()


def test_a_clock_set_back_keeps_versions_in_order(database: Database, catalogue: CatalogueService, turned: Any):
    with database.unit() as unit:
        add(unit, "MUG-1")
    for step, name in ((10, "A"), (-5, "B"), (3, "C"), (10, "D")):
        turned.time += step
        catalogue.edit("MUG-1", [f"name={name}"])
    turned.time += 10

    assert [catalogue.show("MUG-1", at=NOW + moment)["name"] for moment in (0, 9, 10, 17, 18)] == [
        "Mug", "Mug", "C", "C", "D",
    ]  # fmt: skip
    assert catalogue.show("MUG-1", at=NOW + 12)["version"] == 4


def test_a_moment_shows_the_highest_version_made_until_then(
    database: Database, catalogue: CatalogueService, turned: Any
):
    with database.unit() as unit:
        add(unit, "MUG-1")
    for step, name in ((10, "A"), (10, "B")):
        turned.time += step
        catalogue.edit("MUG-1", [f"name={name}"])
    with database.unit() as unit:  # as another machine, whose clock is late, would have written it
        unit.execute("update change set at = :at where version = 3", at=NOW + 5)
    turned.time += 10

    assert [catalogue.show("MUG-1", at=NOW + moment)["name"] for moment in (4, 5, 12)] == ["Mug", "B", "B"]
    assert [row["to"] for row in catalogue.differences(since=NOW + 1, until=NOW + 12)] == ["B"]


@pytest.mark.parametrize("way", ["release", "fulfil", "expire"])
def test_a_reservation_counts_in_the_past_until_it_ended(
    way: str, database: Database, catalogue: CatalogueService, stock: StockService, turned: Any
):
    with database.unit() as unit:
        add(unit, "MUG-1", stock=10)
        reservation = stock.reserve(unit, "MUG-1", 3, holder="anna", until=NOW + 20).id
    turned.time = NOW + (20 if way == "expire" else 10)
    if way != "expire":
        with database.unit() as unit:
            stock.fulfil(unit, reservation) if way == "fulfil" else stock.release(unit, [reservation])
    ended, turned.time = turned.time, NOW + 30

    def seen(moment: int) -> tuple[int, int]:
        shown = catalogue.show("MUG-1", at=moment)["stock"]
        return shown["on_hand"], shown["reserved"]

    after = (7, 0) if way == "fulfil" else (10, 0)
    assert [seen(moment) for moment in (NOW, ended - 1, ended, NOW + 29)] == [(10, 3), (10, 3), after, after]


def test_before_its_creation_there_was_no_product(database: Database, catalogue: CatalogueService):
    with database.unit() as unit:
        add(unit, "MUG-1")

    with pytest.raises(NotYetCreated):
        catalogue.show("MUG-1", at=NOW - 1)


def test_the_history_tells_each_step_latest_first(database: Database, catalogue: CatalogueService, turned: Any):
    with database.unit() as unit:
        add(unit, "MUG-1", attributes={"a": {"b": 1}})
    turned.time += 1
    catalogue.edit("MUG-1", ["name=Cup", "attributes.a="])
    turned.time += 1
    catalogue.retire(["MUG-1"])

    rows = catalogue.history("MUG-1")

    assert [(row["version"], row["kind"], row["actor"]) for row in rows] == [
        (3, "retire", "os:anna"), (2, "update", "os:anna"), (1, "create", "os:anna"),
    ]  # fmt: skip
    assert rows[0]["changes"] == [{"field": "status", "from": "active", "to": "retired"}]
    assert {"field": "attributes.a", "from": {"b": 1}, "to": None} in rows[1]["changes"]
    assert rows[2]["changes"] == []


def test_differences_are_those_of_the_last_day_by_default(database: Database, catalogue: CatalogueService, turned: Any):
    with database.unit() as unit:
        add(unit, "OLD", at=NOW - 25 * HOUR)
        add(unit, "NEW", at=NOW - 23 * HOUR, name="New")

    found = list(catalogue.differences())

    assert {row["sku"] for row in found} == {"NEW"}
    assert {"sku": "NEW", "change": "created", "field": "name", "from": None, "to": "New"} in found


def test_a_difference_undone_is_none(database: Database, catalogue: CatalogueService, turned: Any):
    with database.unit() as unit:
        add(unit, "MUG-1")
    for name in ("Cup", "Mug"):
        turned.time += 1
        catalogue.edit("MUG-1", [f"name={name}"])

    assert list(catalogue.differences(since=NOW)) == []
    assert [row["to"] for row in catalogue.differences(since=NOW, until=NOW + 1)] == ["Cup"]


def test_many_products_are_compared_in_batches(database: Database, catalogue: CatalogueService, turned: Any):
    with database.unit() as unit:
        add(unit, *(f"P{number}" for number in range(1100)), name="")
    turned.time += 1

    assert len({row["sku"] for row in catalogue.differences()}) == 1100
