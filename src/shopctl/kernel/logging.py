"""Logging: one line per event on standard error, with the id of what it belongs to and without secrets.

    from shopctl.kernel import logging

    logging.configure(settings)
    with logging.identified(run_id):
        logging.warning("the step failed, it is tried again", step="reserve", attempt=2)

A line below the configured level costs a comparison: the standard library's logging, 8 ms to import, is loaded by the
first line that is written, or by whichever dependency imports it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from shopctl.kernel import ids
from shopctl.kernel.redaction import password_of, redact, remember_secret

if TYPE_CHECKING:
    from shopctl.kernel.settings import Settings

__all__ = ["attach", "configure", "current_id", "debug", "error", "identified", "info", "redact", "warning"]

_SEVERITY = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class _State:
    """What `configure` was told; a process that never calls it logs warnings as text."""

    level = "warning"
    format = "text"
    attached = False
    command: str | None = None


_identifier: ContextVar[str | None] = ContextVar("shopctl_identifier", default=None)


def configure(settings: Settings) -> None:
    """Take the level and format from `log.level` and `log.format`, and remember the secrets that are never shown."""
    from shopctl.kernel.settings_table import SETTINGS

    _State.level, _State.format = settings.log_level, settings.log_format
    for setting in SETTINGS:
        value = settings.get(setting.name)
        if setting.secret:
            for secret in value if isinstance(value, tuple) else (value,):
                remember_secret(secret)
        elif setting.kind in ("database", "url") and value:
            remember_secret(password_of(value))
    _State.attached = False
    if "logging" in sys.modules:
        attach()


def attach() -> None:
    """Redact what a dependency logs through the standard library, too; called after importing such a one."""
    if not _State.attached:
        from shopctl.kernel import log_lines

        log_lines.install(_State.level, _State.format)
        _State.attached = True


def current_id() -> str:
    """The run or request that this code works for; outside of any, an id of the command itself."""
    identifier = _identifier.get()
    if identifier is None:
        identifier = _State.command = _State.command or ids.new("cmd")
    return identifier


@contextmanager
def identified(identifier: str) -> Iterator[None]:
    """Within the block, in this thread or task, log lines carry this id."""
    token = _identifier.set(identifier)
    try:
        yield
    finally:
        _identifier.reset(token)


def debug(event: str, **facts: object) -> None:
    _write("debug", event, facts)


def info(event: str, **facts: object) -> None:
    _write("info", event, facts)


def warning(event: str, **facts: object) -> None:
    _write("warning", event, facts)


def error(event: str, cause: BaseException | None = None, **facts: object) -> None:
    """An event that needs somebody; the traceback of `cause` goes with it, on the same line."""
    _write("error", event, facts, cause)


def _write(level: str, event: str, facts: dict[str, object], cause: BaseException | None = None) -> None:
    if _SEVERITY[level] < _SEVERITY[_State.level]:
        return
    attach()
    from shopctl.kernel import log_lines

    log_lines.emit(level, event, facts, cause)
