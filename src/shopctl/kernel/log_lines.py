"""How one log line is written, as text or JSON; imports the standard library's logging, so it is loaded late."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from typing import Any

from shopctl.kernel import clock
from shopctl.kernel.errors import one_line
from shopctl.kernel.logging import current_id
from shopctl.kernel.redaction import MASK, is_secret_name, redact

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

# More than this is a payload, not a message, and patterns would take long over it.
_LONGEST = 16_384


class LineHandler(logging.Handler):
    """Writes each record as one line on standard error as it is at that moment."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self._json = form == "json"

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = json_line(record) if self._json else text_line(record)
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
        except (OSError, ValueError, AttributeError):
            # Standard error is closed or full. Nobody is left to be told, and the work itself must go on.
            return


def install(level: str, form: str) -> None:
    """Make this the only way that records leave the process."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, LineHandler)]:
        root.removeHandler(handler)
    root.addHandler(LineHandler(form))
    root.setLevel(logging.WARNING)
    logging.getLogger("shopctl").setLevel(_LEVELS[level])
    # Whatever is wrong with a record, its arguments are not to be printed raw.
    logging.raiseExceptions = False


def emit(level: str, event: str, facts: dict[str, object], cause: BaseException | None) -> None:
    """Write one of our own events."""
    information = None if cause is None else (type(cause), cause, cause.__traceback__)
    logging.getLogger("shopctl").log(_LEVELS[level], "%s", event, exc_info=information, extra={"facts": facts})


def text_line(record: logging.LogRecord) -> str:
    """`TIME LEVEL ID LOGGER: MESSAGE name=value …`, with every control character escaped."""
    head = f"{_time(record)} {record.levelname.lower()} {current_id()} {record.name}: {_message(record)}"
    facts = (f"{name}={_quoted(str(clean(name, value)))}" for name, value in _facts(record).items())
    return one_line(" ".join([head, *facts]))


def json_line(record: logging.LogRecord) -> str:
    """The keys time, level, id, logger, message, then the event's facts; ASCII, so that nothing acts on a terminal."""
    line: dict[str, Any] = {name: clean(name, value) for name, value in _facts(record).items()}
    line |= {
        "time": _time(record),
        "level": record.levelname.lower(),
        "id": current_id(),
        "logger": record.name,
        "message": _message(record),
    }
    return json.dumps(dict(sorted(line.items(), key=_order)), default=str)


def clean(name: str, value: object) -> Any:
    """The value without secrets: everything under a secret's name, and what is recognised inside of text."""
    if is_secret_name(name) and value is not None:
        return MASK
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, dict):
        return {str(key): clean(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [clean("", inner) for inner in value]
    text = redact(str(value)[:_LONGEST])
    return value if isinstance(value, int) and text == str(value) else text


_HEAD = ("time", "level", "id", "logger", "message")


def _order(item: tuple[str, object]) -> int:
    return _HEAD.index(item[0]) if item[0] in _HEAD else len(_HEAD)


def _time(record: logging.LogRecord) -> str:
    return clock.show(int(record.created * 1_000) * 1_000) or ""


def _message(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    except (TypeError, ValueError):
        text = str(record.msg)
    return redact(text[:_LONGEST])


def _facts(record: logging.LogRecord) -> dict[str, object]:
    facts = dict(getattr(record, "facts", {}))
    if record.exc_info:
        facts["exception"] = "".join(traceback.format_exception(*record.exc_info)).rstrip()
    return facts


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False) if not text or set(text) & set(' "=\\') else text
