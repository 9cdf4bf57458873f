"""Answers that other systems bring later, on both databases: each has one effect, and only for who waits."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import Any

import pytest

from contract.conftest import Turned
from contract.workflow.test_runner import Bench, step
from shopctl.storage.database import Database, open_database
from shopctl.workflow.answering import WAITING, CallbackService, NobodyWaits, TooManyAnswers
from shopctl.workflow.callbacks import CallbackRefused, CallbackSigner, callback_signal
from shopctl.workflow.errors import RunNotFound
from shopctl.workflow.ports import Call, Done, Failed, Outcome, Waiting


class Story:
    """A run of one step that calls and then waits for the answer; the token that went out with the call."""

    def __init__(self, database: Database, clock: Turned, url: str) -> None:
        self.bench = Bench(database, clock, url)
        self.signer = CallbackSigner(lambda: b"k" * 32, "https://shop.example", clock)
        self.service = CallbackService(database, clock)
        self.heard: list[Any] = []
        self.wants = 1
        self.bench.action("call", self._perform)
        self.run = self.bench.start(step("call", wait="1h"))

    @property
    def token(self) -> str:
        return self.token_of(1)

    def token_of(self, generation: int) -> str:
        return self.signer.url(self.run, "call", generation).rpartition("/")[2]

    def take(self, body: Any, token: str | None = None) -> str:
        return self.service.take(self.signer.read(token or self.token), body, {"user-agent": "test"})

    def state(self) -> str:
        return self.bench.run(self.run).state

    def _perform(self, call: Call) -> Outcome:
        if call.signal is not None:
            self.heard.append(call.signal)
        if len(self.heard) < self.wants:
            return Waiting(callback_signal(call.step, call.generation))
        return Done()


@pytest.fixture
def story(database: Database, turned: Turned, database_url: str) -> Story:
    return Story(database, turned, database_url)


def test_an_answer_wakes_the_step_that_waits(story: Story) -> None:
    story.bench.work()
    assert story.state() == "waiting"

    assert story.take({"state": "ready"}) == "accepted"
    story.bench.work()

    assert story.state() == "completed"
    assert story.heard == [{"body": {"state": "ready"}, "headers": {"user-agent": "test"}}]


def test_the_same_answer_twice_has_one_effect(story: Story) -> None:
    story.bench.work()

    before = [story.take({"n": 1}), story.take({"n": 1})]
    story.bench.work()
    after = story.take({"n": 1})

    assert (before, after) == (["accepted", "known"], "known")
    assert len(story.heard) == 1
    with story.bench.database.read() as unit:
        assert unit.value("select count(*) from workflow_signal") == 0


def test_an_answer_that_comes_before_the_step_waits_is_kept(story: Story) -> None:
    assert story.take("early") == "accepted"

    story.bench.work()

    assert story.state() == "completed"
    assert [heard["body"] for heard in story.heard] == ["early"]


def test_further_answers_are_heard_too_and_are_bounded(story: Story) -> None:
    story.wants = 2
    story.bench.work()

    assert [story.take(body) for body in ("half", "done")] == ["accepted", "accepted"]
    story.bench.work()

    assert [heard["body"] for heard in story.heard] == ["half", "done"]
    assert story.state() == "completed"


def test_a_box_that_nobody_empties_gets_full(story: Story) -> None:
    story.bench.work()

    for number in range(WAITING):
        story.take(number)

    with pytest.raises(TooManyAnswers):
        story.take("more")
    assert story.take(0) == "known"


def test_what_was_not_signed_here_changes_nothing(story: Story) -> None:
    story.bench.work()
    other = CallbackSigner(lambda: b"x" * 32, "https://shop.example", story.bench.clock)

    for token in ("", "c1.x.y", story.token[:-2], other.url(story.run, "call", 1).rpartition("/")[2]):
        with pytest.raises(CallbackRefused):
            story.signer.read(token)
    with pytest.raises(RunNotFound):
        story.take(None, story.signer.url("run_none", "call", 1).rpartition("/")[2])

    assert story.bench.run(story.run).signals == 0


def test_a_run_that_failed_wants_no_answer(story: Story) -> None:
    story.bench.action("call", Failed("http.422", "no"))
    story.bench.work()

    with pytest.raises(NobodyWaits):
        story.take("late")


def test_an_answer_to_a_call_that_was_given_up_changes_nothing(story: Story) -> None:
    story.bench.action("call", Failed("http.503", "later", retryable=True))
    story.bench.work()

    assert story.take("late") == "known"
    assert story.take("in time", story.token_of(2)) == "accepted"


def test_many_that_bring_the_same_at_once_are_one(story: Story, database_url: str) -> None:
    story.bench.work()
    taken: list[str] = []

    def bring() -> None:
        with closing(open_database(database_url)) as database:
            taken.append(CallbackService(database, story.bench.clock).take(story.signer.read(story.token), "x", {}))

    threads = [threading.Thread(target=bring) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(taken) == ["accepted", *["known"] * 5]
