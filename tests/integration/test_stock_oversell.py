"""Many buyers after the last pieces: stock is never negative and nothing is promised twice."""

from __future__ import annotations

import multiprocessing
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shopctl.audit.service import Audit
from shopctl.catalogue.errors import InsufficientStock, ReservationOver
from shopctl.catalogue.stock import StockService
from shopctl.kernel.clock import Clock
from shopctl.storage.database import open_database
from shopctl.storage.migrations import upgrade
from support.products import add
from support.shop import Shop

PIECES = 10
SECOND = 1_000_000
HOUR = 3600 * SECOND


def service(url: str) -> StockService:
    database = open_database(url)
    return StockService(database, Audit(database, Path("unused.key")), Clock())


def buy(url: str, client: int, rounds: int, seed: int, barrier: Any, results: Any) -> None:
    """One client: in even rounds it wants one piece for good, in odd ones it does whatever buyers do."""
    stock, dice, gained = service(url), random.Random(f"{seed}:{client}"), []
    for number in range(rounds):
        barrier.wait()
        attempt = _keep if number % 2 == 0 else _wander
        gained.append(attempt(stock, f"SKU-{number}", client, dice))
    results.put(gained)
    stock.database.close()


def _keep(stock: StockService, sku: str, client: int, dice: random.Random) -> int:
    try:
        with stock.database.unit() as unit:
            stock.reserve(unit, sku, 1, holder=f"client {client}", until=stock.clock.now() + HOUR)
    except InsufficientStock:
        return 0
    return 1


def _wander(stock: StockService, sku: str, client: int, dice: random.Random) -> int:
    """Reserve some pieces, often for a moment only, then take them, take them twice, give them back or walk away."""
    taken = 0
    for _ in range(3):
        quantity, lasting = dice.randint(1, 3), dice.choice([2_000, 20_000, HOUR])
        try:
            with stock.database.unit() as unit:
                held = stock.reserve(unit, sku, quantity, holder=f"client {client}", until=stock.clock.now() + lasting)
            time.sleep(dice.random() / 500)
            way = dice.choice(["fulfil", "fulfil twice", "release", "walk away"])
            for _ in range({"fulfil": 1, "fulfil twice": 2}.get(way, 0)):
                with stock.database.unit() as unit:
                    stock.fulfil(unit, held.id)
            taken += quantity if way.startswith("fulfil") else 0
            if way == "release":
                with stock.database.unit() as unit:
                    stock.release(unit, [held.id])
        except (InsufficientStock, ReservationOver):
            continue
    return taken


def timeline(unit: Any, sku: str) -> list[tuple[int, int, int]]:
    """(moment, on hand, promised) whenever one of them changed, as the rows tell it."""
    intervals = unit.tuples(
        """select r.created_at, r.expires_at, r.quantity from reservation r join product p on p.id = r.product_id
            where p.sku = :sku""",
        sku=sku,
    )
    moves = unit.tuples(
        """select m.at, m.on_hand from stock_movement m join product p on p.id = m.product_id
            where p.sku = :sku order by m.id""",
        sku=sku,
    )
    moments = sorted({moment for start, end, _ in intervals for moment in (start, end)} | {at for at, _ in moves})
    return [
        (
            moment,
            next((left for at, left in reversed(moves) if at <= moment), PIECES),
            sum(quantity for start, end, quantity in intervals if start <= moment < end),
        )
        for moment in moments
    ]


@pytest.mark.assure("R8")
def test_the_last_pieces_are_sold_once(database_url: str, scale: Callable[[int, int], int], dice: random.Random):
    clients, rounds = scale(12, 64), scale(10, 1000)
    database = open_database(database_url)
    if not database.exists():
        database.create()
    upgrade(database, "shop")
    with database.unit() as unit:
        add(unit, *(f"SKU-{number}" for number in range(rounds)), stock=PIECES)
    database.close()
    fork = multiprocessing.get_context("fork")
    barrier, results, seed = fork.Barrier(clients), fork.Queue(), dice.randrange(1 << 32)
    buyers = [
        fork.Process(target=buy, args=(database_url, client, rounds, seed, barrier, results))
        for client in range(clients)
    ]
    for buyer in buyers:
        buyer.start()
    gained = [results.get(timeout=60 + rounds * 3) for _ in buyers]
    for buyer in buyers:
        buyer.join()

    with database.read() as unit:
        for number in range(rounds):
            sku = f"SKU-{number}"
            on_hand = unit.value(
                "select s.on_hand from stock s join product p on p.id = s.product_id where p.sku = :sku", sku=sku
            )
            sold = sum(each[number] for each in gained)
            if number % 2 == 0:
                assert (sold, on_hand) == (PIECES, PIECES), f"{sku}: every piece is promised, to one client each"
            else:
                assert on_hand == PIECES - sold, f"{sku}: what left the stock is what clients took"
            for moment, left, promised in timeline(unit, sku):
                assert left >= 0, f"{sku} was negative at {moment}"
                assert promised <= left, f"{sku} was promised twice at {moment}: {promised} of {left}"
    database.close()


@pytest.mark.assure("R8")
def test_the_last_pieces_leave_once_at_the_command_line(any_shop: Shop, scale: Callable[[int, int], int]):
    any_shop.run("catalogue", "import", "-", input="sku,name,stock\nMUG-1,Mug,10\n")
    clients = scale(14, 64)

    running = [
        any_shop.start("stock", "adjust", "MUG-1", "-1", "-o", "json", stdout=subprocess.DEVNULL)
        for _ in range(clients)
    ]
    errors = [process.communicate()[1] for process in running]

    codes = sorted(process.returncode for process in running)
    assert codes == [0] * PIECES + [5] * (clients - PIECES), errors
    assert any_shop.run("stock", "show", "MUG-1", "-o", "json").json["on_hand"] == 0
