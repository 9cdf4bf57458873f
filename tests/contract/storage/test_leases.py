"""Leases and their fencing numbers, on both databases."""

from __future__ import annotations

import threading

import pytest

from shopctl.storage import lease
from shopctl.storage.database import Database, open_database
from shopctl.storage.errors import LeaseLost

SPAN = 1_000


def claim(database: Database, holder: str, now: int) -> int | None:
    with database.unit() as unit:
        return lease.claim(unit, "sealer", holder, now, SPAN)


def test_only_one_holds_a_lease_at_a_time(database: Database) -> None:
    assert claim(database, "anna", 0) == 1
    assert claim(database, "ben", SPAN - 1) is None
    assert claim(database, "ben", SPAN) == 2


def test_a_stale_holder_is_refused_and_its_write_undone(database: Database) -> None:
    stale = claim(database, "anna", 0)
    fresh = claim(database, "ben", SPAN)
    assert stale is not None
    assert fresh is not None

    with pytest.raises(LeaseLost, match="sealer"), database.unit() as unit:
        unit.execute("insert into category (path, name) values ('stale', 'stale')")
        lease.guard(unit, "sealer", stale)
    with pytest.raises(LeaseLost), database.unit() as unit:
        lease.renew(unit, "sealer", stale, 2 * SPAN, SPAN)
    with database.unit() as unit:
        lease.release(unit, "sealer", stale)  # does not take the lease from its new holder
        lease.guard(unit, "sealer", fresh)
        assert unit.value("select count(*) from category") == 0
        assert unit.value("select expires_at from lease") == 2 * SPAN


def test_a_released_lease_is_free_at_once_and_its_fence_goes_on_rising(database: Database) -> None:
    first = claim(database, "anna", 0)
    assert first is not None
    with database.unit() as unit:
        lease.release(unit, "sealer", first)
    assert claim(database, "ben", 1) == first + 1


def test_a_second_run_under_the_same_name_fences_the_first_one_off(database: Database) -> None:
    first = claim(database, "anna", 0)
    assert claim(database, "anna", 1) == 2
    assert first is not None
    with pytest.raises(LeaseLost), database.unit() as unit:
        lease.guard(unit, "sealer", first)


def test_a_renewed_lease_stays_with_its_holder(database: Database) -> None:
    fence = claim(database, "anna", 0)
    assert fence is not None
    with database.unit() as unit:
        lease.renew(unit, "sealer", fence, SPAN, SPAN)  # just over, but nobody took it
    assert claim(database, "ben", 2 * SPAN - 1) is None


def test_racing_claims_have_one_winner(database: Database, database_url: str) -> None:
    start = threading.Barrier(6)
    won: list[int | None] = []

    def race(holder: str) -> None:
        own = open_database(database_url)
        start.wait()
        won.append(claim(own, holder, 0))
        own.close()

    racers = [threading.Thread(target=race, args=(f"racer {number}",)) for number in range(6)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert sorted(won, key=str) == [1, *[None] * 5]


def test_a_guarded_unit_keeps_the_lease_until_it_ends(database: Database, database_url: str) -> None:
    fence = claim(database, "anna", 0)
    assert fence is not None
    taken: list[int | None] = []

    def take() -> None:
        own = open_database(database_url)
        taken.append(claim(own, "ben", SPAN))
        own.close()

    taker = threading.Thread(target=take)
    with database.unit() as unit:
        lease.guard(unit, "sealer", fence)
        taker.start()
        taker.join(0.3)
        assert taken == []
    taker.join()
    assert taken == [fence + 1]
