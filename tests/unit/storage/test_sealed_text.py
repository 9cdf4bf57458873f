"""A sealed cell: its form, and that every bit of it and of its place counts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopctl.storage.errors import TextInvalid
from shopctl.storage.sealed_text import DataKey, IndexKey, Place, bytes_of, framed, key_of, text_of
from shopctl.storage.sealing_errors import SealBroken

KEY = DataKey("shop", "k1", bytes(32))
PLACE = Place("person", "email", "1")


@settings(max_examples=50)
@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_any_text_comes_back(text: str) -> None:
    cell = KEY.seal(PLACE, text)
    assert key_of(cell) == "k1"
    assert KEY.open(PLACE, cell) == text
    assert set(cell) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


@pytest.mark.assure("S15")
def test_a_cell_with_any_character_changed_taken_out_or_added_does_not_open() -> None:
    cell = KEY.seal(PLACE, "ada@example.com")
    for place in range(len(cell)):
        for other in ("A" if cell[place] != "A" else "B", "", cell[place] * 2):
            with pytest.raises(SealBroken):
                KEY.open(PLACE, cell[:place] + other + cell[place + 1 :])


@pytest.mark.assure("S15")
@pytest.mark.parametrize(
    ("chain", "key", "secret"), [("auth", "k1", bytes(32)), ("shop", "k2", bytes(32)), ("shop", "k1", b"x" * 32)]
)
def test_a_cell_opens_only_in_its_database_under_its_key(chain: str, key: str, secret: bytes) -> None:
    cell = KEY.seal(PLACE, "ada").replace("s1.k1.", f"s1.{key}.")
    with pytest.raises(SealBroken):
        DataKey(chain, key, secret).open(PLACE, cell)


def test_the_parts_of_a_place_cannot_flow_into_each_other() -> None:
    cell = KEY.seal(Place("a", "bc", "d"), "text")
    for place in (Place("ab", "c", "d"), Place("a", "b", "cd"), Place("", "abc", "d"), Place("a", "bc1:d", "")):
        with pytest.raises(SealBroken):
            KEY.open(place, cell)
    assert framed("ab", "c") != framed("a", "bc")


def test_the_last_bits_of_base64_must_be_zero_so_that_a_cell_has_one_spelling() -> None:
    assert bytes_of(text_of(b"\x00")) == b"\x00"
    for text in ("AB", "AA==", "A", "A+", "A A", "AÄ"):
        with pytest.raises(ValueError):  # noqa: PT011 - each says something else
            bytes_of(text)


def test_an_index_depends_on_key_chain_table_column_and_text() -> None:
    def index(chain: str = "shop", secret: bytes = bytes(32), *place: str) -> str:
        table, column, text = place or ("person", "email", "ada")
        return IndexKey(chain, "i1", secret).index(table, column, text)

    others = [
        index("auth"),
        index("shop", b"x" * 32),
        index("shop", bytes(32), "personemail", "", "ada"),
        index("shop", bytes(32), "person", "emai", "lada"),
        index("shop", bytes(32), "person", "phone", "ada"),
        index("shop", bytes(32), "person", "email", "Ada"),
    ]
    assert index() == index()
    assert len({index(), *others}) == 7


def test_text_that_is_none_is_refused() -> None:
    with pytest.raises(TextInvalid):
        KEY.seal(PLACE, "\ud800")
    with pytest.raises(TextInvalid):
        IndexKey("shop", "i1", bytes(32)).index("person", "email", "\ud800")
