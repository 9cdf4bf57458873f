"""S17: whoever may change everything in the database but does not hold the key is found out."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from contract.audit import mutations
from contract.audit.trails import fill, record
from shopctl.audit.keys import load_keys
from shopctl.audit.service import Audit
from shopctl.audit.verify import verify
from shopctl.storage.database import Database, open_database
from shopctl.storage.migrations import upgrade


@pytest.mark.assure("S17")
def test_every_falsification_is_found(
    database: Database,
    audit: Audit,
    key_file: Path,
    scale: Callable[[int, int], int],
    dice: random.Random,
) -> None:
    fill(database, audit)
    checkpoint = audit.checkpoint()
    record(database, audit, 6, start=100)
    keys = load_keys(key_file)
    tried, missed = 0, []

    for attempt in range(scale(60, 1000)):
        mutate = mutations.MUTATIONS[attempt % len(mutations.MUTATIONS)]
        with database.unit(dry_run=True) as unit:
            done = mutate(unit, dice)
            result = verify(unit, keys, system="shop", checkpoint=checkpoint)
        tried += 1
        if result.ok or not result.findings:
            missed.append(f"{mutate.__name__}: {done}")
        assert result.differences >= len(result.findings)

    assert audit.verify(checkpoint).ok, "the falsifications were rolled back"
    assert missed == []
    assert tried == scale(60, 1000)


def test_a_finding_names_the_entry_and_what_happened(database: Database, audit: Audit) -> None:
    fill(database, audit)
    with database.unit() as unit:
        unit.execute("update audit_entry set actor = 'os:eve' where id = 3")
        unit.execute("delete from audit_entry where id = 10")

    result = audit.verify()

    assert [(finding.code, finding.seal) for finding in result.findings] == [("entry_edited", 1), ("entry_missing", 3)]
    assert result.findings[0].entry == 3
    if database.dialect == "sqlite":  # its ids have no gaps, so the missing one has a name
        assert result.findings[1].what == "entry 10 is gone"


def test_a_falsification_stays_found_after_more_was_recorded_and_sealed(database: Database, audit: Audit) -> None:
    fill(database, audit)
    with database.unit() as unit:
        unit.execute("update audit_entry set seal = null, facts = '{}' where id = 3")
        unit.execute("update audit_entry set reason = 'another' where seal is null and id > 25")
    audit.seal()
    record(database, audit, 5)
    audit.seal()

    found = {finding.entry for finding in audit.verify().findings}
    assert {3, 26, 27, 28, 29} <= found


def test_entries_deleted_before_they_were_sealed_leave_a_gap_on_sqlite(tmp_path: Path, key_file: Path) -> None:
    with closing(open_database(f"sqlite:///{tmp_path / 'shop.db'}")) as database:
        database.create()
        upgrade(database, "shop")
        audit = Audit(database, key_file)
        fill(database, audit, tail=6)
        with database.unit() as unit:
            unit.execute("delete from audit_entry where id = 27")
            unit.execute("delete from audit_entry where id = 31")
        assert [finding.what for finding in audit.verify().findings] == ["entry 27 is gone", "entry 31 is gone"]

        audit.seal()
        record(database, audit, 2)
        audit.seal()
        assert [finding.what for finding in audit.verify().findings] == [
            "entry 27 is gone, since before the seal was made",
            "entry 31 is gone, since before the seal was made",
        ]


def test_a_trail_cut_to_an_earlier_seal_is_found_with_a_checkpoint(database: Database, audit: Audit) -> None:
    fill(database, audit, tail=0)
    checkpoint = audit.checkpoint()
    with database.unit() as unit:
        unit.execute("delete from audit_entry where seal > 2")
        unit.execute("delete from audit_seal where number > 2")
        if database.dialect == "sqlite":
            unit.execute("update sqlite_sequence set seq = 8 where name = 'audit_entry'")
    assert audit.verify().ok, "nothing in the database tells any more"
    assert [finding.code for finding in audit.verify(checkpoint).findings] == ["trail_cut"]

    record(database, audit, 30)
    for _ in range(3):
        audit.seal()
        record(database, audit, 1)
    assert [finding.code for finding in audit.verify(checkpoint).findings] == ["seal_replaced"]


def test_the_trail_of_another_database_is_not_taken_for_ones_own(
    database: Database, audit: Audit, key_file: Path, tmp_path: Path
) -> None:
    fill(database, audit)
    checkpoint = audit.checkpoint()
    with closing(open_database(f"sqlite:///{tmp_path / 'other.db'}")) as other:
        other.create()
        upgrade(other, "shop")
        others = Audit(other, key_file)
        fill(other, others)
        with other.read() as unit:
            entries, seals = mutations.entries(unit), list(mutations.seals(unit))
            (trail,) = unit.tuples("select database_id, created_at, key_id, mac from audit_trail")
    with database.unit() as unit:
        for table in ("audit_entry", "audit_seal"):
            unit.execute(f"delete from {table}")
        unit.insert_many("audit_entry", mutations.ENTRY, entries)
        unit.insert_many("audit_seal", mutations.SEAL, seals)
    assert not audit.verify().ok

    with database.unit() as unit:
        unit.execute("delete from audit_trail")
        unit.insert_many("audit_trail", ("id", "database_id", "created_at", "key_id", "mac"), [(1, *trail)])
    replaced = Audit(database, key_file)
    assert [finding.code for finding in replaced.verify(checkpoint).findings] == ["trail_replaced"]

    # The same key may serve both databases of a shop: the one's trail is still not the other's.
    assert not Audit(database, key_file, system="auth").verify().ok


def test_bytes_that_are_no_text_are_a_finding_and_no_crash(tmp_path: Path, key_file: Path) -> None:
    with closing(open_database(f"sqlite:///{tmp_path / 'shop.db'}")) as database:
        database.create()
        upgrade(database, "shop")
        audit = Audit(database, key_file)
        fill(database, audit)
        for statement in (
            "update audit_entry set subject = cast(x'ff' as text) where id = 5",
            "update audit_entry set at = 'long ago' where id = 27",
            "update audit_entry set seal = 'two' where id = 9",
            "update audit_entry set mac = x'00' where id = 9",
            "update audit_seal set entries = 'many' where number = 2",
            "update audit_seal set mac = x'00' where number = 3",
            "drop table audit_seal",
        ):
            with database.unit(dry_run=True) as unit:
                unit.execute(statement)
                assert not verify(unit, load_keys(key_file), system="shop").ok, statement


def test_no_more_findings_are_kept_than_anybody_reads(database: Database, audit: Audit) -> None:
    record(database, audit, 1500)
    audit.seal()
    with database.unit() as unit:
        unit.execute("update audit_entry set actor = 'os:eve'")
    result = audit.verify()
    assert (len(result.findings), result.differences) == (1000, 1500)
