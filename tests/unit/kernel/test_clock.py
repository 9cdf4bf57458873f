"""Moments as microseconds in UTC, read and shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopctl.kernel import clock

NOON = 1_795_521_600_000_000  # 2026-11-24T12:00:00Z


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-11-24T12:00:00Z", NOON),
        (" 2026-11-24T13:00:00+01:00 ", NOON),
        ("2026-11-24T12:00:00", NOON),
        ("2026-11-24T12:00:00.000001Z", NOON + 1),
        ("2026-11-24", NOON - 12 * 3600 * 1_000_000),
        ("1969-12-31T23:59:59Z", -1_000_000),
        ("now", NOON),
        ("90s ago", NOON - 90_000_000),
        ("2h ago", NOON - 7_200_000_000),
        ("1d ago", NOON - 86_400_000_000),
        ("1 w ago", NOON - 7 * 86_400_000_000),
    ],
)
def test_a_time_is_read(text, instant):
    assert clock.parse(text, now=NOON) == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "24.11.2026",
        "2026-13-01",
        "2026-02-30",
        "2h",
        "ago",
        "2026-11-24T25:00:00Z",
        "-1h ago",
        "99999999w ago",
        "9" * 30 + "d ago",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_what_is_no_time_is_refused_with_a_hint(text):
    with pytest.raises(clock.NotATime) as raised:
        clock.parse(text, now=NOON)
    assert raised.value.exit_code == 2
    assert "2026-11-24T13:34:00Z" in raised.value.advice


def test_an_instant_is_shown_in_utc_with_fractions_only_where_there_are_any():
    assert clock.show(NOON) == "2026-11-24T12:00:00Z"
    assert clock.show(NOON + 1) == "2026-11-24T12:00:00.000001Z"
    assert clock.show(None) is None


@given(st.integers(min_value=-62_135_596_800_000_000, max_value=253_402_300_799_999_999))
def test_what_is_shown_reads_back(instant):
    assert clock.parse(str(clock.show(instant))) == instant


def test_the_clock_and_now_agree():
    assert abs(clock.Clock().now() - clock.parse("now")) < 5_000_000
