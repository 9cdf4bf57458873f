"""Work aside goes on beside its caller, and ends as it would have ended there."""

from __future__ import annotations

from threading import Event

import pytest

from shopctl.catalogue.engines.aside import begun


def test_work_goes_on_until_somebody_waits_for_it():
    going_on, may_end = Event(), Event()

    def work() -> str:
        going_on.set()
        may_end.wait(10)
        return "done"

    wait = begun(work)

    assert going_on.wait(10), "nobody had to wait for it to begin"
    may_end.set()
    assert wait() == "done"
    assert wait() == "done"


def test_a_problem_is_raised_where_the_work_is_waited_for():
    wait = begun(lambda: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        wait()
