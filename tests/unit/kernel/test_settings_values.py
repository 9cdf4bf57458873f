"""What each kind of setting takes, from a file and from text."""

from __future__ import annotations

from pathlib import Path

import pytest

from shopctl.kernel.settings_errors import BadSetting
from shopctl.kernel.settings_table import Setting
from shopctl.kernel.settings_values import read_value

BASE = Path("/shop")


def read(kind: str, raw: object, *, text: bool = False, **more: object) -> object:
    setting = Setting("a.b", kind, None, "A setting.", **more)  # type: ignore[arg-type]
    return read_value(setting, raw, source="here", base=BASE, text=text)


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("text", " hello ", "hello"),
        ("boolean", True, True),
        ("integer", 7, 7),
        ("size", 4096, 4096),
        ("size", "4 MiB", 4 << 20),
        ("size", "2kB", 2000),
        ("size", "10", 10),
        ("currency", "EUR", "EUR"),
        ("list", ["a", "b"], ("a", "b")),
        ("list", [], ()),
        ("path", "keys/../k", Path("/shop/k")),
        ("path", "/abs", Path("/abs")),
        ("url", "smtp://localhost", "smtp://localhost"),
        ("database", "sqlite:///shop.db", "sqlite:////shop/shop.db"),
        ("database", "sqlite:////var/shop.db", "sqlite:////var/shop.db"),
        ("database", "postgres://u@h/d", "postgresql://u@h/d"),
    ],
)
def test_a_file_gives(kind, raw, value):
    assert read(kind, raw) == value


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("boolean", "Yes", True),
        ("boolean", "0", False),
        ("integer", "7", 7),
        ("list", "a, b,,", ("a", "b")),
    ],
)
def test_a_variable_gives(kind, raw, value):
    assert read(kind, raw, text=True) == value


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("text", ""),
        ("text", 1),
        ("text", "a\0b"),
        ("boolean", 1),
        ("boolean", "true"),
        ("integer", True),
        ("integer", 1.5),
        ("integer", "7"),
        ("integer", -1),
        ("integer", 1 << 63),
        ("size", "4 MM"),
        ("size", "1.5 MiB"),
        ("size", "9999999999 GiB"),
        ("size", "٣"),
        ("currency", "eur"),
        ("currency", "EURO"),
        ("list", "a,b"),
        ("list", [1]),
        ("url", "localhost"),
        ("database", "shop.db"),
        ("database", "sqlite://shop.db"),
        ("database", "sqlite:///:memory:"),
        ("database", "sqlite:///"),
        ("database", "mysql://h/d"),
    ],
)
def test_a_file_is_refused(kind, raw):
    with pytest.raises(BadSetting, match=r"here sets a\.b to .*, expected .") as raised:
        read(kind, raw)
    assert raised.value.exit_code == 2


def test_a_choice_names_what_can_be_chosen():
    assert read("choice", "red", choices=("red", "blue")) == "red"
    with pytest.raises(BadSetting, match="'green', expected one of red, blue"):
        read("choice", "green", choices=("red", "blue"))


@pytest.mark.parametrize("raw", ["yes please", "7 apples", ""])
def test_text_that_is_no_boolean_is_refused(raw):
    with pytest.raises(BadSetting):
        read("boolean", raw, text=True)
