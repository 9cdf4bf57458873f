"""The child that reads a feed: what it yields arrives, what it raises is raised here, and it never outlives its use."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shopctl.records.errors import EndlessRecord
from shopctl.records.pipe import ReaderDied, ReaderFailed, from_child


def children() -> list[str]:
    return Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()


@pytest.fixture(autouse=True)
def _no_child_is_left() -> Iterator[None]:
    before = children()
    yield
    assert children() == before


def test_what_it_yields_arrives_in_order_and_whole():
    items = [(number, "ü😀\ud800", None, ..., b"\0" * number, [1, (2.5, True)]) for number in range(0, 300_000, 50_000)]

    assert list(from_child(lambda: iter(items))) == items


def test_an_error_of_ours_is_raised_here_with_its_facts():
    def produce() -> Iterator[tuple[Any, ...]]:
        yield (1,)
        raise EndlessRecord(file="feed.csv", limit=5, line=7)

    received = from_child(produce)
    assert next(received) == (1,)
    with pytest.raises(EndlessRecord, match="has a record of more than 5 bytes at line 7"):
        next(received)


def test_any_other_error_is_a_fault_without_a_traceback_of_the_child(capfd: pytest.CaptureFixture[str]):
    def produce() -> Iterator[tuple[Any, ...]]:
        yield (1,)
        raise ZeroDivisionError("by nothing")

    with pytest.raises(ReaderFailed, match="ZeroDivisionError: by nothing"):
        list(from_child(produce))
    assert capfd.readouterr() == ("", "")


def test_a_child_that_is_killed_is_told():
    def produce() -> Iterator[tuple[Any, ...]]:
        yield (1,)
        os.kill(os.getpid(), signal.SIGKILL)
        yield (2,)

    with pytest.raises(ReaderDied, match="signal 9"):
        list(from_child(produce))


def test_a_child_that_waits_for_ever_is_ended_with_its_reader():
    def produce() -> Iterator[tuple[Any, ...]]:
        yield (1,)
        time.sleep(600)
        yield (2,)

    received = from_child(produce)
    next(received)
    started = time.monotonic()
    received.close()  # type: ignore[attr-defined]

    assert time.monotonic() - started < 5


def test_signals_are_the_parents_to_answer():
    def produce() -> Iterator[tuple[Any, ...]]:
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(os.getpid(), number)
            yield (int(number),)

    assert list(from_child(produce)) == [(15,), (2,)]


def test_the_parents_own_handlers_and_mask_are_as_before():
    def answer(number: int, frame: Any) -> None:
        answered.append(number)

    answered: list[int] = []
    before = signal.signal(signal.SIGTERM, answer)
    try:
        list(from_child(lambda: iter([(1,)])))
        os.kill(os.getpid(), signal.SIGTERM)
        assert answered == [signal.SIGTERM]
        assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())
    finally:
        signal.signal(signal.SIGTERM, before)
