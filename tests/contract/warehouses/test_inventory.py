"""Stock by any adapter: promised once under a key, renewed, given back, handed out, taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.conftest import Turned
from contract.warehouses.conftest import Answering, Bench, OwnShelves, Shelves, step
from shopctl.catalogue.errors import InsufficientStock, ProductNotFound, ReservationEnded, ReservationNotFound
from shopctl.provisioning.ports import WEEK, Reservation
from shopctl.storage.database import Database
from shopctl.workflow.ports import Failed

RESERVE = {"sku": "${input.product.sku}", "quantity": "${input.quantity}"}
UNDO = {"action": "release-stock", "with": {"reservation": "${steps.reserve.reservation}"}}


@pytest.fixture(autouse=True)
def mugs(shelves: Shelves) -> None:
    shelves.put("MUG-1", 10)


def reserve(shelves: Shelves, quantity: int, key: str = "run_1.reserve.1", seconds: int = WEEK) -> str:
    with shelves.open() as inventory:
        reference = key.rpartition(".")[0]
        made = inventory.reserve("MUG-1", quantity, key=key, reference=reference, seconds=seconds)
    assert made.id is not None
    return made.id


def available(shelves: Shelves) -> int | None:
    with shelves.open() as inventory:
        return inventory.available("MUG-1")


def test_the_same_key_reserves_once(shelves: Shelves) -> None:
    first = reserve(shelves, 3)

    assert reserve(shelves, 3) == first
    assert available(shelves) == 7
    assert reserve(shelves, 3, "run_1.reserve.2") != first
    assert available(shelves) == 4


def test_more_than_there_is_is_refused_and_nothing_is_held(shelves: Shelves) -> None:
    reserve(shelves, 8)

    with pytest.raises(InsufficientStock, match="Only 2 of MUG-1 are left"):
        reserve(shelves, 3, "run_2.reserve.1")

    assert available(shelves) == 2


def test_what_nobody_counts_is_reserved_without_a_reservation(shelves: Shelves) -> None:
    shelves.put("EBOOK-1", None)

    with shelves.open() as inventory:
        assert inventory.available("EBOOK-1") is None
        assert inventory.reserve("EBOOK-1", 99, key="k", reference="r") == Reservation(None, "EBOOK-1", 99, None)


def test_a_product_that_is_not_there_is_named(shelves: Shelves) -> None:
    with shelves.open() as inventory, pytest.raises(ProductNotFound, match="MUG-9"):
        inventory.reserve("MUG-9", 1, key="k", reference="r")
    with shelves.open() as inventory, pytest.raises(ProductNotFound, match="MUG-9"):
        inventory.available("MUG-9")


def test_what_was_released_is_there_again_and_releasing_it_again_changes_nothing(shelves: Shelves) -> None:
    held = reserve(shelves, 3)

    with shelves.open() as inventory:
        assert inventory.release(held) is True
        assert inventory.release(held) is False

    assert available(shelves) == 10
    with shelves.open() as inventory, pytest.raises(ReservationEnded, match="released"):
        inventory.fulfil(held)


def test_what_was_handed_out_left_the_stock_once_and_is_not_released(shelves: Shelves) -> None:
    held = reserve(shelves, 3)

    with shelves.open() as inventory:
        inventory.fulfil(held)
        inventory.fulfil(held)

    assert available(shelves) == 7
    with shelves.open() as inventory, pytest.raises(ReservationEnded, match="fulfilled"):
        inventory.release(held)


def test_what_comes_back_is_in_the_stock_again_once(shelves: Shelves) -> None:
    held = reserve(shelves, 3)

    with shelves.open() as inventory:
        assert inventory.take_back(held) is False
        inventory.fulfil(held)
        assert inventory.take_back(held) is True
        assert inventory.take_back(held) is False
        assert inventory.release(held) is False

    assert available(shelves) == 10


def test_a_reservation_holds_until_its_moment_unless_it_is_renewed(shelves: Shelves, turned: Turned) -> None:
    held, left = reserve(shelves, 3, seconds=60), reserve(shelves, 2, "run_2.reserve.1", seconds=60)
    turned.time += 50_000_000
    with shelves.open() as inventory:
        inventory.renew(held, seconds=60)

    turned.time += 20_000_000

    assert available(shelves) == 7
    with shelves.open() as inventory, pytest.raises(ReservationEnded):
        inventory.renew(left)


def test_one_past_its_moment_is_handed_out_while_nobody_else_was_promised_the_pieces(
    shelves: Shelves, turned: Turned
) -> None:
    first, second = (reserve(shelves, 5, f"run_{n}.reserve.1", seconds=60) for n in (1, 2))
    turned.time += 60_000_000
    reserve(shelves, 4, "run_3.reserve.1")

    with shelves.open() as inventory:
        inventory.fulfil(first)
    with shelves.open() as inventory, pytest.raises(InsufficientStock, match="Only 1 of MUG-1"):
        inventory.fulfil(second)


def test_a_reservation_that_is_not_there_is_named(shelves: Shelves) -> None:
    for deed in ("release", "fulfil", "renew", "take_back"):
        with shelves.open() as inventory, pytest.raises(ReservationNotFound, match="rsv_none"):
            getattr(inventory, deed)("rsv_none")


def test_a_run_reserves_hands_out_and_tells(shelves: Shelves, shelf_bench: Bench) -> None:
    run = shelf_bench.start(
        step("reserve", "reserve-stock", UNDO, **RESERVE),
        step("renew", "renew-stock", reservation="${steps.reserve.reservation}", hold="30d"),
        step("fulfil", "fulfil-stock", reservation="${steps.reserve.reservation}"),
        input={"product": {"sku": "MUG-1"}, "quantity": 4},
    )

    done = shelf_bench.worked(run)

    assert done.state == "completed"
    output = dict(done.steps["reserve"].output or {})
    assert output.pop("reservation")
    assert output.pop("location")
    assert output == {"sku": "MUG-1", "quantity": 4}
    assert (done.steps["fulfil"].output or {})["fulfilled"] is True
    assert available(shelves) == 6


def test_a_run_that_fails_gives_everything_back(shelves: Shelves, shelf_bench: Bench) -> None:
    shelf_bench.actions["break"] = Answering(Failed("http.422", "no such address"))
    reservation = "${steps.reserve.reservation}"
    run = shelf_bench.start(
        step("reserve", "reserve-stock", UNDO, **RESERVE),
        step("fulfil", "fulfil-stock", {"action": "return-stock", "with": {"reservation": reservation}},
             reservation=reservation),
        step("break", "break"),
        input={"product": {"sku": "MUG-1"}, "quantity": 4},
    )  # fmt: skip

    done = shelf_bench.worked(run)

    assert done.state == "failed"
    assert [done.steps[name].state for name in ("reserve", "fulfil")] == ["undone", "undone"]
    assert available(shelves) == 10


def test_a_run_without_stock_fails_or_waits_for_it(shelves: Shelves, shelf_bench: Bench) -> None:
    shelves.put("CUP-1", 1)
    given = {"sku": "CUP-1", "quantity": 1}
    first = shelf_bench.start(step("reserve", "reserve-stock", UNDO, **given))
    held = (shelf_bench.worked(first).steps["reserve"].output or {})["reservation"]
    refused = shelf_bench.start(step("reserve", "reserve-stock", UNDO, **given))
    patient = shelf_bench.start(step("reserve", "reserve-stock", UNDO, wait_for_stock=True, **given))

    failed = shelf_bench.worked(refused)
    assert failed.state == "failed"
    assert (failed.error or {})["code"] == "catalogue.insufficient_stock"
    assert shelf_bench.worked(patient).state == "waiting"

    with shelves.open() as inventory:
        inventory.release(held)
    shelf_bench.later(11)
    assert shelf_bench.worked(patient).state == "completed"


def test_what_is_not_counted_passes_through_all_steps(shelves: Shelves, shelf_bench: Bench) -> None:
    shelves.put("EBOOK-1", None)
    shelf_bench.actions["break"] = Answering(Failed("http.422", "no"))
    run = shelf_bench.start(
        step("reserve", "reserve-stock", UNDO, **RESERVE),
        step("fulfil", "fulfil-stock", reservation="${steps.reserve.reservation}"),
        step("break", "break"),
        input={"product": {"sku": "EBOOK-1"}, "quantity": "2"},
    )

    done = shelf_bench.worked(run)

    assert done.state == "failed"
    assert done.steps["reserve"].state == "undone"
    assert (done.steps["fulfil"].output or {}) == {"reservation": None, "fulfilled": False}


def test_values_of_another_kind_fail_the_step_by_name(shelves: Shelves, shelf_bench: Bench) -> None:
    for quantity in (0, "some", True, 1.5, -1):
        run = shelf_bench.start(step("reserve", "reserve-stock", sku="MUG-1", quantity=quantity))
        done = shelf_bench.worked(run)
        assert (done.error or {})["code"] == "provisioning.values_invalid"
        assert "`quantity` is not a whole number" in (done.error or {})["message"]
    run = shelf_bench.start(step("reserve", "reserve-stock", sku="${input.nothing}"))
    assert "`sku` has no value" in (shelf_bench.worked(run).error or {})["message"]
    assert available(shelves) == 10


def test_without_a_location_pieces_come_from_where_there_are_enough(
    sqlite: Database, tmp_path: Path, turned: Turned
) -> None:
    shelves = OwnShelves(sqlite, tmp_path, turned)
    shelves.put("MUG-2", 2)
    shelves.kept._stock.set("MUG-2", 5, location="there")

    with shelves.open() as inventory:
        many = inventory.reserve("MUG-2", 4, key="a", reference="a")
        few = inventory.reserve("MUG-2", 2, key="b", reference="b")

    assert (many.location, few.location) == ("there", "default")
