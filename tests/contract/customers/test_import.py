"""Files of customers in and out, on both databases."""

from __future__ import annotations

import csv
import io
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from contract.customers.conftest import ANNA, People
from shopctl.customers import importing
from shopctl.customers.errors import RowsRejected, RowsSkipped
from shopctl.customers.importing import Report
from shopctl.kernel.cards import find_card_numbers
from shopctl.kernel.ids import prefix_of
from shopctl.records.errors import BrokenFeed
from shopctl.records.outcome import RowImport

HEADER = "customer_id,name,email,phone,language,country,user,shipping_city,billing_city\n"
THREE = HEADER + (
    "C-1,Anna,anna@example.org,+49 30 123456,de,DE,anna,Berlin,\n"
    ',"Bert\u2019s ""Best""",bert@example.org,,,,,,\n'
    "C-3,,,,,FR,,,Paris\n"
)


def counts(report: Report) -> tuple[int, ...]:
    return report.rows, report.created, report.updated, report.unchanged, report.rejected


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)


@pytest.mark.parametrize("how", ["reject-file", "skip-rows"])
def test_a_file_goes_in_once_and_the_same_again_changes_nothing(people: People, how: Any) -> None:
    assert counts(people.import_(THREE, on_error=how)) == (3, 3, 0, 0, 0)
    before = people.stored()
    assert counts(people.import_(THREE, on_error=how)) == (3, 0, 0, 3, 0)
    assert people.stored() == before

    shown = people.service.show("C-1")
    assert (shown["name"], shown["phone"], shown["user_id"]) == ("Anna", "+4930123456", ANNA)
    assert people.service.show("bert@example.org")["customer_id"].startswith("cus_")
    told = people.actions()
    assert [(action, counted) for action, _, counted in told] == [
        ("customer.import", '{"created":2,"updated":0}'),
        ("customer.import", '{"created":1,"updated":0}'),
    ]
    assert [prefix_of(subject) for _, subject, _ in told] == ["imp", "imp"]
    assert told[0][1] == told[1][1]


def test_a_customer_is_known_by_his_id_else_by_his_address(people: People) -> None:
    people.import_(THREE)
    report = people.import_("customer_id,email,name\nC-1,anna@example.com,Anna M.\n,BERT@example.org,Bertha\n")

    assert counts(report) == (2, 0, 2, 0, 0)
    assert people.service.show("C-1")["email"] == "anna@example.com"
    assert people.service.show("C-1")["version"] == 2
    assert people.service.show("bert@example.org")["name"] == "Bertha"
    assert people.service.show("C-1")["country"] == "DE", "a column that is not there leaves what is stored"


BAD = (
    "customer_id,name,email,country,user\n"
    "C-1,Anna,anna@example.org,DE,\n"
    "C-2,Bert,bert,DE,\n"
    ",Carl,,DE,\n"
    "C-4,Dora,dora@example.org,UK,\n"
    "C-1,Anna,,DE,\n"
    "C-6,Emil,ANNA@example.org,DE,\n"
    "C-7,Frida,,DE,nobody\n"
    "gone,Gerd,,DE,\n"
    "C-9,4111 1111 1111 1111,,DE,\n"
    "C-10,Hans\n"
    "C-11,Ida,,DE,anna\n"
    "C-12,Jan,,DE,anna\n"
)
REASONS = [
    (3, "email", "email.invalid"), (4, "customer_id", "row.nobody"), (5, "country", "country.unknown"),
    (6, "customer_id", "row.again"), (7, "email", "row.again"), (8, "user", "user.unknown"),
    (9, "customer_id", "customer.was_erased"), (10, "name", "text.card_number"), (11, "", "row.csv"),
    (13, "user", "row.again"),
]  # fmt: skip


def test_one_bad_row_refuses_the_file_and_every_bad_row_is_named(people: People) -> None:
    people.service.add(customer_id="gone")
    people.service.erase("gone")
    before = people.stored()
    report = people.import_(BAD)

    assert [(each["line"], each["field"], each["code"]) for each in report.rejects] == REASONS
    assert report.refused
    assert people.stored() == before
    with pytest.raises(RowsRejected) as refused:
        report.raise_for_rejects()
    assert refused.value.exit_code == 12
    assert report.rejects_file is not None
    assert report.rejects_file in refused.value.advice


def test_good_rows_go_in_where_bad_ones_are_skipped_and_these_can_be_corrected(people: People) -> None:
    people.service.add(customer_id="gone")
    people.service.erase("gone")
    report = people.import_(BAD, on_error="skip-rows", rejects=str(people.folder / "bad.csv"))

    assert counts(report) == (12, 2, 0, 0, 10)
    with pytest.raises(RowsSkipped) as skipped:
        report.raise_for_rejects()
    assert skipped.value.exit_code == 6
    place = people.folder / "bad.csv"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    rows = list(csv.DictReader(io.StringIO(place.read_text())))
    assert [(int(row["line"]), row["field"], row["code"]) for row in rows] == REASONS
    corrected = place.read_text().replace(",bert,", ",bert@example.org,").replace(",UK,", ",GB,")
    again = people.import_(corrected, on_error="skip-rows", name="corrected.csv")
    assert people.service.show("C-4")["country"] == "GB"
    assert people.service.show("bert@example.org")["customer_id"] == "C-2"
    assert {"row.nobody", "user.unknown", "customer.was_erased", "text.card_number"} <= {
        each["code"] for each in again.rejects
    }


