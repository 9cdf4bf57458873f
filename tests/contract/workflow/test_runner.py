"""The runner on both databases: steps in their order, retries, signals, sub-runs, compensations."""

from __future__ import annotations

import pytest

from shopctl.storage import marks
from shopctl.workflow import queries
from shopctl.workflow.model import NewRun
from shopctl.workflow.ports import Call, Done, Failed, Outcome, SubRuns, Unknown, Waiting
from shopctl.workflow.reading import read_definition
from shopctl.workflow.runner import Runner
from shopctl.workflow.starting import keep
from support.stories import step
from support.workbench import Bench


def test_steps_run_one_after_the_other_and_see_what_came_before(bench: Bench) -> None:
    first = bench.action("first", Done({"number": 7}))
    second = bench.action("second")
    run = bench.start(step("first"), step("second", **{"with": {"n": "${steps.first.number}", "to": "${input.to}"}}),
                      input={"to": "Ada"})  # fmt: skip

    bench.work()

    assert bench.run(run).state == "completed"
    assert second.calls[0].values == {"n": 7, "to": "Ada"}
    assert first.calls[0].key != second.calls[0].key
    assert bench.events(run) == ["run.started", "step.succeeded first", "step.succeeded second", "run.completed"]


def test_a_step_that_does_not_apply_is_skipped(bench: Bench) -> None:
    wrap = bench.action("wrap")
    bench.action("ship")
    run = bench.start(step("wrap", when="input.gift"), step("ship"), input={"gift": False})

    bench.work()

    assert bench.run(run).state == "completed"
    assert not wrap.calls


def test_a_retryable_failure_is_tried_again_under_a_new_key_when_it_is_due(bench: Bench) -> None:
    call = bench.action("call", Failed("http.429", "too many", retryable=True), Done())
    run = bench.start(step("call", retry={"initial": 10, "jitter": 0}))

    runner = bench.work()

    assert runner.tally.rescheduled == 1
    assert bench.run(run).state == "waiting"
    bench.later(9)
    bench.work()
    assert len(call.calls) == 1
    bench.later(2)
    bench.work()
    assert bench.run(run).state == "completed"
    assert call.calls[0].key != call.calls[1].key
    assert not call.calls[1].repeated


def test_an_unknown_outcome_is_repeated_under_the_same_key(bench: Bench) -> None:
    call = bench.action("call", Unknown("http.timeout", "no answer"), Done())
    run = bench.start(step("call"))

    bench.work()
    bench.later(10)
    bench.work()

    assert bench.run(run).state == "completed"
    assert call.calls[0].key == call.calls[1].key
    assert call.calls[1].repeated


def test_an_unknown_outcome_older_than_the_key_is_left_to_an_operator(bench: Bench) -> None:
    call = bench.action("call", Unknown("http.timeout", "no answer"), Done())
    run = bench.start(step("call", key_lifetime="1h"))
    bench.work()

    bench.later(3601)
    bench.work()

    assert len(call.calls) == 1
    assert bench.run(run).state == "parked"
    assert bench.run(run).steps["call"].state == "unknown"


def test_what_must_not_be_repeated_parks_and_an_operator_skips_it(bench: Bench) -> None:
    bench.action("call", Unknown("command.killed", "who knows"), repetition="never")
    after = bench.action("after")
    run = bench.start(step("call"), step("after"))
    bench.work()
    assert bench.run(run).state == "parked"
    assert not after.calls

    bench.send(run, "@skip", step="call", by="ada")
    bench.work()

    assert bench.run(run).state == "completed"


def test_what_passed_is_undone_in_reverse_when_a_step_fails_for_good(bench: Bench) -> None:
    undone: list[str] = []
    bench.action("do", Done({"id": "x"}))
    bench.action("undo", lambda call: undone.append(call.step) or Done())
    bench.action("break", Failed("http.422", "no such address"))
    run = bench.start(
        step("one", "do", compensate={"action": "undo", "with": {"id": "${steps.one.id}"}}),
        step("two", "do", compensate="undo"),
        step("three", "do"),
        step("four", "break"),
    )

    runner = bench.work()

    assert bench.run(run).state == "failed"
    assert undone == ["two", "one"]
    assert bench.actions["undo"].calls[1].values == {"id": "x"}
    assert bench.run(run).error == {"step": "four", "code": "http.422", "message": "no such address"}
    assert runner.tally.failed == 1


