"""Canonical bytes and codes: different rows never read alike."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shopctl.audit.model import Entry
from shopctl.audit.seal import Scribe, encode, same
from shopctl.storage.secret_file import Key

VALUES = st.none() | st.integers() | st.text(max_size=5) | st.binary(max_size=5)
KEY = Key("k", b"k" * 32)
ENTRY = Entry(1, None, 2, "os:anna", "stock.set", "MUG", None, "cmd_1", 1, "{}", "k", "")


@given(st.lists(VALUES, max_size=6), st.lists(VALUES, max_size=6))
def test_different_fields_have_different_bytes(one: list[object], two: list[object]) -> None:
    assert (encode(*one) == encode(*two)) == ([*map(repr, one)] == [*map(repr, two)])


@given(st.lists(VALUES, max_size=4), st.lists(VALUES, max_size=4))
def test_a_message_is_not_the_beginning_of_another_of_as_many_fields(one: list[object], two: list[object]) -> None:
    if len(one) == len(two) and encode(*one) != encode(*two):
        assert not encode(*one).startswith(encode(*two))


def test_bytes_are_the_same_in_every_release() -> None:
    assert encode("aé", 12, None, b"x", "") == b"s3:a\xc3\xa9i2:12nb1:xs0:"


def test_the_seal_given_later_does_not_change_an_entry_and_everything_else_does() -> None:
    scribe = Scribe("shop", "dbs_1")

    def code(entry: Entry) -> str:
        return scribe.entry_code(KEY, scribe.entry_bytes(entry))

    assert code(ENTRY._replace(seal=7)) == code(ENTRY)
    for name in Entry._fields:
        if name not in ("seal", "mac"):
            assert code(ENTRY._replace(**{name: "other"})) != code(ENTRY), name
            assert (
                name == "key_id" or code(ENTRY._replace(**{name: None})) != code(ENTRY) or getattr(ENTRY, name) is None
            )


def test_a_code_holds_in_one_database_under_one_key() -> None:
    codes = {
        Scribe(system, database).entry_code(key, Scribe(system, database).entry_bytes(ENTRY))
        for system in ("shop", "auth")
        for database in ("dbs_1", "dbs_2")
        for key in (KEY, Key("k", b"l" * 32))
    }
    assert len(codes) == 8


def test_codes_that_are_no_text_are_the_same_as_nothing() -> None:
    assert same("ab", "ab")
    assert not same("ab", "aB")
    assert not same(b"ab", b"ab")
    assert not same(None, None)
    assert not same("ab", "\udcff")
