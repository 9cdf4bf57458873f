"""Recording, sealing and reading the trail."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from contract.audit.trails import fill, record
from shopctl.audit.errors import AuditKeyMissing, CheckpointInvalid, TextNotRecordable
from shopctl.audit.keys import create_key
from shopctl.audit.service import Audit
from shopctl.storage.database import Database, open_database


def test_an_entry_says_who_did_what_when_why_and_for_which_request(database: Database, audit: Audit) -> None:
    with database.unit() as unit:
        audit.record(unit, "catalogue.publish", "MUG-1", {"published": 1}, count=1)

    (entry,) = audit.entries(limit=10)
    assert (entry.actor, entry.action, entry.subject, entry.reason, entry.changed) == (
        "os:anna",
        "catalogue.publish",
        "MUG-1",
        "spring sale",
        1,
    )
    assert entry.request_id.startswith("cmd_")
    assert json.loads(entry.facts) == {"published": 1}


def test_an_entry_lives_and_dies_with_its_unit(database: Database, audit: Audit) -> None:
    with database.unit(dry_run=True) as unit:
        audit.record(unit, "catalogue.publish", "MUG-1", {})
    assert list(audit.entries(limit=10)) == []
    assert audit.seal() == 0

    record(database, audit, 1)
    assert len(list(audit.entries(limit=10))) == 1
    assert audit.seal() == 1
    assert audit.verify().ok


def test_secrets_and_personal_data_do_not_get_into_an_entry(database: Database, audit: Audit, key_file: Path) -> None:
    audit = Audit(database, key_file, reason="for anna@example.com, password=hunter22")
    with database.unit() as unit:
        audit.record(
            unit, "catalogue.import", None, {"source": "https://u:hunter22@h/f.csv", "nested": [{"token": "t1"}]}
        )

    (entry,) = audit.entries(limit=1)
    assert "hunter22" not in "".join(map(str, entry))
    assert "anna@" not in "".join(map(str, entry))
    assert json.loads(entry.facts)["nested"] == [{"token": "****"}]


def test_nothing_is_changed_without_a_key_to_record_it_under(database: Database, tmp_path: Path) -> None:
    audit = Audit(database, tmp_path / "nowhere.key")
    with pytest.raises(AuditKeyMissing), database.unit() as unit:
        audit.record(unit, "catalogue.set", "MUG-1", {})


@pytest.mark.parametrize("text", ["a\0b", "a\udcffb"])
def test_text_that_no_database_can_hold_is_refused(database: Database, key_file: Path, text: str) -> None:
    with pytest.raises(TextNotRecordable), database.unit() as unit:
        Audit(database, key_file, reason=text).record(unit, "catalogue.set", "MUG-1", {})


def test_a_sound_trail_verifies_and_its_tail_is_named(database: Database, audit: Audit) -> None:
    assert audit.verify().ok
    fill(database, audit)

    result = audit.verify()

    assert (result.ok, result.findings) == (True, [])
    assert (result.entries, result.seals, result.unsealed.entries) == (29, 4, 4)
    assert result.unsealed.oldest is not None
    assert result.unsealed.newest == result.unsealed.oldest + 3_000_000
    assert audit.seal() == 4
    assert audit.seal() == 0
    assert audit.verify().unsealed.entries == 0


def test_a_long_tail_is_sealed_in_batches(database: Database, audit: Audit) -> None:
    record(database, audit, 2500)
    assert audit.seal() == 2500
    result = audit.verify()
    assert (result.ok, result.entries, result.seals) == (True, 2500, 3)


def test_the_newest_entries_come_first_and_can_be_chosen(database: Database, audit: Audit, key_file: Path) -> None:
    record(database, audit, 5)
    with database.unit() as unit:
        Audit(database, key_file, actor="os:ben").record(unit, "stock.set", "SKU-1", {})

    def subjects(**chosen: object) -> list[str | None]:
        return [entry.subject for entry in audit.entries(**{"limit": 100, **chosen})]  # type: ignore[arg-type]

    assert subjects() == ["SKU-1", "SKU-4", "SKU-3", "SKU-2", "SKU-1", "SKU-0"]
    assert subjects(limit=2) == ["SKU-1", "SKU-4"]
    assert subjects(actor="os:ben") == ["SKU-1"]
    assert subjects(action="catalogue.", subject="SKU-1") == ["SKU-1"]
    assert subjects(action="%") == []
    third = [entry.at for entry in audit.entries(limit=100, action="catalogue")][2]
    assert subjects(since=third, action="catalogue") == ["SKU-4", "SKU-3", "SKU-2"]


def test_a_second_sealer_leaves_the_work_to_the_first(
    database: Database, audit: Audit, key_file: Path, database_url: str
) -> None:
    record(database, audit, 3)
    other = open_database(database_url)
    with other.exclusive("audit-seal"):
        began = time.monotonic()
        assert audit.seal() == 0
        assert time.monotonic() - began < 1
    other.close()
    assert audit.seal() == 3


def test_sealing_ends_although_another_goes_on_recording(
    database: Database, audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal_batch, calls = audit._seal_batch, 0

    def disturbed() -> int:
        nonlocal calls
        calls += 1
        assert calls < 100, "a command that seals before it ends would never end"
        record(database, audit, 1, start=3000 + calls)
        return seal_batch()

    monkeypatch.setattr(audit, "_seal_batch", disturbed)
    record(database, audit, 2500)

    assert audit.seal() >= 2500
    assert audit.verify().ok


def test_an_entry_that_commits_late_is_sealed_late_and_never_skipped(postgres_url: str, key_file: Path) -> None:
    from shopctl.storage.migrations import upgrade

    slow, quick = open_database(postgres_url), open_database(postgres_url)
    upgrade(slow, "shop")
    late, audit = Audit(slow, key_file, actor="os:late"), Audit(quick, key_file, actor="os:quick")
    record(quick, audit, 1)

    with slow.unit() as paused:
        late.record(paused, "stock.set", "LATE", {})
        record(quick, audit, 2)
        assert audit.seal() == 3
        assert audit.verify().ok
    assert audit.verify().unsealed.entries == 1
    assert audit.seal() == 1

    result = audit.verify()
    assert (result.ok, result.entries, result.seals) == (True, 4, 2)
    assert [(entry.subject, entry.seal) for entry in audit.entries(limit=9, actor="os:late")] == [("LATE", 2)]
    slow.close()
    quick.close()


def test_many_writers_and_sealers_at_once_make_one_sound_trail(
    database: Database, database_url: str, key_file: Path
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def work(worker: int) -> None:
        own = open_database(database_url)
        audit = Audit(own, key_file, actor=f"os:{worker}")
        for _ in range(15):
            record(own, audit, 1)
            audit.seal()
        own.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))

    audit = Audit(database, key_file)
    audit.seal()
    result = audit.verify()
    assert (result.ok, result.entries, result.unsealed.entries) == (True, 90, 0)
    assert result.seals > 1


def test_two_trails_started_at_once_are_one(postgres_url: str, key_file: Path) -> None:
    from threading import Thread

    from shopctl.storage.migrations import upgrade

    first, second = open_database(postgres_url), open_database(postgres_url)
    upgrade(first, "shop")
    other = Thread(target=record, args=(second, Audit(second, key_file), 1))
    with first.unit() as unit:
        audit = Audit(first, key_file)
        audit.record(unit, "stock.set", "A", {})
        other.start()
        time.sleep(0.2)
    other.join()
    assert audit.seal() == 2
    assert audit.verify().ok
    first.close()
    second.close()


def test_a_new_key_signs_and_the_old_one_still_verifies(
    database: Database, audit: Audit, key_file: Path, tmp_path: Path
) -> None:
    fill(database, audit)
    create_key(tmp_path / "new.key")
    with key_file.open("a") as file:
        file.write((tmp_path / "new.key").read_text())

    rotated = Audit(database, key_file)
    record(database, rotated, 3)
    rotated.seal()
    assert rotated.verify().ok
    assert len({entry.key_id for entry in rotated.entries(limit=100)}) == 2

    alone = Audit(database, tmp_path / "new.key").verify()
    assert not alone.ok


def test_a_checkpoint_is_reached_as_long_as_the_trail_only_grows(
    database: Database, audit: Audit, tmp_path: Path
) -> None:
    empty = audit.checkpoint()
    assert (empty.seal, empty.entries) == (0, 0)
    fill(database, audit)
    made = audit.checkpoint()
    assert (made.seal, made.entries) == (5, 29)
    audit.write_checkpoint(made, str(tmp_path / "checkpoint.json"))
    record(database, audit, 3)
    audit.seal()

    for checkpoint in (empty, audit.read_checkpoint(str(tmp_path / "checkpoint.json"))):
        assert audit.verify(checkpoint).ok


@pytest.mark.parametrize(
    ("old", "new"), [('"seal": 1', '"seal": 0'), ('"dbs_', '"dbt_'), ("{", ""), ('"at"', '"when"')]
)
def test_an_altered_checkpoint_is_refused(database: Database, audit: Audit, tmp_path: Path, old: str, new: str) -> None:
    record(database, audit, 3)
    path = tmp_path / "checkpoint.json"
    audit.write_checkpoint(audit.checkpoint(), str(path))
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(CheckpointInvalid):
        audit.read_checkpoint(str(path))