def test_a_failed_run_is_retried_from_what_was_undone(bench: Bench) -> None:
    make = bench.action("make")
    bench.action("undo")
    bench.action("break", Failed("http.422", "no"), Done())
    run = bench.start(step("make", compensate="undo"), step("break"))
    bench.work()
    assert bench.run(run).state == "failed"

    bench.send(run, "@retry")
    bench.work()

    assert bench.run(run).state == "completed"
    assert len({call.key for call in make.calls}) == 2


@pytest.mark.assure("R20")
def test_a_compensation_that_fails_five_times_parks_the_run_and_is_never_called_done(bench: Bench) -> None:
    bench.action("make")
    undo = bench.action("undo", *[Failed("http.500", "broken", retryable=True)] * 5, Done())
    bench.action("break", Failed("http.422", "no"))
    run = bench.start(step("make", compensate="undo"), step("break"))

    for _ in range(6):
        bench.work()
        bench.later(3600)

    assert len(undo.calls) == 5
    assert bench.run(run).state == "parked"
    assert bench.run(run).steps["make"].state == "undoing"
    assert bench.events(run)[-2:] == ["step.undo_failed make", "run.parked"]
    cause = {"step": "break", "code": "http.422", "message": "no"}
    stuck = {"step": "make", "undo": True, "code": "http.500", "message": "broken", "cause": cause}
    assert bench.run(run).error == stuck
    bench.send(run, "@retry")
    bench.work()
    assert bench.run(run).state == "failed"
    assert bench.run(run).steps["make"].state == "undone"
    assert bench.run(run).error == cause


def test_a_step_waits_for_its_signal_also_for_one_that_came_before(bench: Bench) -> None:
    def approval(call: Call) -> Outcome:
        return Waiting(signal="approve") if call.signal is None else Done({"by": call.signal["by"]})

    bench.action("approve", approval)
    early = bench.start(step("approve"))
    late = bench.start(step("approve"))
    bench.send(early, "approve", by="ada")

    bench.work()
    assert bench.run(early).state == "completed"
    assert bench.run(late).state == "waiting"
    bench.send(late, "approve", by="bob")
    bench.work()

    assert bench.run(late).steps["approve"].output == {"by": "bob"}
    with bench.database.read() as unit:
        assert unit.value("select count(*) from workflow_signal") == 0


def test_a_wait_that_is_over_fails_the_step(bench: Bench) -> None:
    bench.action("approve", Waiting(signal="approve"))
    run = bench.start(step("approve", wait="1h"))
    bench.work()

    bench.later(3601)
    bench.work()

    assert bench.run(run).state == "failed"
    assert bench.run(run).error == {
        "step": "approve", "code": "workflow.wait_over", "message": "nothing came within 3600 seconds",
    }  # fmt: skip


def test_steps_that_do_not_need_each_other_run_at_once(bench: Bench) -> None:
    import threading

    together = threading.Barrier(2, timeout=10)

    def both(call: Call) -> Outcome:
        together.wait()
        return Done()

    bench.action("left", both)
    bench.action("right", both)
    bench.action("join")
    run = bench.start(step("left", needs=[]), step("right", needs=[]), step("join", needs=["left", "right"]))

    bench.work()

    assert bench.run(run).state == "completed"


def test_a_cancelled_run_is_undone(bench: Bench) -> None:
    bench.action("make")
    undo = bench.action("undo")
    bench.action("approve", Waiting(signal="approve"))
    run = bench.start(step("make", compensate="undo"), step("approve"))
    bench.work()

    bench.send(run, "@cancel", by="ada")
    bench.work()

    assert bench.run(run).state == "cancelled"
    assert len(undo.calls) == 1


