"""Sealed columns on both databases: nothing readable is stored, and a cell opens only where it was sealed."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from shopctl.storage.database import Database, open_database
from shopctl.storage.key_encryption import SoftwareKey
from shopctl.storage.sealed_text import Place
from shopctl.storage.sealing import Sealer
from shopctl.storage.sealing_errors import (
    SealBroken,
    SealingKeyDamaged,
    SealingKeyMissing,
    SealingKeysMissing,
    SealingKeyWrong,
)
from support.sealing import COLUMNS, Held, add_people, email_of, everything_stored, found_by_email

Another = Callable[[], Sealer]
EMAIL = Place("person", "email", "ada")


def test_what_was_sealed_is_opened_and_found_by_another_process(
    sealed: Database, other: Database, sealer: Sealer, another: Another
) -> None:
    with sealed.unit() as unit:
        add_people(unit, sealer, ["ada", "bob"])
    with other.read() as unit:
        assert email_of(unit, another(), "bob") == "bob@Example.com"
        assert found_by_email(unit, another(), "ADA@example.COM") == "ada"
        assert found_by_email(unit, another(), "eve@example.com") is None


@pytest.mark.assure("S15")
def test_nothing_that_was_sealed_and_no_key_is_stored_readable(
    sealed: Database, other: Database, sealer: Sealer, database_url: str
) -> None:
    with sealed.unit() as unit:
        add_people(unit, sealer, ["ada"])
        unit.execute(
            "update person set email = :cell, note = 'this-is-readable'",
            cell=sealer.seal(unit, EMAIL, "marker-7c1f@example.com " * 400),
        )
        secret = sealer.secret(unit, "pepper")
    stored = everything_stored(other, database_url)
    assert b"this-is-readable" in stored, "the search looks at what is there"
    assert b"marker-7c1f" not in stored
    for spelled in (secret, secret.hex().encode()):
        assert spelled not in stored


@pytest.mark.assure("S15")
@pytest.mark.parametrize(
    "place", [Place("person", "email", "bob"), Place("person", "phone", "ada"), Place("token", "email", "ada")]
)
def test_a_cell_that_was_moved_does_not_open(sealed: Database, sealer: Sealer, place: Place) -> None:
    with sealed.unit() as unit:
        cell = sealer.seal(unit, EMAIL, "ada@example.com")
        assert sealer.open(unit, EMAIL, cell) == "ada@example.com"
        with pytest.raises(SealBroken) as refused:
            sealer.open(unit, place, cell)
    assert f"{place.table}.{place.column} of the row {place.row}" in str(refused.value)


@pytest.mark.assure("S15")
def test_a_cell_of_another_database_does_not_open(sealed: Database, sealer: Sealer, held: Held) -> None:
    with sealed.unit() as unit:
        cell = sealer.seal(unit, EMAIL, "ada@example.com")
        with pytest.raises(SealingKeyDamaged):  # its key row, copied there, is bound to its chain
            Sealer("auth", COLUMNS, held).open(unit, EMAIL, cell)
        unit.execute("delete from sealing_key")
        theirs = Sealer("shop", COLUMNS, held)
        theirs.begin(unit)
        with pytest.raises(SealingKeyMissing, match="shop database does not hold its sealing key"):
            theirs.open(unit, EMAIL, cell)


@pytest.mark.parametrize("cell", ["", "ada@example.com", "s1.", "s1.abc", "s2.abc.AAAA", "."])
def test_what_was_never_sealed_does_not_open(sealed: Database, sealer: Sealer, cell: str) -> None:
    with sealed.read() as unit, pytest.raises(SealBroken):
        sealer.open(unit, EMAIL, cell)


def test_a_wrong_key_is_told_in_one_line_that_names_both(sealed: Database, sealer: Sealer, held: Held) -> None:
    right = held.keks[0]
    held.keks = (SoftwareKey(os.urandom(32)),)
    with sealed.unit() as unit, pytest.raises(SealingKeyWrong) as refused:
        Sealer("shop", COLUMNS, held).seal(unit, EMAIL, "ada@example.com")
    assert refused.value.exit_code == 4
    assert str(refused.value) == (
        f"The shop database is sealed under the key-encryption key {right.id}; configured is {held.keks[0].id}."
    )


@pytest.mark.parametrize("change", ["wrapped = (select wrapped from sealing_key where purpose = 'index')", "id = 'x'"])
def test_a_key_that_was_altered_or_exchanged_is_refused(
    sealed: Database, sealer: Sealer, another: Another, change: str
) -> None:
    with sealed.unit() as unit:
        unit.execute(f"update sealing_key set {change} where purpose = 'data'")
        with pytest.raises(SealingKeyDamaged):
            another().seal(unit, EMAIL, "ada@example.com")


def test_without_its_keys_a_database_seals_nothing_and_beginning_twice_changes_nothing(
    sealed: Database, another: Another
) -> None:
    with sealed.unit() as unit:
        with pytest.raises(SealingKeysMissing):
            another().seal(unit, EMAIL, "ada@example.com")
        another().begin(unit)
        cell = another().seal(unit, EMAIL, "ada@example.com")
        another().begin(unit)
        assert another().open(unit, EMAIL, cell) == "ada@example.com"
        assert unit.value("select count(*) from sealing_key") == 2


def test_a_key_encryption_key_is_fetched_when_it_is_needed_and_once(sealed: Database, sealer: Sealer) -> None:
    held = Held()
    idle = Sealer("shop", COLUMNS, held)
    with sealed.read() as unit, pytest.raises(SealBroken):
        idle.open(unit, EMAIL, "nothing sealed")
    assert held.fetched == 0
    held.keks = tuple(sealer.unwrapping.keks)  # type: ignore[assignment]
    for _ in range(3):
        with sealed.unit() as unit:
            idle.open(unit, EMAIL, idle.seal(unit, EMAIL, "x"))
            idle.index(unit, "person", "email", "x")
    assert held.fetched == 1


def test_a_column_that_a_reseal_would_not_know_is_not_sealed(sealed: Database, sealer: Sealer) -> None:
    with sealed.unit() as unit, pytest.raises(KeyError):
        sealer.seal(unit, Place("person", "note", "ada"), "text")


def test_equal_texts_have_equal_indexes_in_one_column_and_different_cells(sealed: Database, sealer: Sealer) -> None:
    with sealed.unit() as unit:
        first, second = (sealer.seal(unit, EMAIL, "same") for _ in range(2))
        assert first != second
        assert sealer.index(unit, "person", "email", "Same") == sealer.index(unit, "person", "email", "same")
        assert sealer.index(unit, "person", "email", "same") != sealer.index(unit, "person", "phone", "same")


def test_a_secret_is_made_once_and_kept(sealed: Database, other: Database, sealer: Sealer, another: Another) -> None:
    with sealed.read() as unit, pytest.raises(SealingKeysMissing):
        sealer.secret(unit, "pepper")
    with sealed.unit() as unit:
        pepper = sealer.secret(unit, "pepper")
        assert sealer.secret(unit, "machine-secrets") != pepper
    assert len(pepper) == 32
    with other.read() as unit:
        assert another().secret(unit, "pepper") == pepper


def test_a_secret_of_a_unit_that_was_rolled_back_is_forgotten(sealed: Database, sealer: Sealer) -> None:
    with sealed.unit(dry_run=True) as unit:
        lost = sealer.secret(unit, "pepper")
    with sealed.unit() as unit:
        kept = sealer.secret(unit, "pepper")
    assert kept != lost
    with sealed.read() as unit:
        assert sealer.secret(unit, "pepper") == kept


def test_two_that_begin_at_once_agree_on_the_keys(sealed: Database, database_url: str, another: Another) -> None:
    cells: list[str] = []

    def begin() -> None:
        own = another()
        with closing(open_database(database_url)) as database:
            with database.unit() as unit:
                own.begin(unit)
                time.sleep(0.05)
                own.secret(unit, "pepper")
            with database.unit() as unit:
                cells.append(own.seal(unit, EMAIL, "ada@example.com"))

    threads = [threading.Thread(target=begin) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with sealed.read() as unit:
        assert [another().open(unit, EMAIL, cell) for cell in cells] == ["ada@example.com"] * 3
        assert unit.value("select count(*) from sealing_key") == 3


def test_many_at_once_are_sealed_and_indexed_as_one_by_one(sealed: Database, sealer: Sealer) -> None:
    texts = [f"Person {number} ä" for number in range(50)]
    with sealed.unit() as unit:
        cells = sealer.seals(unit, "person", "email")((str(number), text) for number, text in enumerate(texts))
        opened = [sealer.open(unit, Place("person", "email", str(n)), cell) for n, cell in enumerate(cells)]
        together = sealer.open_all(unit, "person", "email", [(str(n), cell) for n, cell in enumerate(cells)])
        indexes = sealer.indexing(unit, "person", "email")(texts)
        assert indexes == [sealer.index(unit, "person", "email", text) for text in texts]
        assert sealer.former_indexes(unit, "person", "email", texts) == []
        for row, cell in (("1", cells[0]), ("0", cells[0][:-1] + "!"), ("0", cells[0] + "="), ("0", cells[0][:-2])):
            with pytest.raises(SealBroken):
                sealer.open_all(unit, "person", "email", [(row, cell)])
    assert opened == together == texts
    assert len(set(cells)) == len(texts)
