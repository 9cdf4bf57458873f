"""The action `message`: publishes an event, and waits for the answer that names it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from shopctl.provisioning.actions.outcomes import fit
from shopctl.provisioning.actions.publishing import Publish
from shopctl.workflow.ports import Call, Done, Failed, Outcome, Waiting
from shopctl.workflow.step_values import StepValues

if TYPE_CHECKING:
    from shopctl.storage.unit import Unit

_TYPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


def answer_signal(key: str) -> str:
    """The name of the signal that answers the message of one call."""
    return f"answer:{key}"


class MessageAction:
    """`with = { type = "warehouse.pick_asked", subject, payload, answer = true }`.

    The event's payload is {"run_id", "step", "answer_to", "data"}. Who answers sends the run the signal `answer:` +
    `answer_to` with an object, which becomes {"event_id", "answer"}; one with an "error" (a text, or {"code",
    "message", "retryable"}) fails the step. With `answer = false` the step has passed once the event is written.
    """

    name = "message"
    place: Literal["inside"] = "inside"

    def __init__(self, publish: Publish) -> None:
        self._publish = publish

    def problems(self, values: Mapping[str, Any]) -> list[str]:
        """See `Action`."""
        return _read(values, written=True)[1]

    def perform(self, unit: Unit, call: Call) -> Outcome:
        """See `InsideAction`."""
        read, problems = _read(call.values)
        if problems:
            return Failed("message.with", fit("; ".join(problems)))
        event_id = call.memo.get("event_id")
        if event_id is None:
            payload = {"run_id": call.run_id, "step": call.step, "answer_to": call.key, "data": read["payload"]}
            event_id = self._publish(unit, read["type"], read["subject"] or call.run_id, payload)
            if not read["answer"]:
                return Done({"event_id": event_id})
        if call.signal is None:
            return Waiting(signal=answer_signal(call.key), memo={"event_id": event_id})
        error = call.signal.get("error")
        if error:
            return _failed(error)
        return Done({"event_id": event_id, "answer": dict(call.signal)})


def _read(values: Mapping[str, Any], *, written: bool = False) -> tuple[dict[str, Any], list[str]]:
    read = StepValues(values, written=written)
    type_ = read.text("type", needed=True)
    if type_ and not (written and "${" in type_) and not _TYPE.fullmatch(type_):
        read.wrong("type", "must be a noun and what happened, such as warehouse.pick_asked")
    found = {
        "type": type_,
        "subject": read.text("subject"),
        "payload": read.data("payload", {}),
        "answer": read.flag("answer", True),
    }
    read.end()
    return found, read.problems


def _failed(error: Any) -> Failed:
    table: Mapping[str, Any] = error if isinstance(error, Mapping) else {"message": error}
    code = re.sub(r"[^a-z0-9_.]", "_", str(table.get("code") or "refused").lower())[:60]
    return Failed(f"message.{code}", fit(str(table.get("message") or code)), table.get("retryable") is True)
