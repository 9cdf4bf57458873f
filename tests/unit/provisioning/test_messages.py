"""Events that steps publish: a message waits for the answer that names it, a notification is only asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from shopctl.provisioning.actions.message import MessageAction
from shopctl.provisioning.actions.notify import NotifyAction
from shopctl.workflow.ports import Done, Failed, Waiting
from support.calls import call

NOBODY: Any = None  # the unit that `publish` is handed


class Outbox:
    def __init__(self) -> None:
        self.events: list[tuple[str, str, Mapping[str, Any]]] = []

    def __call__(self, unit: Any, type_: str, subject: str, payload: Mapping[str, Any]) -> str:
        self.events.append((type_, subject, payload))
        return f"evt_{len(self.events)}"


ASKED = {"type": "warehouse.pick_asked", "subject": "MUG-1", "payload": {"quantity": 2}}


def test_a_message_is_published_once_and_waits_for_its_answer():
    outbox = Outbox()
    action = MessageAction(outbox)

    waiting = action.perform(NOBODY, call(ASKED))

    assert waiting == Waiting(signal="answer:run_1.create.1", memo={"event_id": "evt_1"})
    assert outbox.events == [
        ("warehouse.pick_asked", "MUG-1",
         {"run_id": "run_1", "step": "create", "answer_to": "run_1.create.1", "data": {"quantity": 2}})
    ]  # fmt: skip
    assert action.perform(NOBODY, call(ASKED, memo=waiting.memo)) == waiting
    answered = action.perform(NOBODY, call(ASKED, memo=waiting.memo, signal={"shelf": 3}))
    assert answered == Done({"event_id": "evt_1", "answer": {"shelf": 3}})
    assert len(outbox.events) == 1


@pytest.mark.parametrize(
    ("error", "failed"),
    [("none left", Failed("message.refused", "none left")),
     ({"code": "No Stock!", "message": "none", "retryable": True}, Failed("message.no_stock_", "none", retryable=True)),
     ({"code": "closed"}, Failed("message.closed", "closed"))],
)  # fmt: skip
def test_an_answer_with_an_error_fails_the_step(error, failed):
    assert (
        MessageAction(Outbox()).perform(NOBODY, call(ASKED, memo={"event_id": "e"}, signal={"error": error})) == failed
    )


def test_a_message_that_wants_no_answer_is_done_at_once():
    assert MessageAction(Outbox()).perform(NOBODY, call({**ASKED, "answer": False})) == Done({"event_id": "evt_1"})


def test_a_notification_is_asked_for_by_an_event():
    outbox = Outbox()
    values = {"template": "shipped", "customer": "cus_1", "facts": {"tracking": "T1"}}

    assert NotifyAction(outbox).perform(NOBODY, call(values)) == Done({"event_id": "evt_1"})
    assert outbox.events == [
        ("notification.requested", "cus_1", {**values, "run_id": "run_1", "step": "create", "key": "run_1.create.1"})
    ]


@pytest.mark.parametrize(
    ("action", "values", "problem"),
    [(MessageAction, {}, "type is missing"), (MessageAction, {"type": "Pick it"}, "type must be a noun"),
     (MessageAction, {"type": "a.b", "answer": "no"}, "answer must be true"),
     (NotifyAction, {"template": "x"}, "customer is missing"),
     (NotifyAction, {"template": "x", "customer": "c", "facts": [1]}, "facts must be a table")],
)  # fmt: skip
def test_a_fault_is_named_in_a_definition_and_fails_a_step(action, values, problem):
    outbox = Outbox()
    assert any(problem in line for line in action(outbox).problems(values))
    assert isinstance(action(outbox).perform(NOBODY, call(values)), Failed)
    assert outbox.events == []
