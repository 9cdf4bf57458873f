"""Calls to the outside, made by threads: handed over when their intents are durable, collected as they come back."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Any, Literal, NamedTuple

from shopctl.kernel import logging
from shopctl.kernel.errors import ShopctlError
from shopctl.storage.unit import Unit
from shopctl.workflow.ports import (
    Call,
    Done,
    Failed,
    InsideAction,
    Outcome,
    OutsideAction,
    Repetition,
    Unknown,
    Waiting,
)

_dumps = json.JSONEncoder(allow_nan=False, ensure_ascii=False).encode

LARGEST = 256 << 10  # characters of JSON that a step may leave behind
_TOGETHER = 0.003  # seconds: results that come this close to each other are committed together


class Job(NamedTuple):
    """A call that is to be made for the holder of a run's fence."""

    action: OutsideAction
    call: Call
    fence: int
    downstream: str | None = None


class Result(NamedTuple):
    """What a call has led to; no outcome where it was not made."""

    job: Job
    outcome: Outcome | None


class Effects:
    """A pool of at most `threads` daemon threads, started as they are needed.

    Daemons, since a call that hangs must not keep the process: its outcome is unknown either way.
    """

    def __init__(self, threads: int) -> None:
        self._most = threads
        self._calls: SimpleQueue[Job | None] = SimpleQueue()
        self._results: SimpleQueue[Result] = SimpleQueue()
        self._threads = 0
        self.flying = 0
        self.until = 0.0  # of the monotonic clock: later no call may begin, as somebody else may hold its run

    def begin(self, jobs: Sequence[Job]) -> None:
        """Make these calls, as threads get free."""
        self.flying += len(jobs)
        for job in jobs:
            self._calls.put(job)
        while self._threads < min(self._most, self.flying):
            self._threads += 1
            threading.Thread(target=self._work, name=f"effect-{self._threads}", daemon=True).start()

    def collect(self, seconds: float) -> list[Result]:
        """What came back, waiting at most so long for the first; those that follow at once come along."""
        results: list[Result] = []
        if not self.flying:
            return results
        try:
            results.append(self._results.get(timeout=seconds) if seconds > 0 else self._results.get_nowait())
        except Empty:
            return results
        deadline = time.monotonic() + _TOGETHER
        while len(results) < self.flying:
            try:
                results.append(self._results.get(timeout=max(0.0, deadline - time.monotonic())))
            except Empty:
                break
        self.flying -= len(results)
        return results

    def withdraw(self) -> None:
        """Calls that no thread has begun come back without an outcome."""
        while True:
            try:
                job = self._calls.get_nowait()
            except Empty:
                return
            if job is not None:
                self._results.put(Result(job, None))

    def close(self) -> None:
        """Let the idle threads end."""
        for _ in range(self._threads):
            self._calls.put(None)
        self._threads = 0

    def _work(self) -> None:
        while (job := self._calls.get()) is not None:
            # A process that was stopped for long must not call for a run that somebody else has taken over.
            made = time.monotonic() < self.until
            self._results.put(Result(job, performed(job.action, job.call) if made else None))


def performed(action: OutsideAction, call: Call) -> Outcome:
    """What the action says; whatever it raises leaves open whether it had its effect."""
    try:
        return storable(action.perform(call))
    except Exception as error:
        with logging.identified(call.run_id):
            logging.error("an action failed", action=action.name, step=call.step, error=repr(error))
        return Unknown("workflow.action_error", f"{type(error).__name__} in the action {action.name}")


def performed_inside(unit: Unit, action: Any, call: Call) -> Outcome:
    """What the action says, having written to the database; where it raises nothing of that stays.

    Raises what the database says when it can take nothing at all.
    """
    performing: InsideAction = action
    unit.execute("savepoint action")
    try:
        outcome = storable(performing.perform(unit, call))
    except Exception as error:
        if isinstance(error, ShopctlError):
            if error.retryable and error.code.startswith("storage."):
                raise
            outcome = Failed(error.code, str(error), error.retryable)
        else:
            logging.error("an action failed", run=call.run_id, action=action.name, step=call.step, error=repr(error))
            outcome = Failed("workflow.action_error", f"{type(error).__name__} in the action {action.name}")
        unit.execute("rollback to savepoint action")
    unit.execute("release savepoint action")
    return outcome


class Missing:
    """Stands in for an action that is not there (any more): a step that calls it fails."""

    place: Literal["outside"] = "outside"
    repetition: Repetition = "keyed"

    def __init__(self, name: str) -> None:
        self.name = name

    def problems(self, values: Mapping[str, Any]) -> list[str]:
        """See `Action`."""
        return []

    def perform(self, call: Call) -> Outcome:
        """See `OutsideAction`."""
        return Failed("workflow.action_missing", f"there is no action {self.name!r}")


def storable(outcome: Outcome) -> Outcome:
    """The outcome, or a failure where what it brings is no JSON that every database can keep."""
    brought = outcome.output if isinstance(outcome, Done) else outcome.memo if isinstance(outcome, Waiting) else None
    if not brought:
        return outcome
    try:
        text = _dumps(brought)
    except (TypeError, ValueError) as error:
        return Failed("workflow.output_invalid", f"what the step brought is not JSON: {error}")
    if len(text) > LARGEST:
        return Failed("workflow.output_too_large", f"the step brought more than {LARGEST >> 10} thousand characters")
    if text.isascii() and "\\u0000" not in text:
        return outcome
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\\u0000", "\ufffd")
    if whole == text:
        return outcome
    # PostgreSQL takes neither NUL nor half a character.
    return replace(outcome, **{"output" if isinstance(outcome, Done) else "memo": json.loads(whole)})
