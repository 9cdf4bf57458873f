"""Calls to the outside, made by threads of their own: handed over when their intents are durable, collected as they
come back."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import NamedTuple

from shopctl.kernel import logging
from shopctl.workflow.ports import Call, Done, Failed, Outcome, OutsideAction, Unknown, Waiting

LARGEST = 256 << 10  # characters of JSON that a step may leave behind
_TOGETHER = 0.003  # seconds: results that come this close to each other are committed together


class Result(NamedTuple):
    """What a call has led to."""

    run_id: str
    step: str
    generation: int
    outcome: Outcome


class Effects:
    """A pool of at most `threads` daemon threads, started as they are needed.

    Daemons, since a call that hangs must not keep the process: its outcome is unknown either way.
    """

    def __init__(self, threads: int) -> None:
        self._most = threads
        self._calls: SimpleQueue[tuple[OutsideAction, Call] | None] = SimpleQueue()
        self._results: SimpleQueue[Result] = SimpleQueue()
        self._threads = 0
        self.flying = 0

    def begin(self, calls: Sequence[tuple[OutsideAction, Call]]) -> None:
        """Make these calls, as threads get free."""
        self.flying += len(calls)
        for call in calls:
            self._calls.put(call)
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

    def close(self) -> None:
        """Let the idle threads end."""
        for _ in range(self._threads):
            self._calls.put(None)
        self._threads = 0

    def _work(self) -> None:
        while (job := self._calls.get()) is not None:
            action, call = job
            self._results.put(Result(call.run_id, call.step, call.generation, performed(action, call)))


def performed(action: OutsideAction, call: Call) -> Outcome:
    """What the action says; whatever it raises leaves open whether it had its effect."""
    try:
        return storable(action.perform(call))
    except Exception as error:
        with logging.identified(call.run_id):
            logging.error("an action failed", action=action.name, step=call.step, error=repr(error))
        return Unknown("workflow.action_error", f"{type(error).__name__} in the action {action.name}")


def storable(outcome: Outcome) -> Outcome:
    """The outcome, or a failure where what it brings is no JSON that every database can keep."""
    brought = outcome.output if isinstance(outcome, Done) else outcome.memo if isinstance(outcome, Waiting) else None
    if not brought:
        return outcome
    try:
        text = json.dumps(brought, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        return Failed("workflow.output_invalid", f"what the step brought is not JSON: {error}")
    if len(text) > LARGEST:
        return Failed("workflow.output_too_large", f"the step brought more than {LARGEST >> 10} thousand characters")
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\\u0000", "\ufffd")
    if whole == text:
        return outcome
    # PostgreSQL takes neither NUL nor half a character.
    return replace(outcome, **{"output" if isinstance(outcome, Done) else "memo": json.loads(whole)})
