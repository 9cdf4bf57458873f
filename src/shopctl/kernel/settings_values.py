"""Reading one setting's value, from TOML or from text, and showing it without its secrets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from shopctl.kernel.redaction import mask_url
from shopctl.kernel.settings_errors import BadSetting
from shopctl.kernel.settings_table import Setting

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_SIZES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}
_DATABASE = "a database URL such as sqlite:///.shopctl/shop.db or postgresql://user@host/shop"

HIDDEN = "****"


def read_value(setting: Setting, raw: object, *, source: str, base: Path, text: bool) -> Any:
    """The value of `raw`; relative paths are taken from `base`, `text` means it came from a variable or a flag.

    Gives str (text, choice, currency, url, database), int (integer, size), bool, tuple[str, ...] (list) or Path.
    Raises BadSetting, which never repeats a secret.
    """
    try:
        return _read(setting, raw, base, text)
    except _Expected as expected:
        value = HIDDEN if setting.secret else repr(mask_url(raw)) if isinstance(raw, str) else repr(raw)
        raise BadSetting(name=setting.name, source=source, value=value, expected=expected) from None


def shown(setting: Setting, value: Any) -> Any:
    """The value as `config explain` prints it: secrets and passwords in URLs are masked, paths are text."""
    if value is None or value == ():
        return None if value is None else []
    if setting.secret:
        return HIDDEN
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, str) and setting.kind in ("database", "url"):
        return mask_url(value)
    return str(value) if isinstance(value, Path) else value


class _Expected(Exception):
    """What the value should have been."""


def _read(setting: Setting, raw: object, base: Path, text: bool) -> Any:
    match setting.kind:
        case "boolean":
            return _boolean(raw, text)
        case "integer" | "size":
            return _number(setting, raw, text)
        case "list":
            return _list(raw, text)
    if not isinstance(raw, str) or not raw.strip() or "\0" in raw:
        raise _Expected("text in quotes" if not text else "text")
    value = raw.strip()
    match setting.kind:
        case "choice" if value not in setting.choices:
            raise _Expected("one of " + ", ".join(setting.choices))
        case "currency" if not (len(value) == 3 and value.isascii() and value.isalpha() and value.isupper()):
            raise _Expected("a currency code such as USD (ISO 4217)")
        case "url" if "://" not in value:
            raise _Expected("a URL")
        case "path":
            return _absolute(value, base)
        case "key":
            return _key_source(value, base)
        case "database":
            return database_url(value, base)
    return value


def database_url(value: str, base: Path) -> str:
    """The URL with a SQLite path made absolute from `base`: `sqlite:///shop.db` is `sqlite:////folder/shop.db`."""
    scheme, separator, rest = value.partition("://")
    if separator and scheme == "sqlite":
        path = rest[1:] if rest.startswith("/") else ""
        if not path or path == ":memory:" or path.endswith("/"):
            raise _Expected(_DATABASE)
        return f"sqlite:///{_absolute(path, base)}"
    if separator and scheme in ("postgresql", "postgres") and rest:
        return f"postgresql://{rest}"
    raise _Expected(_DATABASE)


def _key_source(value: str, base: Path) -> str:
    """Where a key comes from, with the path of a file made absolute."""
    scheme, separator, rest = value.partition(":")
    if not separator or not rest:
        raise _Expected("where a key comes from, such as file:PATH or env:NAME")
    return f"file:{_absolute(rest, base)}" if scheme == "file" else value


def _absolute(path: str, base: Path) -> Path:
    return Path(os.path.normpath(base / Path(path).expanduser()))


def _boolean(raw: object, text: bool) -> bool:
    if isinstance(raw, bool):
        return raw
    if text and isinstance(raw, str) and raw.lower() in _TRUE | _FALSE:
        return raw.lower() in _TRUE
    raise _Expected("true or false")


def _number(setting: Setting, raw: object, text: bool) -> int:
    expected = f"a whole number of at least {setting.minimum}"
    if setting.kind == "size":
        expected = 'a number of bytes such as 4194304 or "4 MiB"'
    number: int | None = None
    if isinstance(raw, int) and not isinstance(raw, bool):
        number = raw
    elif isinstance(raw, str) and (text or setting.kind == "size"):
        digits = raw.strip().rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
        unit = raw.strip()[len(digits) :].strip().lower()
        known = unit == "" or (setting.kind == "size" and unit in _SIZES)
        if known and digits.isascii() and digits.isdigit() and len(digits) < 19:
            number = int(digits) * _SIZES[unit]
    if number is None or not setting.minimum <= number < 1 << 63:
        raise _Expected(expected)
    return number


def _list(raw: object, text: bool) -> tuple[str, ...]:
    if isinstance(raw, list) and all(isinstance(item, str) for item in raw):
        return tuple(raw)
    if text and isinstance(raw, str):
        return tuple(item.strip() for item in raw.split(",") if item.strip())
    raise _Expected('a list such as ["a", "b"]')
