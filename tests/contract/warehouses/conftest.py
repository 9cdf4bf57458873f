"""Stock and shipping, kept here or elsewhere, and a bench that runs workflows over them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from contract.conftest import Turned
from shopctl.audit.keys import create_key
from shopctl.audit.service import Audit
from shopctl.catalogue.stock import StockService
from shopctl.outgoing.client import OutgoingClient
from shopctl.provisioning.actions.fulfilment import fulfilment_actions
from shopctl.provisioning.actions.stock import stock_actions
from shopctl.provisioning.adapters.http_fulfilment import HttpFulfilment
from shopctl.provisioning.adapters.http_inventory import HttpInventory
from shopctl.provisioning.adapters.local_fulfilment import LocalFulfilment
from shopctl.provisioning.adapters.local_inventory import LocalInventory
from shopctl.provisioning.adapters.rest import RestService
from shopctl.provisioning.ports import Fulfilment, Inventory
from shopctl.storage.database import Database, open_database
from shopctl.workflow.model import Run
from shopctl.workflow.ports import Done, Outcome
from support import products
from support.warehouse import TOKEN, Warehouse
from support.workbench import Bench as Workbench


@pytest.fixture
def sqlite(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """For what is the same on every database."""
    path = shutil.copy(request.getfixturevalue("prepared_sqlite"), tmp_path)
    with closing(open_database(f"sqlite:///{path}")) as found:
        yield found


@pytest.fixture
def postgres(postgres_shop_url: str) -> Iterator[Database]:
    with closing(open_database(postgres_shop_url)) as found:
        yield found


@pytest.fixture
def warehouse(turned: Turned) -> Iterator[Warehouse]:
    with Warehouse(turned.now) as found:
        yield found


class Shelves(Protocol):
    """An inventory with what tests put into it and see of it."""

    kept: Any
    database: Database

    def put(self, sku: str, pieces: int | None) -> None: ...
    def open(self) -> AbstractContextManager[Inventory]: ...


class OwnShelves:
    """Stock of the catalogue."""

    def __init__(self, database: Database, folder: Path, clock: Turned) -> None:
        create_key(folder / "audit.key")
        audit = Audit(database, folder / "audit.key", actor="os:anna", clock=clock)
        self.database = database
        self.kept = LocalInventory(StockService(database, audit, clock))

    def put(self, sku: str, pieces: int | None) -> None:
        with self.database.unit() as unit:
            products.add(unit, sku, stock=pieces)

    @contextmanager
    def open(self) -> Iterator[Inventory]:
        with self.database.unit() as unit:
            yield self.kept.within(unit)


class OthersShelves:
    """Stock of a warehouse."""

    def __init__(self, database: Database, warehouse: Warehouse) -> None:
        self.database, self.warehouse = database, warehouse
        self.kept = HttpInventory(service(warehouse, "inventory"))

    def put(self, sku: str, pieces: int | None) -> None:
        self.warehouse.stock[sku] = pieces

    @contextmanager
    def open(self) -> Iterator[Inventory]:
        yield self.kept.lasting(5.0)


ADAPTERS = ["sqlite", "postgres", "http"]
"""Kept in the shop's own database of either kind, or elsewhere, where the shop's database does not matter."""


@pytest.fixture(params=ADAPTERS)
def shelves(request: pytest.FixtureRequest, tmp_path: Path, turned: Turned) -> Shelves:
    """An inventory; every test that takes it runs on each adapter."""
    if request.param == "http":
        return OthersShelves(request.getfixturevalue("sqlite"), request.getfixturevalue("warehouse"))
    return OwnShelves(request.getfixturevalue(request.param), tmp_path, turned)


class Dock:
    """A fulfilment with people, or a warehouse, that tests move."""

    def __init__(self, database: Database, clock: Turned, warehouse: Warehouse | None) -> None:
        self.database, self.warehouse = database, warehouse
        self.kept: Any = (
            LocalFulfilment(clock, by_hand=True)
            if warehouse is None
            else HttpFulfilment(service(warehouse, "fulfilment"))
        )

    @contextmanager
    def open(self) -> Iterator[Fulfilment]:
        if self.warehouse is not None:
            yield self.kept.lasting(5.0)
            return
        with self.database.unit() as unit:
            yield self.kept.within(unit)

    def move(self, shipment: str, state: str, **news: str) -> None:
        """It comes farther, out there."""
        if self.warehouse is not None:
            self.warehouse.shipments[shipment].update(state=state, **news)
            return
        with self.open() as fulfilment:
            fulfilment.told(shipment, "delivered" if state == "lost" else state, {"state": state, **news})

    def orders(self) -> int:
        """How many parcels there are."""
        if self.warehouse is not None:
            return len(self.warehouse.shipments)
        with self.database.read() as unit:
            return int(unit.value("select count(*) from shipment"))


@pytest.fixture(params=ADAPTERS)
def dock(request: pytest.FixtureRequest, turned: Turned) -> Dock:
    """A fulfilment; every test that takes it runs on each adapter."""
    if request.param == "http":
        return Dock(request.getfixturevalue("sqlite"), turned, request.getfixturevalue("warehouse"))
    return Dock(request.getfixturevalue(request.param), turned, None)


def service(warehouse: Warehouse, name: str) -> RestService:
    return RestService(name, OutgoingClient(["127.0.0.1"]), warehouse.url + "/", lambda: TOKEN)


class Bench(Workbench):
    """Runs of workflows over some actions."""

    def __init__(self, database: Database, clock: Turned, actions: Mapping[str, Any]) -> None:
        super().__init__(database, clock)
        self.actions = dict(actions)

    def worked(self, id_: str) -> Run:
        """The run, after all that is due was worked on."""
        self.work()
        return self.run(id_)


class Answering:
    """An action that says what it is told to, then that it is done."""

    place = "outside"
    repetition = "keyed"
    name = "answering"

    def __init__(self, *answers: Outcome) -> None:
        self.answers = list(answers)

    def problems(self, values: object) -> list[str]:
        return []

    def perform(self, call: object) -> Outcome:
        return self.answers.pop(0) if self.answers else Done()


def step(name: str, action: str, undo: dict[str, Any] | None = None, **given: Any) -> dict[str, Any]:
    more = {} if undo is None else {"compensate": undo}
    return {"name": name, "action": action, "with": given, "retry": {"initial": 10, "jitter": 0}, **more}


@pytest.fixture
def shelf_bench(shelves: Shelves, turned: Turned) -> Bench:
    return Bench(shelves.database, turned, stock_actions(shelves.kept))


@pytest.fixture
def dock_bench(dock: Dock, turned: Turned) -> Bench:
    return Bench(dock.database, turned, fulfilment_actions(dock.kept))
