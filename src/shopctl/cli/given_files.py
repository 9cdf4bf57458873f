"""What a file or standard input holds: lines, or a JSON object."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from shopctl.kernel.errors import InvalidData, NotFound


class NoSuchFile(NotFound):
    """The file {file} cannot be read: {reason}."""

    code = "usage.no_such_file"
    hint = "Give the path of a file, or - for standard input."


class NotAnObject(InvalidData):
    """{file} does not hold a JSON object: {reason}."""

    code = "usage.not_an_object"
    hint = "Write one, with names and values in braces."


def json_object(source: str) -> dict[str, Any]:
    """The object in a file, or on standard input for `-`. Raises NoSuchFile, NotAnObject."""
    try:
        value = json.loads(text_of(source))
    except (ValueError, RecursionError) as error:
        raise NotAnObject(file=source, reason=str(error)) from None
    if not isinstance(value, dict):
        raise NotAnObject(file=source, reason=f"it is a {type(value).__name__}")
    return value


def lines_of(source: str) -> list[str]:
    """The lines of a file, or of standard input for `-`. Raises NoSuchFile."""
    return text_of(source).splitlines()


def text_of(source: str) -> str:
    """What a file holds, or standard input for `-`. Raises NoSuchFile."""
    try:
        return sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except OSError as error:
        raise NoSuchFile(file=source, reason=error.strerror or str(error)) from None
    except UnicodeDecodeError:
        raise NoSuchFile(file=source, reason="it is not UTF-8") from None
