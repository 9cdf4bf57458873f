"""Work that goes on in a thread of its own until somebody wants to have it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Generic, TypeVar

Result = TypeVar("Result")


class _Aside(Thread, Generic[Result]):
    def __init__(self, work: Callable[[], Result]) -> None:
        super().__init__()
        self._work = work
        self._result: list[Result] = []
        self._problem: BaseException | None = None

    def run(self) -> None:
        try:
            self._result.append(self._work())
        except BaseException as problem:  # raised where it is waited for
            self._problem = problem

    def wait(self) -> Result:
        self.join()
        if self._problem is not None:
            raise self._problem
        return self._result[0]


def begun(work: Callable[[], Result]) -> Callable[[], Result]:
    """Begin some work now; what is returned waits for its end, and returns or raises what the work did."""
    aside = _Aside(work)
    aside.start()
    return aside.wait