def test_an_address_or_user_of_another_customer_is_not_taken_over(people: People) -> None:
    people.import_(THREE)
    report = people.import_(f"customer_id,email,user\nC-3,anna@example.org,\nC-9,,{ANNA}\n", on_error="skip-rows")

    assert [(each["field"], each["code"]) for each in report.rejects] == [
        ("email", "email.taken"),
        ("user", "user.taken"),
    ]
    assert "anna" not in repr(report.rejects)


@pytest.mark.parametrize("format", ["csv", "ndjson"])
def test_an_export_round_trips_exactly(people: People, format: str) -> None:
    people.import_(THREE)
    people.service.add(
        ["name==cmd|x", 'shipping.street=Hof 1\n2. Stock \\ "links"', "shipping.name=,; '", "email=ü@example.org"],
        customer_id="C-5",
    )
    people.service.add_address("C-5", "shipping", ["city=Bonn"], default=True)
    people.service.add_address("C-5", "billing", ["name=مرحبا", "street=1\n\n2"])
    people.service.add_address("C-5", "billing", ["name=x"])
    people.service.add_payment_method("C-5", "pm_1234567890", gateway="stripe")
    people.service.add(customer_id="C-6")
    people.service.add(customer_id="C-7")
    people.service.erase("C-7")
    exported = people.export(format)
    before = people.stored()

    assert counts(people.import_(exported, f"again.{format}")) == (5, 0, 0, 5, 0)
    assert people.stored() == before
    assert people.export(format) == exported
    assert "pm_" not in exported
    assert stat.S_IMODE((people.folder / "out").stat().st_mode) == 0o600


def test_an_export_makes_the_same_customers_in_another_shop(people: People, tmp_path: Path) -> None:
    people.import_(THREE)
    people.service.add_address("C-1", "shipping", ["city=Bonn"])
    exported = people.export()
    with people.database.unit() as unit:
        for table in ("customer_address", "customer"):
            unit.execute(f"delete from {table}")

    assert counts(people.import_(exported)) == (3, 3, 0, 0, 0)
    assert people.service.show("C-1")["addresses"][1]["city"] in ("Bonn", "Berlin")
    assert counts(people.import_(exported)) == (3, 0, 0, 3, 0)


def test_a_dry_run_says_the_same_and_changes_nothing(people: People) -> None:
    people.import_(THREE)
    before = people.stored()
    report = people.import_(HEADER + "C-1,Anne,,,,,,,\nC-8,New,,,,,,,\n", dry_run=True)

    assert counts(report) == (2, 1, 1, 0, 0)
    assert people.stored() == before


def test_what_is_no_file_of_customers_is_refused(people: People) -> None:
    for text in ("", "sku,price\n1,2\n", HEADER, "customer_id\n" + "x" * (2 << 20)):
        with pytest.raises(BrokenFeed):
            people.import_(text)


def test_a_pipe_is_read_twice_and_lies_readable_nowhere(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    written = people.folder / "spooled"
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda prefix: written.open("w+b"))
    path = people.folder / "pipe"
    os.mkfifo(path)
    rows = THREE + "".join(f"C-{number},Marker,,,,,,,\n" for number in range(100, 300))
    writer = os.fork()
    if writer == 0:
        path.write_text(rows)
        os._exit(0)
    report = people.imports.run(RowImport(str(path)))
    os.waitpid(writer, 0)

    assert counts(report) == (203, 203, 0, 0, 0)
    assert len(written.read_bytes()) > len(rows) / 2
    assert b"Marker" not in written.read_bytes()


@pytest.mark.assure("S19")
@pytest.mark.parametrize("how", ["reject-file", "skip-rows"])
def test_no_card_number_is_stored_not_even_among_the_rejects(people: People, how: Any) -> None:
    card = "4111 1111 1111 1111"
    columns = HEADER.strip().split(",")
    lines = [["X" + str(number), *[""] * (len(columns) - 1)] for number in range(len(columns))]
    for number, cells in enumerate(lines):
        cells[number] = card
    text = HEADER + "".join(",".join(cells) + "\n" for cells in lines) + f'"{card},open\n'
    text += "".join(f"K-1,{card},,,,,,,\n" for _ in range(2))
    report = people.import_(text, on_error=how)
    (people.folder / "people.csv").unlink()
    ndjson = people.import_(f'{{"customer_id":"J","name":"{card}"}}\n{{"name":"{card}"\n', "x.ndjson", on_error=how)
    (people.folder / "x.ndjson").unlink()

    assert report.rejected == report.rows == len(columns) + 3
    assert ndjson.rejected == 2
    for folder in (people.folder, people.folder / "rejects"):
        for path in folder.iterdir():
            if path.is_file() and path.suffix == ".csv":
                assert not list(find_card_numbers(path.read_text())), path
    assert not list(find_card_numbers(people.stored().replace("\\", "")))


def test_a_telephone_number_that_looks_like_a_card_stays_in_the_rejects(people: People) -> None:
    report = people.import_(HEADER + "C-1,,anna,+4222222222222,,,,,\n")

    assert report.rejects_file is not None
    assert "+4222222222222" in Path(report.rejects_file).read_text()
