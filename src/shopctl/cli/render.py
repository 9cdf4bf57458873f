"""Data on standard output in the format asked for: one entry, `render`, and a writer per format."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from shopctl.cli.records import field, plain, plain_row
from shopctl.kernel.errors import UsageError

if TYPE_CHECKING:
    from shopctl.cli.shop import Shop

Row = dict[str, Any]


class UnknownField(UsageError):
    """There is no field {name!r} in this data."""

    code = "usage.unknown_field"
    hint = "It has: {known}"


class BadQuery(UsageError):
    """{query!r} is not a JMESPath expression: {problem}"""

    code = "usage.bad_query"
    hint = "Such as: --query '[?stock.available < `3`].sku'; the language is described at https://jmespath.org"


def render(
    shop: Shop,
    data: object,
    *,
    columns: Sequence[str] | None,
    rows: str | None,
    title: str | None,
    empty: str,
    text: str | Callable[[], str] | None,
) -> None:
    """Write `data`; see `Shop.show` for what the parameters mean. Raises UnknownField and BadQuery."""
    output, given = shop.output, shop.globals
    fields = [name.strip() for name in given.fields.split(",") if name.strip()] if given.fields else None
    if given.query:
        data, rows, columns, title = _search(given.query, plain(data)), None, None, None
    elif text is not None and output == "table" and fields is None:
        _write((text if isinstance(text, str) else text()).rstrip("\n") + "\n")
        return
    if output in ("json", "yaml"):
        _document(shop, data, rows, fields)
        return
    if rows is not None and isinstance(content := plain_row(data), dict):
        data = content.get(rows) or []
    if isinstance(data, (str, int, float, bool)) or data is None:
        _write(_scalar(data, output) + "\n")
        return
    single = not _is_many(data)
    many: Iterator[Any] = iter([data] if single else data)  # type: ignore[call-overload]
    first = list(_take(many, 1))
    if first and not isinstance(plain_row(first[0]), dict):
        for value in chain(first, many):
            _write(_scalar(plain(value), output) + "\n")
        return
    stream = (_picked(plain_row(row), fields) for row in chain(first, many))
    if output == "ndjson":
        _ndjson(stream)
    elif output in ("csv", "tsv"):
        listed = list(stream) if isinstance(data, Sequence) or single else stream
        # Without a row only the columns of the table are known; a script that reads the heading then finds one.
        known = fields or list(dict.fromkeys(name.partition(".")[0] for name in columns or ()))
        _separated(listed, fields, known, output)
    else:
        from shopctl.cli import tables

        shown = fields if fields is not None else columns
        if single:
            _write(tables.sheet(shop, next(stream), shown if columns or fields else None, title))
        elif listed := list(stream):
            _write(tables.table(shop, listed, shown, title))
        else:
            shop.note(empty)


def _document(shop: Shop, data: object, rows: str | None, fields: list[str] | None) -> None:
    content = plain(data)
    if fields is not None:
        if rows is not None and isinstance(content, dict):
            content[rows] = [_picked(row, fields) for row in content.get(rows) or []]
        elif isinstance(content, list):
            content = [_picked(row, fields) if isinstance(row, dict) else row for row in content]
        elif isinstance(content, dict):
            content = _picked(content, fields)
    if shop.output == "yaml":
        import yaml

        _write(yaml.safe_dump(content, allow_unicode=_is_unicode(), sort_keys=False, width=1_000_000))
    else:
        _write(_json(content, indent=2 if sys.stdout.isatty() else None) + "\n")


def _ndjson(stream: Iterable[Row]) -> None:
    for row in stream:
        _write(_json(row) + "\n")


def _separated(stream: Iterable[Row], fields: list[str] | None, known: list[str], output: str) -> None:
    import csv

    if isinstance(stream, list):
        names = fields or list(dict.fromkeys(name for row in stream for name in row)) or known
    else:
        # A stream is not read twice: its first row says which columns there are, and a later row with more of them
        # is an error of the verb's, never a value silently left out.
        stream = iter(stream)
        first = list(_take(stream, 1))
        names = fields or (list(first[0]) if first else known)
        stream = chain(first, stream)
    if output == "csv":
        writer = csv.DictWriter(sys.stdout, names, restval="", lineterminator="\n")
        if names:
            writer.writeheader()
        for row in stream:
            writer.writerow({name: cell(value) for name, value in row.items()})
        return
    # TSV has no quotes (IANA text/tab-separated-values), so what would break a line is escaped.
    if names:
        _write("\t".join(names) + "\n")
    for row in stream:
        if unknown := row.keys() - set(names):
            raise ValueError(f"dict contains fields not in fieldnames: {sorted(unknown)}")
        _write("\t".join(_tab_safe(cell(row.get(name))) for name in names) + "\n")


def cell(value: object) -> str:
    """A value as one cell: nested ones as compact JSON, nothing as nothing, the rest as it is."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return _json(value)
    return str(value)


def _tab_safe(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\r", "\\r").replace("\n", "\\n")


def _scalar(value: object, output: str) -> str:
    return _json(value) if output == "ndjson" else cell(value)


def _picked(row: Row, fields: list[str] | None) -> Row:
    if fields is None:
        return row
    picked = {}
    for name in fields:
        found, value = field(row, name)
        if not found:
            raise UnknownField(name=name, known=", ".join(row))
        picked[name] = value
    return picked


def _search(expression: str, data: object) -> object:
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.search(expression, data)
    except JMESPathError as error:
        raise BadQuery(query=expression, problem=str(error).split("\n")[0].rstrip(": ")) from None
    except TypeError as error:  # jmespath compares a text with a number as Python does
        raise BadQuery(query=expression, problem=f"{error}; an amount is a text: to_number(price.amount)") from None


_CONTROLS = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029)}


def _json(value: object, indent: int | None = None) -> str:
    import json

    separators = None if indent else (",", ":")
    text = json.dumps(value, ensure_ascii=not _is_unicode(), indent=indent, separators=separators, allow_nan=False)
    # RFC 8259 lets these stand as they are, but a terminal takes U+009B for an escape sequence (S18).
    return text if text.isascii() and "\x7f" not in text else text.translate(_CONTROLS)


def _is_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")


def _is_many(data: object) -> bool:
    if isinstance(data, (str, bytes, Mapping)) or hasattr(data, "_fields"):
        return False
    return isinstance(data, Iterable)


def _take(rows: Iterator[Any], count: int) -> Iterator[Any]:
    for _ in range(count):
        try:
            yield next(rows)
        except StopIteration:
            return


def _write(text: str) -> None:
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        # A terminal or pipe that is not UTF-8 still gets all of it, in escapes.
        encoding = sys.stdout.encoding or "ascii"
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
