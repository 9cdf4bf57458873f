"""Rows as the text format of PostgreSQL's COPY, which any process can write ahead for the one that holds the unit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def copy_text(rows: Sequence[Sequence[object]], same: Sequence[object] = ()) -> bytes:
    """Rows of texts, integers and None, each followed by the values of `same`; all have as many values as the first.

    See "Text Format" under COPY in PostgreSQL's manual.
    """
    if not rows:
        return b""
    tail = "".join([f"\t{_field(value)}" for value in same]) + "\n"
    pattern = "\t".join(["%s"] * len(rows[0])) + tail.replace("%", "%%")
    lines = [pattern % tuple(row) for row in rows]

    def escape(suspect: Callable[[str], bool]) -> str:
        for index, line in enumerate(lines):
            if suspect(line):
                lines[index] = "\t".join(map(_field, rows[index])) + tail
        return "".join(lines)

    # Most texts hold nothing that has to be escaped, some a line end, hardly any the rest: what rows hold shows in what
    # they add up to.
    plain = (pattern.count("\t"), pattern.count("\\"))
    text = "".join(lines)
    if not _is_plain(text, plain, len(lines)):
        text = escape(lambda line: line.count("\n") != 1 or not _is_plain(line, plain, 1))
    elif text.count("\n") != len(lines):
        text = escape(lambda line: line.count("\n") != 1)
    return text.encode()


def _is_plain(text: str, plain: tuple[int, int], times: int) -> bool:
    tabs, backslashes = plain
    return (
        text.count("\t") == tabs * times
        and text.count("\\") == backslashes * times
        and "\r" not in text
        and "None" not in text
    )


def _field(value: object) -> str:
    return "\\N" if value is None else str(value).translate(_ESCAPES)
