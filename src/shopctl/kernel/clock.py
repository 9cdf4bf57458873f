"""Moments as integers: microseconds since the Unix epoch, in UTC."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

from shopctl.kernel.errors import UsageError

Instant = int  # microseconds since 1970-01-01T00:00:00Z

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_AGO = re.compile(r"^(\d+)\s*(s|m|h|d|w)\s*ago$")
_LENGTH = re.compile(r"(\d{1,5})\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class NotATime(UsageError):
    """{text!r} is not a time."""

    code = "usage.time"
    hint = "Write it as 2026-11-24T13:34:00Z, 2026-11-24, 'now' or '2h ago'."


class NotALength(UsageError):
    """{text!r} is not a length of time."""

    code = "usage.length"
    hint = "Write it as 90d, 12h, 30m or 45s."


class Clock:
    """The wall clock; tests hand in one of their own."""

    def now(self) -> Instant:
        return time.time_ns() // 1_000


def parse(text: str, now: Instant | None = None) -> Instant:
    """Read an RFC 3339 time, an ISO 8601 date (midnight), `now` or `2h ago`; without a zone it is UTC.

    Raises NotATime, also for what lies outside of the years 1 to 9999.
    """
    text = text.strip()
    if text == "now":
        return Clock().now() if now is None else now
    try:
        if text.endswith("ago") and (ago := _AGO.match(text)):
            span = timedelta(**{_UNITS[ago[2]]: int(ago[1])})
            instant = (Clock().now() if now is None else now) - span // _MICROSECOND
        else:
            moment = datetime.fromisoformat(text)
            since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
            instant = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    except (ValueError, OverflowError):
        raise NotATime(text=text) from None
    if not _FIRST <= instant <= _LAST:
        raise NotATime(text=text)
    return instant


def show(instant: Instant | None) -> str | None:
    """RFC 3339 in UTC, with fractions only where there are any."""
    if instant is None:
        return None
    moment = _EPOCH + timedelta(microseconds=instant)
    return moment.isoformat().replace("+00:00", "Z")


def length(text: str) -> int:
    """The seconds of `90d`, `12h`, `30m`, `45s` or `2w`, at least one. Raises NotALength."""
    found = _LENGTH.fullmatch(text.strip())
    if found is None or not int(found[1]):
        raise NotALength(text=text)
    return int(timedelta(**{_UNITS[found[2]]: int(found[1])}).total_seconds())
