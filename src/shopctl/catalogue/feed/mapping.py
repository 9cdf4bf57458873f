"""A feed's mapping: a TOML file that says what its columns are called and how it is written."""

from __future__ import annotations

import codecs
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shopctl.catalogue.feed.columns import ADDING, TARGETS, Target
from shopctl.catalogue.feed.errors import BadMapping
from shopctl.catalogue.feed.row import DEFAULT_LIST, DEFAULT_LOCATION
from shopctl.kernel.errors import NotFound
from shopctl.kernel.money import EXPONENTS
from shopctl.records.errors import UnreadableFile

_KEYS = ("feed", "columns", "constants", "attributes", "ignore", "delimiter", "encoding", "decimal")
_NAMED = sorted(TARGETS - {"attribute", "option_name", "option_value"})


@dataclass(frozen=True)
class Mapping:
    """What the file says; everything may be left out."""

    file: str = ""
    feed: str = ""
    columns: dict[str, Target] = field(default_factory=dict)  # header -> target; ignored columns too
    constants: dict[str, str] = field(default_factory=dict)  # field -> the cell of every row
    attributes: dict[str, str] = field(default_factory=dict)  # header -> attribute key
    delimiter: str | None = None
    encoding: str | None = None
    decimal: str = ""

    @property
    def headers(self) -> list[str]:
        """The columns it speaks of."""
        return [*self.columns, *self.attributes]


def mapping_file(given: str, folder: Path) -> str:
    """The file that `--mapping` means: a bare name such as `wholesaler` is `FOLDER/wholesaler.toml`."""
    plain = Path(given)
    return str(folder / f"{given}.toml") if plain.name == given and not plain.suffix and not plain.exists() else given


def load_mapping(path: str | None) -> Mapping:
    """Read and check a mapping. Raises NotFound, UnreadableFile, BadMapping naming the first thing that is wrong."""
    if path is None:
        return Mapping()
    try:
        data = tomllib.loads(Path(path).read_text("utf-8"))
    except FileNotFoundError:
        raise NotFound(what=f"The mapping {path}") from None
    except OSError as problem:
        raise UnreadableFile(file=path, reason=problem.strerror) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise BadMapping(
            file=path, problem=f"not valid TOML: {problem}", remedy="See docs/feeds.md for an example."
        ) from None
    check = _Check(path)
    check.keys(data)
    columns = {name: check.target(name, target) for name, target in check.table(data, "columns").items()}
    for name in check.texts(data, "ignore"):
        columns[name] = Target("ignore")
    attributes = check.table(data, "attributes")
    if both := columns.keys() & attributes.keys():
        check.fail(
            f"the column {min(both)!r} is mapped twice", "Name it under [columns] or under [attributes], not both."
        )
    check.once(columns)
    constants = check.table(data, "constants")
    for name in constants:
        if name not in _NAMED:
            check.fail(f"[constants] has no {name!r}", f"It may have: {', '.join(_NAMED)}.")
    return Mapping(
        file=path,
        feed=check.text(data, "feed"),
        columns=columns,
        constants=constants,
        attributes=attributes,
        delimiter=check.delimiter(data),
        encoding=check.encoding(data),
        decimal=check.one_of(data, "decimal", ".,"),
    )


class _Check:
    def __init__(self, file: str) -> None:
        self.file = file

    def fail(self, problem: str, remedy: str) -> None:
        raise BadMapping(file=self.file, problem=problem, remedy=remedy)

    def keys(self, data: dict[str, Any]) -> None:
        for key in data:
            if key not in _KEYS:
                self.fail(f"unknown key {key!r}", f"A mapping has: {', '.join(_KEYS)}.")

    def table(self, data: dict[str, Any], key: str) -> dict[str, str]:
        table = data.get(key, {})
        if not isinstance(table, dict):
            self.fail(f"{key!r} is not a table", f"Begin it with [{key}].")
        for name, value in table.items():
            if not isinstance(value, str) or not value and key != "constants":
                self.fail(f"[{key}] {name!r} is not a text", 'Write it as "name" = "value".')
        return dict(table)

    def once(self, columns: dict[str, Target]) -> None:
        """A field has one column, unless several of them add up to it."""
        first: dict[Target, str] = {}
        for name, target in columns.items():
            if target.field not in ADDING and first.setdefault(target, name) != name:
                one = f"{first[target]!r} and {name!r} are both mapped to {target.field!r}"
                self.fail(one, "Map one of them, and name the other under [attributes] or ignore.")

    def texts(self, data: dict[str, Any], key: str) -> list[str]:
        texts = data.get(key, [])
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            self.fail(f"{key!r} is not a list of texts", f'Write it as {key} = ["Name", "Other name"].')
        return list(texts)

    def text(self, data: dict[str, Any], key: str) -> str:
        text = data.get(key, "")
        if not isinstance(text, str):
            self.fail(f"{key!r} is not a text", f'Write it as {key} = "…".')
        if len(text) > 255 or not text.isprintable() and key != "delimiter":
            self.fail(f"{key!r} is too long or holds a character that does not print", "Choose a shorter, plain text.")
        return str(text)

    def one_of(self, data: dict[str, Any], key: str, choices: str) -> str:
        text = self.text(data, key)
        if text and text not in choices:
            self.fail(f"{key} = {text!r}", f"It is one of: {' '.join(choices)}")
        return text

    def delimiter(self, data: dict[str, Any]) -> str | None:
        text = self.text(data, "delimiter")
        if "delimiter" in data and (len(text) != 1 or not text.isascii() or text.isalnum() or text in '"\r\n\0'):
            self.fail(f"delimiter = {text!r}", "It is a single character such as ; , | or \\t.")
        return text or None

    def encoding(self, data: dict[str, Any]) -> str | None:
        text = self.text(data, "encoding")
        if not text:
            return None
        try:
            if not codecs.lookup(text)._is_text_encoding:  # rot13 and base64 are codecs, too
                raise LookupError
        except LookupError:
            self.fail(
                f"encoding = {text!r} is not known", "Use a name such as utf-8, utf-16, windows-1252, iso-8859-15."
            )
        return codecs.lookup(text).name

    def target(self, name: str, text: str) -> Target:
        """`sku`, `price:EUR`, `price:EUR:wholesale`, `stock:berlin`, `attribute:weight`, `option:Size`, `ignore`."""
        kind, _, rest = text.partition(":")
        if kind == "attribute" and rest:
            return Target("attribute", rest)
        if kind == "option" and rest:
            return Target("option_value", rest)
        if kind == "price" and rest:
            currency, _, price_list = rest.partition(":")
            if currency.upper() in EXPONENTS:
                return Target("price", price_list or DEFAULT_LIST, currency.upper())
        elif kind == "stock":
            return Target("stock", rest or DEFAULT_LOCATION)
        elif text in _NAMED:
            return Target(text, DEFAULT_LIST if text == "price" else "")
        self.fail(
            f"{name!r} is mapped to {text!r}, which is not a field",
            f"Fields: {', '.join(_NAMED)}, price:CURRENCY, price:CURRENCY:LIST, stock:LOCATION, attribute:KEY, "
            "option:NAME.",
        )
        raise AssertionError
