"""Licence keys: sealed, claimed once, the same again for the same step, given back or burned when it is undone."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest

from shopctl.provisioning.actions.licence_key import LicenceKeyAction
from shopctl.provisioning.errors import LicenceKeyInvalid, LicenceKeyNotFound, NoLicenceKeyLeft, PoolInvalid
from shopctl.provisioning.licence_keys import LicenceKeyService
from shopctl.provisioning.sealed import COLUMNS
from shopctl.storage.database import open_database
from shopctl.storage.resealing import _exchange, reseal
from shopctl.storage.sealing import Sealer
from shopctl.workflow.ports import Done, Failed
from support.calls import call


def test_a_pool_is_filled_from_lines_and_the_same_file_can_come_again(keys, database):
    lines = ["\ufeffAAAA-1\n", "  BBBB-2\r\n", "\n", "AAAA-1\n"]

    assert keys.add("office", lines) == {"pool": "office", "added": 2, "duplicates": 1, "free": 2}
    assert keys.add("office", [*lines, "CCCC-3"]) == {"pool": "office", "added": 1, "duplicates": 3, "free": 3}
    assert keys.add("other", ["AAAA-1"]) == {"pool": "other", "added": 0, "duplicates": 1, "free": 0}
    assert keys.pools() == [{"pool": "office", "free": 3, "claimed": 0, "burned": 0}]


def test_a_dry_run_adds_nothing(keys):
    assert keys.add("office", ["A"], dry_run=True)["added"] == 1
    assert keys.pools() == []


@pytest.mark.parametrize("bad", ["a\x1bb", "x" * 1001])
def test_a_bad_line_is_named_without_its_text_and_nothing_is_added(keys, bad):
    with pytest.raises(LicenceKeyInvalid, match="Line 2") as refused:
        keys.add("office", ["GOOD", bad])
    assert bad not in str(refused.value)
    assert keys.pools() == []


@pytest.mark.parametrize("pool", ["", "Office", "a b", "../x", "x" * 64])
def test_a_pool_has_a_plain_name(keys, pool):
    with pytest.raises(PoolInvalid):
        keys.add(pool, ["A"])


@pytest.mark.assure("S15")
def test_no_key_stands_in_the_database_in_clear(keys, database):
    keys.add("office", ["MARKER-KEY-1"])

    with database.read() as unit:
        assert "MARKER" not in repr([unit.tuples(f"select * from {table}") for table in unit.tables()])


def test_a_step_claims_one_key_and_has_the_same_again(keys, database):
    keys.add("office", ["A", "B"])
    with database.unit() as unit:
        first = keys.claim(unit, "office", run_id="run_1", step="key")
    with database.unit() as unit:
        assert keys.claim(unit, "office", run_id="run_1", step="key") == first
        second = keys.claim(unit, "office", run_id="run_2", step="key")
        with pytest.raises(NoLicenceKeyLeft):
            keys.claim(unit, "office", run_id="run_3", step="key")
        assert {keys.key_of(unit, first), keys.key_of(unit, second)} == {"A", "B"}


def test_a_revealed_key_is_told_by_the_trail_without_its_text(keys, database, audit):
    keys.add("office", ["MARKER-1"])
    with database.unit() as unit:
        claimed = keys.claim(unit, "office", run_id="run_1", step="key")

    shown = keys.reveal(claimed)

    assert (shown["key"], shown["state"], shown["run_id"]) == ("MARKER-1", "claimed", "run_1")
    entries = list(audit.entries(limit=10))
    assert (entries[0].action, entries[0].subject) == ("licence_key.reveal", claimed)
    assert "MARKER" not in repr(entries)
    with pytest.raises(LicenceKeyNotFound):
        keys.reveal("lic_x")


@pytest.mark.parametrize(
    ("on_undo", "state", "left"), [(None, "burned", 0), ("burn", "burned", 0), ("return", "free", 1)]
)
def test_an_undone_step_burns_its_key_or_gives_it_back_once(keys, database, on_undo, state, left):
    keys.add("office", ["A"])
    action = LicenceKeyAction(keys)
    undo = call({} if on_undo is None else {"on_undo": on_undo}, undoing=True)
    with database.unit() as unit:
        done = action.perform(unit, call({"pool": "office"}))
    assert isinstance(done, Done)
    for _ in range(2):
        with database.unit() as unit:
            undone = action.perform(unit, undo)
    assert undone == Done({"licence_key_id": None, "on_undo": on_undo or "burn"})

    assert keys.reveal(done.output["licence_key_id"])["state"] == state
    assert keys.pools()[0]["free"] == left


def test_a_step_without_its_values_fails_and_an_empty_pool_is_tried_again(keys, database):
    action = LicenceKeyAction(keys)
    with database.unit() as unit:
        assert action.perform(unit, call({})) == Failed("licence_key.with", "pool is missing")
        with pytest.raises(NoLicenceKeyLeft) as empty:
            action.perform(unit, call({"pool": "office"}))
    assert (empty.value.code, empty.value.retryable) == ("licence_key.none_left", True)
    assert action.problems({"pool": "a", "on_undo": "sell"}) == ["on_undo must be one of burn, return"]
    assert action.problems({"on_undo": "burn"}) == []


def test_keys_are_known_while_a_reseal_is_under_way_and_after_it(keys, database, audit, turned, sealer):
    """Until a row's turn comes, its index was made with the former key."""
    former = Sealer("shop", COLUMNS, sealer.unwrapping.fetch)
    keys.add("office", ["A", "B"])
    with database.unit() as unit:
        _exchange(unit, former, sealer.unwrapping.fetch().current, again=True)

    assert keys.add("office", ["A", "C"])["added"] == 1
    reseal(database, sealer)
    assert keys.add("office", ["A", "B", "C", "D"])["added"] == 1


def test_no_key_goes_to_two_of_many_who_claim_at_once(keys, database_url, database, sealer, turned, audit, scale):
    count = scale(40, 1000)
    keys.add("office", [f"K{number}" for number in range(count)])
    claimed: list[str] = []

    def claim(worker: int) -> None:
        with closing(open_database(database_url)) as own:
            service = LicenceKeyService(own, audit, turned, sealer)
            for number in range(count // 4):
                with own.unit() as unit:
                    claimed.append(service.claim(unit, "office", run_id=f"run_{worker}_{number}", step="key"))

    threads = [threading.Thread(target=claim, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(claimed)) == len(claimed) == count
