"""`shopctl audit`: what was done is listed, verified, and compared with a checkpoint kept elsewhere."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from support.shop import Shop

FEED = "sku,name,price\nMUG-1,Blue mug,3.00\nMUG-2,Red mug,4.00\n"


@pytest.fixture
def changed(shop: Shop) -> Shop:
    """A shop in which three things were done."""
    shop.run("catalogue", "import", "-", "--format", "csv", "--reason", "the first feed", input=FEED)
    shop.run("catalogue", "set", "MUG-1", "name=Green mug", "--reason", "wrong colour")
    shop.run("catalogue", "retire", "MUG-2")
    return shop


def edit(shop: Shop, *statements: str) -> None:
    with closing(sqlite3.connect(shop.folder / ".shopctl" / "shop.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_what_was_done_is_listed_newest_first(changed: Shop) -> None:
    entries = changed.run("audit", "list", "-o", "json").json

    assert [entry["action"] for entry in entries] == ["catalogue.retire", "catalogue.set", "catalogue.import"]
    assert [entry["reason"] for entry in entries] == [None, "wrong colour", "the first feed"]
    assert entries[1]["subject"] == "MUG-1"
    assert entries[0]["actor"].startswith("os:")
    assert entries[2]["changed"] == 2
    assert all(entry["seal"] for entry in entries), "a command seals before it ends"
    assert "wrong colour" in changed.run("audit", "list").stdout


def test_entries_are_chosen_by_time_actor_action_and_subject(changed: Shop) -> None:
    def chosen(*flags: str) -> list[str]:
        return [entry["action"] for entry in changed.run("audit", "list", "-o", "ndjson", *flags).ndjson]

    assert chosen("--action", "catalogue.s") == ["catalogue.set"]
    assert chosen("--subject", "MUG-1") == ["catalogue.set"]
    assert chosen("--actor", "os:nobody-else") == []
    assert chosen("--since", "1h ago", "--limit", "1") == ["catalogue.retire"]
    assert chosen("--since", "2100-01-01") == []
    assert changed.run("audit", "list", "--since", "soon", expect=2).stderr.startswith("error: 'soon' is not a time")


def test_a_change_that_was_not_made_leaves_no_entry(changed: Shop) -> None:
    before = changed.run("audit", "list", "-o", "json").json
    changed.run("catalogue", "set", "MUG-1", "name=White mug", "--dry-run")
    changed.run("catalogue", "set", "NOTHING-1", "name=White mug", expect=3)
    assert changed.run("audit", "list", "-o", "json").json == before


def test_a_trail_as_written_verifies(changed: Shop) -> None:
    result = changed.run("audit", "verify", "-o", "json").json
    assert (result["ok"], result["entries"], result["findings"]) == (True, 3, [])
    assert result["unsealed"]["entries"] == 0
    assert "3 entries under 3 seals: all agree" in changed.run("audit", "verify").stdout


def test_an_edited_entry_is_named_with_exit_6(changed: Shop) -> None:
    edit(changed, "update audit_entry set actor = 'os:eve' where id = 2")

    refused = changed.run("audit", "verify", "-o", "json", expect=6)

    assert [(finding["code"], finding["entry"]) for finding in refused.json["findings"]] == [("entry_edited", 2)]
    assert refused.error["code"] == "audit.differs"
    assert "entry 2 is not what was recorded" in changed.run("audit", "verify", expect=6).stdout


def test_a_trail_that_was_cut_is_found_with_a_checkpoint(changed: Shop, tmp_path: Path) -> None:
    kept = tmp_path / "checkpoint.json"
    changed.run("audit", "checkpoint", "--out", kept)
    assert json.loads(changed.run("audit", "checkpoint").stdout)["seal"] == 3
    changed.run("audit", "verify", "--checkpoint", kept)

    edit(
        changed,
        "delete from audit_entry where id = 3",
        "delete from audit_seal where number = 3",
        "update sqlite_sequence set seq = 2 where name = 'audit_entry'",
    )
    changed.run("audit", "verify")
    for place, fed in ((kept, None), ("-", kept.read_bytes())):
        cut = changed.run("audit", "verify", "--checkpoint", place, "-o", "json", input=fed, expect=6)
        assert [finding["code"] for finding in cut.json["findings"]] == ["trail_cut"]


def test_the_other_database_has_a_trail_of_its_own(shop: Shop, tmp_path: Path) -> None:
    shop.run("role", "create", "seller")
    kept = tmp_path / "auth.json"
    shop.run("audit", "checkpoint", "--database", "auth", "--out", kept)

    assert shop.run("audit", "verify", "--database", "auth", "--checkpoint", kept, "-o", "json").json["checkpoint"] == 1
    assert shop.run("audit", "list", "-o", "json").json == []
    shop.run("audit", "verify", "--checkpoint", kept, expect=12)


def test_what_is_no_checkpoint_is_refused(changed: Shop, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text("{}")
    assert "hint:" in changed.run("audit", "verify", "--checkpoint", other, expect=12).stderr
    changed.run("audit", "verify", "--checkpoint", tmp_path / "nowhere.json", expect=3)
    changed.run("audit", "checkpoint", "--out", tmp_path / "no" / "folder", expect=4)


def test_without_its_key_nothing_is_changed_and_nothing_verified(changed: Shop) -> None:
    key = changed.folder / ".shopctl" / "keys" / "audit.key"
    kept = key.rename(key.with_suffix(".away"))
    changed.run("catalogue", "set", "MUG-1", "name=White mug", expect=3)
    changed.run("audit", "verify", expect=3)
    assert changed.run("catalogue", "show", "MUG-1", "-o", "json").json["name"] == "Green mug"

    key.write_text("not a key\n")
    key.chmod(0o600)
    changed.run("audit", "verify", expect=12)

    key.unlink()
    kept.rename(key)
    key.chmod(0o644)
    assert "chmod 600" in changed.run("audit", "verify", expect=4).stderr
