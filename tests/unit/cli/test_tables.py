"""Fitting a table to a terminal, and what counts as a cell."""

from shopctl.cli import tables


def test_the_widest_text_gives_way_first_and_numbers_never():
    assert tables._fitted([10, 50, 30, 6], [False, False, False, True], 80) == [10, 29, 29, 6]
    assert tables._fitted([10, 20, 6], [False, False, True], 80) == [10, 20, 6]
    assert tables._fitted([60, 20, 6], [False, False, True], 40) == [60, 8, 6]


def test_a_cut_text_takes_its_width_in_cells_also_where_letters_are_wide():
    assert tables._cut("abcdef", 4) == "abc…"
    assert tables._cells(tables._cut("茶碗茶碗茶碗", 6)) <= 6
    assert tables._cut("e\u0301tude", 5) == "e\u0301tude"


def test_the_last_text_goes_on_below_instead_of_being_cut():
    lines = tables._lines(["A", "one two three"], [3, 8], [False, False])
    assert lines == ["A    one two", "     three"]
    assert tables._folded("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]


def test_only_a_column_of_moments_is_left_out_where_there_is_no_room():
    assert tables._is_of_moments(["2026-11-24T13:34:00Z", ""])
    assert not tables._is_of_moments(["2026-11-24T13:34:00Z", "later"])
    assert tables._too_wide([30, 9, 40], 80)
    assert not tables._too_wide([30, 9, 37], 80)
