"""Which backups are kept: the rules of restic's `forget`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shopctl.operations.retention import Keep, decide

START = datetime(2026, 3, 1, 12, tzinfo=UTC)  # a Sunday


def kept(moments: list[datetime], **rules: int) -> list[datetime]:
    newest_first = sorted(moments, reverse=True)
    reasons = decide([(str(at), at) for at in newest_first], Keep(**rules))
    return [at for at in newest_first if reasons[str(at)]]


def hourly(count: int) -> list[datetime]:
    return [START - timedelta(hours=number) for number in range(count)]


def daily(count: int) -> list[datetime]:
    return [START - timedelta(days=number) for number in range(count)]


def test_the_newest_are_kept_by_their_number() -> None:
    assert kept(daily(10), last=3) == daily(3)


def test_of_each_day_the_newest_is_kept() -> None:
    assert kept(hourly(60), daily=2) == [START, START.replace(day=28, month=2, hour=23)]


def test_days_without_a_backup_do_not_count() -> None:
    moments = [START, START - timedelta(days=10), START - timedelta(days=20), START - timedelta(days=30)]
    assert kept(moments, daily=3) == moments[:3]


def test_weeks_are_those_of_the_calendar_and_months_too() -> None:
    assert [at.isoformat()[:10] for at in kept(daily(90), weekly=3)] == ["2026-03-01", "2026-02-22", "2026-02-15"]
    assert [at.isoformat()[:10] for at in kept(daily(90), monthly=3)] == ["2026-03-01", "2026-02-28", "2026-01-31"]


def test_a_year_that_ends_in_the_middle_of_a_week_does_not_split_it() -> None:
    moments = [datetime(2026, 1, 2, tzinfo=UTC), datetime(2025, 12, 30, tzinfo=UTC), datetime(2025, 12, 28, tzinfo=UTC)]
    assert kept(moments, weekly=2) == [moments[0], moments[2]]


def test_the_oldest_stays_while_a_rule_has_some_left() -> None:
    assert kept(hourly(5), daily=7) == [START, START - timedelta(hours=4)]
    reasons = decide([(str(at), at) for at in hourly(2)], Keep(daily=7))
    assert reasons == {str(START): ["daily"], str(START - timedelta(hours=1)): ["oldest daily"]}


def test_rules_add_up_and_each_says_why() -> None:
    reasons = decide([(str(at), at) for at in daily(40)], Keep(last=1, daily=2, monthly=2))
    assert reasons[str(START)] == ["last", "daily", "monthly"]
    assert reasons[str(START - timedelta(days=1))] == ["daily", "monthly"]
    assert [*filter(None, reasons.values())] == [["last", "daily", "monthly"], ["daily", "monthly"]]
    assert decide([], Keep(last=1)) == {}
