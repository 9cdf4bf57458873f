"""Erasing: what goes, what stays, and that nothing of it can be found where the files are ours (S15)."""

from __future__ import annotations

import gc
import sqlite3
from contextlib import closing, nullcontext

import pytest

from contract.customers.conftest import People
from shopctl.customers.errors import CustomerErased, CustomerNotFound
from shopctl.storage.database import open_database
from support.sealing import everything_stored

FIELDS = ["name=Marker", "email=marker@example.org", "phone=+49 30 987654", "language=de", "country=DE", "user=anna",
          "shipping.city=Markerstadt"]  # fmt: skip


def fill(people: People, around: int = 40) -> None:
    people.service.add(FIELDS, customer_id="C-1")
    people.service.add_payment_method("C-1", "pm_marker1234", gateway="stripe", label="Marker 4242")
    rows = "".join(f"K-{n},Name {n},k{n}@example.org,City {n}\n" for n in range(around))
    people.import_("customer_id,name,email,shipping_city\n" + rows)


def cells(people: People) -> list[bytes]:
    """What stands sealed of C-1, without what all cells begin with."""
    with people.database.read() as unit:
        rows = [
            *unit.tuples("select name, email, email_index, phone from customer where id = 'C-1'"),
            *unit.tuples("select lines from customer_address where customer_id = 'C-1'"),
            *unit.tuples("select token, token_index, label from customer_payment_method where customer_id = 'C-1'"),
        ]
    return [text[-40:].encode() for row in rows for text in row if text]


def test_what_is_personal_goes_and_what_the_law_needs_stays(people: People) -> None:
    fill(people)
    before = people.service.show("C-1")
    erased = people.service.erase("marker@example.org")

    assert erased == {
        "customer_id": "C-1", "state": "erased", "addresses": 1, "payment_methods": 1, "log_emptied": True,
    }  # fmt: skip
    after = people.service.show("C-1")
    assert {name for name, value in after.items() if value not in (None, [])} == {
        "customer_id", "state", "country", "version", "created_at", "updated_at",
    }  # fmt: skip
    assert (after["state"], after["created_at"], after["version"]) == (
        "erased", before["created_at"], before["version"] + 1,
    )  # fmt: skip
    assert people.actions()[-1] == ("customer.erase", "C-1", "{}")
    with pytest.raises(CustomerNotFound):
        people.service.show("marker@example.org")


def test_erasing_again_changes_nothing_and_nothing_comes_back(people: People) -> None:
    fill(people)
    people.service.erase("C-1")
    before = people.stored()

    assert people.service.erase("C-1")["addresses"] == 0
    assert people.stored() == before
    for change in (
        lambda: people.service.set("C-1", ["name=Marker"]),
        lambda: people.service.add_address("C-1", "billing", ["city=Ulm"]),
        lambda: people.service.add_payment_method("C-1", "pm_1", gateway="stripe"),
    ):
        with pytest.raises(CustomerErased):
            change()
    assert people.import_("customer_id,name\nC-1,Marker\n").rejected == 1
    people.service.add(FIELDS, customer_id="C-2")


@pytest.mark.assure("S15")
def test_neither_the_text_nor_its_old_seal_is_found_anywhere(people: People, database_url: str) -> None:
    fill(people)
    old = cells(people)
    people.service.set("C-1", ["name=Marker the second", "shipping.city=Markerdorf"])
    old += cells(people)
    people.service.set("C-1", ["name=", "shipping="])
    old += cells(people)
    (people.folder / "people.csv").unlink()
    assert all(cell in everything_stored(people.database, database_url) for cell in cells(people))
    people.service.erase("C-1")

    stored = everything_stored(people.database, database_url)
    assert [cell for cell in set(old) if cell in stored] == []
    assert b"arker" not in stored
    assert people.service.show("K-3")["name"] == "Name 3"


def test_without_scrubbing_the_old_seal_would_be_found(
    people: People, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not database_url.startswith("sqlite"):
        pytest.skip("the files are the server's")
    monkeypatch.setattr(type(people.database), "scrubbing", lambda self: nullcontext())
    people.database.connect().execute("pragma secure_delete = off")  # type: ignore[attr-defined]
    fill(people)
    old = cells(people)
    people.service.erase("C-1")

    assert any(cell in everything_stored(people.database, database_url) for cell in old)


def test_a_reader_who_keeps_the_log_is_told_of(people: People, database_url: str) -> None:
    if not database_url.startswith("sqlite"):
        pytest.skip("the log is the server's")
    fill(people)
    with closing(open_database(database_url)) as other, other.read() as unit:
        unit.value("select count(*) from customer")
        people.database.empty_log = _hurried(people)  # type: ignore[method-assign]
        assert people.service.erase("C-1")["log_emptied"] is False
    assert people.service.erase("C-1")["log_emptied"] is True
    gc.collect()
    with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as file:
        assert file.execute("select count(*) from customer where state = 'erased'").fetchone() == (1,)


def _hurried(people: People):  # type: ignore[no-untyped-def]
    empty_log = people.database.empty_log
    return lambda: empty_log(wait=0.1)
