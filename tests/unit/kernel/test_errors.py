"""An error's docstring is its message, its attributes are the contract."""

from __future__ import annotations

import pytest

from shopctl.kernel import errors
from shopctl.kernel.errors import Conflict, NotFound, ShopctlError, one_line


class OutOfMugs(Conflict):
    """Only {left} mugs are left,
    {wanted} were asked for.

    This paragraph is for whoever reads the code.
    """

    code = "test.out_of_mugs"
    hint = "Ask for {left}."


def test_the_first_paragraph_is_the_message_with_its_facts():
    error = OutOfMugs(left=2, wanted=3)
    assert str(error) == error.message == "Only 2 mugs are left, 3 were asked for."
    assert error.advice == "Ask for 2."
    assert error.facts == {"left": 2, "wanted": 3}


def test_a_forgotten_fact_is_shown_as_its_placeholder():
    assert OutOfMugs(left=2).message == "Only 2 mugs are left, {wanted} were asked for."


@pytest.mark.assure("S18")
def test_data_in_a_message_can_neither_forge_a_line_nor_act_on_the_terminal():
    error = NotFound(what="a\r\nerror: forged \x1b[2J\u202e")
    assert error.message.isprintable()
    assert error.message == "a\\r\\nerror: forged \\x1b[2J\\u202e was not found."


def test_braces_in_data_are_not_filled_in():
    assert NotFound(what="{left}").message == "{left} was not found."


def test_printable_text_of_any_language_stays():
    assert one_line("Größe 茶碗 ☕") == "Größe 茶碗 ☕"


def test_the_exit_codes_are_those_of_the_contract():
    own = {
        name: kind.exit_code
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, ShopctlError)
    }
    assert own == {
        "ShopctlError": 1,
        "UsageError": 2,
        "NotFound": 3,
        "NotAllowed": 4,
        "Conflict": 5,
        "Partial": 6,
        "RemoteFailed": 7,
        "Locked": 11,
        "InvalidData": 12,
    }
    assert {name for name, kind in vars(errors).items() if getattr(kind, "retryable", False)} == {
        "RemoteFailed",
        "Locked",
    }
