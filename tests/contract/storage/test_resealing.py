"""A reseal on both databases: complete, beside writers, after a kill anywhere, and without leaving the old key."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from shopctl.storage import resealing
from shopctl.storage.database import Database, open_database
from shopctl.storage.errors import JobLocked
from shopctl.storage.key_encryption import SoftwareKey
from shopctl.storage.resealing import reseal
from shopctl.storage.sealed_text import Place
from shopctl.storage.sealing import Sealer
from shopctl.storage.sealing_errors import ResealStuck, SealBroken, SealingKeyWrong
from shopctl.storage.sealing_keys import KeyRow, keys_for
from support.sealing import (
    Held,
    add_people,
    assert_all_open,
    everything_stored,
    found_by_email,
    point_count,
    reseal_in_child,
)

Another = Callable[[], Sealer]
NAMES = [f"person-{number}" for number in range(7)]


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resealing, "BATCH", 3)


def fill(database: Database, sealer: Sealer) -> None:
    """Rows, a numbered table and a secret, under keys of their own."""
    with database.unit() as unit:
        for table in ("person", "token", "sealing_key"):
            unit.execute(f"delete from {table}")
        sealer.begin(unit)
        add_people(unit, sealer, NAMES)
        for number in range(2):
            cell = sealer.seal(unit, Place("token", "value", str(number)), f"token {number}")
            unit.execute("insert into token (number, value) values (:number, :cell)", number=number, cell=cell)
        sealer.secret(unit, "pepper")


def keys(database: Database) -> list[KeyRow]:
    with database.read() as unit:
        return keys_for(unit)


@pytest.mark.assure("S15")
def test_everything_passes_to_new_keys_and_the_old_ones_are_gone(
    sealed: Database, other: Database, sealer: Sealer, another: Another, held: Held, database_url: str
) -> None:
    fill(sealed, sealer)
    old = keys(sealed)
    with sealed.read() as unit:
        pepper = sealer.secret(unit, "pepper")
        cells = [cell for (cell,) in unit.tuples("select email from person")]
    new = SoftwareKey(os.urandom(32))
    done = reseal(sealed, sealer, kek=new)

    assert (done.cells, done.kek, done.proved, done.log_emptied) == (12, new.id, True, True)
    assert [(column.column, column.cells, column.old) for column in done.columns] == [
        ("email", 7, 0), ("phone", 3, 0), ("value", 2, 0),
    ]  # fmt: skip
    assert {row.kek_id for row in keys(sealed)} == {new.id}
    assert sorted(done.keys) == ["data", "index", "secret:pepper"]
    stored = everything_stored(other, database_url)
    assert [text for text in (*cells, *(row.wrapped for row in old)) if text.encode() in stored] == []
    held.keks = (new,)
    with other.read() as unit:
        assert_all_open(unit, another(), NAMES)
        assert another().secret(unit, "pepper") == pepper


def test_who_holds_the_keys_already_goes_on_when_they_are_replaced(
    sealed: Database, other: Database, sealer: Sealer, another: Another
) -> None:
    fill(sealed, sealer)
    beside = another()
    asked: list[int] = []

    def writer(done: int, total: int) -> None:
        asked.append(total)
        with other.read() as unit:
            assert found_by_email(unit, beside, "PERSON-0@example.com") == "person-0"
            assert found_by_email(unit, beside, "person-6@example.com") == "person-6"
        with other.unit() as unit:
            add_people(unit, beside, [f"new-{len(asked)}"])
            cell = beside.seal(unit, Place("person", "phone", "person-5"), f"+1 {len(asked)}")
            unit.execute("update person set phone = :cell where id = 'person-5'", cell=cell)

    with other.read() as unit:
        assert_all_open(unit, beside, NAMES)
    done = reseal(sealed, sealer, progress=writer)
    assert done.proved
    assert len(asked) >= 4
    assert asked[0] == 12
    with other.read() as unit:
        assert_all_open(unit, beside, [*NAMES, *(f"new-{number}" for number in range(1, len(asked) + 1))])
        assert len(keys_for(unit)) == 3


def test_the_keys_are_not_exchanged_while_somebody_seals(
    sealed: Database, other: Database, sealer: Sealer, another: Another, database_url: str
) -> None:
    fill(sealed, sealer)
    before = keys(sealed)

    def reseal_beside() -> None:
        with closing(open_database(database_url)) as database:
            reseal(database, another())

    beside = threading.Thread(target=reseal_beside)
    with other.unit() as unit:
        add_people(unit, sealer, ["late"])
        beside.start()
        time.sleep(0.3)
        assert keys(sealed) == before
        cell = sealer.seal(unit, Place("person", "email", "late"), "late@Example.com")
        unit.execute("update person set email = :cell where id = 'late'", cell=cell)
    beside.join()
    assert not {row.id for row in before} & {row.id for row in keys(sealed) if row.purpose in {"data", "index"}}
    with sealed.read() as unit:
        assert_all_open(unit, another(), [*NAMES, "late"])


@pytest.mark.assure("S15")
def test_a_reseal_killed_anywhere_is_completed_by_the_next(
    sealed: Database,
    other: Database,
    sealer: Sealer,
    another: Another,
    held: Held,
    database_url: str,
    dice: random.Random,
    scale: Callable[[int, int], int],
) -> None:
    old, new = held.keks[0], SoftwareKey(os.urandom(32))
    held.keks = (old, new)
    fill(sealed, sealer)
    points = point_count(database_url, another(), new)
    assert points > 30
    held.keks = (old, new)
    for point in sorted(dice.sample(range(1, points + 1), min(points, scale(8, points)))):
        fill(sealed, another())
        reseal_in_child(database_url, another(), new, point)
        with sealed.unit() as unit:
            beside = another()
            assert_all_open(unit, beside, NAMES)
            cell = beside.seal(unit, Place("person", "phone", "person-2"), "+49 later")
            unit.execute("update person set phone = :cell where id = 'person-2'", cell=cell)
        underway = {row.id for row in keys(sealed) if row.state == "active" and row.kek_id == new.id}
        done = reseal(other, another(), kek=new)
        assert done.proved
        assert underway <= set(done.keys.values()), "it goes on with the keys that there are"
        assert {row.kek_id for row in keys(sealed)} == {new.id}
        assert len(keys(sealed)) == 3
        with sealed.read() as unit:
            assert_all_open(unit, another(), NAMES)
            assert unit.value("select count(*) from token") == 2


def test_a_run_after_the_end_of_one_that_was_killed_changes_nothing(
    sealed: Database, sealer: Sealer, another: Another, held: Held
) -> None:
    fill(sealed, sealer)
    new = SoftwareKey(os.urandom(32))
    reseal(sealed, sealer, kek=new)
    after = keys(sealed)
    done = reseal(sealed, another(), kek=new)
    assert (done.cells, done.proved) == (0, True)
    assert keys(sealed) == after


def test_only_one_reseals(sealed: Database, other: Database, sealer: Sealer) -> None:
    with other.exclusive("sealing.reseal"), pytest.raises(JobLocked):
        reseal(sealed, sealer)


def test_without_the_right_key_nothing_is_changed(
    sealed: Database, sealer: Sealer, another: Another, held: Held
) -> None:
    fill(sealed, sealer)
    before = keys(sealed)
    held.keks = (SoftwareKey(os.urandom(32)),)
    with pytest.raises(SealingKeyWrong):
        reseal(sealed, another())
    assert keys(sealed) == before


def test_a_cell_that_does_not_open_stops_the_reseal_and_the_old_keys_stay(
    sealed: Database, sealer: Sealer, another: Another
) -> None:
    fill(sealed, sealer)
    with sealed.unit() as unit:
        unit.execute("update person set email = (select email from person where id = 'person-1') where id = 'person-4'")
    with pytest.raises(SealBroken, match=r"person\.email of the row person-4"):
        reseal(sealed, sealer)
    assert len(keys(sealed)) == 5
    with sealed.unit() as unit:
        assert_all_open(unit, another(), [name for name in NAMES if name != "person-4"])
        unit.execute("delete from person where id = 'person-4'")
    assert reseal(sealed, sealer).proved
    assert len(keys(sealed)) == 3


def test_rows_that_others_keep_are_waited_for_and_then_told_of(
    sealed: Database, other: Database, sealer: Sealer
) -> None:
    if sealed.dialect == "sqlite":
        pytest.skip("SQLite's writers come one at a time")
    fill(sealed, sealer)
    with other.unit() as unit:
        unit.execute("update person set note = 'held' where id = 'person-3'")
        with pytest.raises(ResealStuck, match="2 value"):
            reseal(sealed, sealer, patience=0.3)
    assert reseal(sealed, sealer).proved
