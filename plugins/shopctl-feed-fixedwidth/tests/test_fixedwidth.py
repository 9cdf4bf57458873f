"""Columns are told by their ruler or their names, and a line that does not fit is refused."""

from __future__ import annotations

import io

import pytest
import shopctl_feed_fixedwidth as plugin


def read(text: str | bytes) -> list[list[str]]:
    content = text if isinstance(text, bytes) else text.encode()
    return list(plugin.read(io.BytesIO(content)))


def test_a_ruler_says_where_the_columns_are():
    text = "SKU   THE NAME    PRICE\n----- ----------- -----\nMUG-1 Blue mug     9.50\nMUG-2 Größe L     12.00\n"
    assert read(text) == [
        ["SKU", "THE NAME", "PRICE"],
        [],
        ["MUG-1", "Blue mug", "9.50"],
        ["MUG-2", "Größe L", "12.00"],
    ]


def test_without_a_ruler_the_names_do():
    assert read("sku   name\r\nMUG-1 Blue mug\r\n\r\nMUG-2") == [
        ["sku", "name"],
        ["MUG-1", "Blue mug"],
        [],
        ["MUG-2", ""],
    ]


def test_a_head_alone_has_no_records():
    assert read("sku   name") == [["sku", "name"]]


def test_a_byte_order_mark_and_blanks_before_the_first_name_are_no_part_of_it():
    assert read("\ufeff  sku name\n  A   B") == [["sku", "name"], ["A", "B"]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1 holds no column names"),
        ("\nsku name\n", "line 1 holds no column names"),
        ("sku   name\nMUG-1\tmug", "line 2 holds a tab"),
        ("sku   name\nMUG-12 mug", "line 2: a value runs over into the column that begins at 7"),
        ("sku name\n--- ----\nA   B\nABCDE", "line 4: a value runs over into the column that begins at 5"),
        (b"sku name\nA   \xff\n", "not UTF-8"),
        (b"\xff\xfes\0k\0u\0", "not UTF-8"),
    ],
)
def test_what_does_not_fit_is_refused_naming_the_line(text, said):
    with pytest.raises(ValueError, match=said):
        read(text)


def test_the_hook_offers_the_format():
    assert plugin.shopctl_feed_readers() == [("fixedwidth", plugin.read)]