def test_a_look_at_what_was_accepted_outlives_the_key(bench: Bench) -> None:
    order = bench.action(
        "order", Waiting(seconds=7200, memo={"order": 7}), Unknown("http.timeout", "no answer"), Done()
    )
    run = bench.start(step("order", key_lifetime="1h"))
    bench.work()

    for _ in range(2):
        bench.later(7200)
        bench.work()

    assert bench.run(run).state == "completed"
    assert len(order.calls) == 3


def test_sub_runs_are_waited_for_and_undone_with_their_parent(bench: Bench) -> None:
    bench.action("make")
    undo = bench.action("undo")
    bench.start(step("make", compensate="undo"))  # keeps version 1 of the story, which the parts follow
    bench.action("parts", SubRuns([NewRun("part", "test", "a", {}), NewRun("part", "test", "b", {})]))
    bench.action("last", Failed("http.422", "no"))
    with bench.database.unit() as unit:
        keep(unit, read_definition({"name": "part", "steps": [step("make", compensate="undo")]}), now=bench.clock.now())
    run = bench.start(step("parts"), step("last"))

    bench.work()

    assert bench.run(run).state == "failed"
    with bench.database.read() as unit:
        parts = unit.tuples("select state from workflow_run where parent = :run", run=run)
    assert parts == [("cancelled",), ("cancelled",)]
    assert len(undo.calls) == 2


def test_a_call_on_its_way_when_the_worker_died_is_repeated_under_its_key(bench: Bench) -> None:
    call = bench.action("call")
    run = bench.start(step("call"))
    with bench.database.unit() as unit:
        found = queries.claim(unit, worker="dead", now=bench.clock.now(), until=bench.clock.now() + 30_000_000, limit=1)
    runner = Runner(bench.database, bench.clock, bench.actions, {})
    with bench.database.unit() as unit:
        progress = runner._progress(unit, found[0])
        progress.forward(bench.clock.now())
        queries.save(
            unit, [(found[0], "call", queries.KEPT)], now=bench.clock.now(), until=bench.clock.now() + 30_000_000
        )

    bench.work()
    assert not call.calls
    bench.later(31)
    bench.work()

    assert bench.run(run).state == "completed"
    assert [(c.key, c.repeated) for c in call.calls] == [(progress.calls[0].key, True)]


@pytest.mark.assure("R7")
def test_a_worker_that_slept_past_its_lease_writes_nothing(bench: Bench) -> None:
    bench.action("call")
    run = bench.start(step("call"))
    with bench.database.unit() as unit:
        stale = queries.claim(unit, worker="slow", now=bench.clock.now(), until=bench.clock.now() + 1, limit=1)
    bench.later(1)
    bench.work()

    with bench.database.unit() as unit:
        assert queries.save(unit, [(stale[0], None, None)], now=0, until=0) == []
    assert bench.run(run).state == "completed"


def test_what_no_database_can_keep_is_cleaned_or_refused(bench: Bench) -> None:
    bench.action("odd", Done({"text": "a\0b\ud800"}))
    bench.action("worse", Done({"when": object()}))
    odd, worse = bench.start(step("odd")), bench.start(step("worse"))

    bench.work()

    assert bench.run(odd).steps["odd"].output == {"text": "a\ufffdb\ufffd"}
    assert bench.run(worse).error == {
        "step": "worse", "code": "workflow.output_invalid",
        "message": "what the step brought is not JSON: Object of type object is not JSON serializable",
    }  # fmt: skip


def test_nothing_is_begun_while_the_shop_is_paused(bench: Bench) -> None:
    bench.action("call")
    run = bench.start(step("call"))
    with bench.database.unit() as unit:
        marks.pause(unit, bench.clock.now(), {})

    runner = bench.work()

    assert runner.paused
    assert (runner.tally.claimed, runner.tally.remaining) == (0, 1)
    with bench.database.unit() as unit:
        marks.resume(unit)
    bench.work()
    assert bench.run(run).state == "completed"
