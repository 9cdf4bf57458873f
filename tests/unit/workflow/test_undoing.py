"""Going backwards: nothing that may have had its effect is left standing, and nothing is undone twice."""

from __future__ import annotations

import pytest

from shopctl.workflow.model import NewRun
from shopctl.workflow.ports import Done, Failed, SubRuns, Unknown, Waiting
from support.stories import Story, step

NO = Failed("no", "no")
LATER = Failed("busy", "later", retryable=True)
LOST = Unknown("lost", "no answer")


def names(calls):
    return [f"{call.step}{' undo' if call.undoing else ''}" for call in calls]


def two(**more):
    """A step that charges and one beside it."""
    return Story(step("charge", needs=[], compensate="refund", **more), step("other", needs=[]))


def test_a_call_without_an_answer_is_asked_again_before_anything_is_undone():
    story = two()
    story.go()
    story.go(charge=LOST)
    assert story.go(other=NO) == []
    assert story.states()["charge"] == "retrying", "it may have had its effect"

    story.later(10)
    [again] = story.go()
    assert (again.step, again.repeated, again.undoing) == ("charge", True, False)
    assert names(story.go(charge=Done({"id": 7}))) == ["charge undo"]
    story.go(charge=Done())
    assert story.run.state == "failed"


def test_a_call_that_never_tells_is_undone_all_the_same():
    story = two(retry={"attempts": 1})
    story.go()
    story.go(charge=LOST)
    assert names(story.go(other=NO)) == ["charge undo"]


def test_what_was_refused_for_sure_is_not_undone():
    story = two()
    story.go()
    story.go(charge=LATER)
    assert story.go(other=NO) == []
    assert story.run.state == "failed"


def test_what_was_accepted_and_not_finished_is_undone():
    story = Story(step("order", compensate="withdraw"))
    story.go()
    story.go(order=Waiting(signal="shipped", memo={"poll": 1}))
    story.send("@cancel")

    [undo] = story.go()

    assert (undo.undoing, undo.memo) == (True, {"poll": 1}), "a compensation knows what was waited for"
    story.go(order=Done())
    assert story.run.state == "cancelled"


def test_what_was_accepted_and_never_answered_is_undone():
    story = Story(step("order", compensate="withdraw", wait="1h"))
    story.go()
    story.go(order=Waiting(signal="shipped"))
    story.later(3601)
    assert names(story.go()) == ["order undo"]


def test_what_waits_and_has_nothing_to_undo_is_let_be():
    story = Story(step("make", compensate="unmake"), step("approve"))
    story.go()
    story.go(make=Done())
    story.go(approve=Waiting(signal="approve"))
    story.send("@cancel")
    assert names(story.go()) == ["make undo"]


def test_the_latest_goes_first_also_where_its_outcome_is_not_known():
    story = Story(
        step("charge", compensate="refund"), step("ship", compensate="unship", retry={"attempts": 1}, on_failure="park")
    )
    story.go()
    story.go(charge=Done())
    story.go(ship=LOST)
    story.send("@cancel")
    assert names(story.go()) == ["ship undo"]
    assert names(story.go(ship=Done())) == ["charge undo"]


def test_a_compensation_that_was_interrupted_is_repeated_under_its_key_and_is_no_new_attempt():
    story = Story(step("make", compensate={"action": "unmake", "retry": {"attempts": 2}}), step("last"))
    story.go()
    story.go(make=Done())
    [first] = story.go(last=NO)
    assert not first.repeated
    for _ in range(3):
        story.claim()
        [again] = story.go()
        assert (again.key, again.repeated, again.attempt) == (first.key, True, 1)
    story.go(make=LATER)
    story.later(10)
    [second] = story.go()
    assert (second.key != first.key, second.repeated) == (True, False), "the first had no effect, for sure"


def test_a_compensation_that_must_not_be_repeated_is_left_to_an_operator():
    story = Story(step("make", compensate="unmake"), step("last"), repetitions={"unmake": "never"})
    story.go()
    story.go(make=Done())
    story.go(last=NO)
    story.claim()
    assert story.go() == []
    assert story.run.state == "parked"

    story.send("@retry")
    [again] = story.go()
    assert again.repeated
    story.go(make=LOST)
    assert story.run.state == "parked"


def test_a_compensation_is_not_repeated_under_a_key_that_may_be_forgotten():
    story = Story(step("make", compensate="unmake", key_lifetime="1h"), step("last"))
    story.go()
    story.go(make=Done())
    story.go(last=NO)
    story.later(3601)
    story.claim()
    assert story.go() == []
    assert (story.run.state, story.run.error["code"]) == ("parked", "workflow.key_expired")
    story.send("@retry")
    assert names(story.go()) == ["make undo"]


def test_a_compensation_hears_the_signal_it_waits_for_and_polls_are_no_attempts():
    story = Story(step("make", compensate={"action": "unmake", "retry": {"attempts": 2}}), step("last"))
    story.go()
    story.go(make=Done())
    story.go(last=NO)
    for _ in range(5):
        story.go(make=Waiting(seconds=1))
        story.later(1)
        [call] = story.go()
        assert (call.attempt, call.repeated) == (1, False)
    story.go(make=Waiting(signal="gone"))
    story.send("gone", at="noon")
    [told] = story.go()
    assert told.signal == {"at": "noon"}
    story.go(make=Done())
    assert story.run.state == "failed"


def bundle(**more):
    story = Story(step("parts", **more), step("last"))
    story.go()
    story.go(parts=SubRuns([NewRun("part", "test", name, {}, id=f"run_{name}") for name in "ab"]))
    return story


def test_a_parent_that_hears_of_one_part_goes_on_waiting_for_the_other():
    story = bundle()
    story.send("run:run_a", state="completed")
    story.send("run:run_b", state="completed")
    story.go()
    story.go(last=NO)
    assert [(sent.run_id, sent.name) for sent in story.sent] == [("run_a", "@undo"), ("run_b", "@undo")]

    story.send("run:run_a", state="cancelled")
    story.claim()
    assert story.go() == []
    assert story.run.state == "compensating"
    story.send("run:run_b", state="cancelled")
    story.go()
    assert story.run.state == "failed"


def test_a_part_that_completed_before_it_was_asked_to_undo_is_not_undone_yet():
    story = bundle()
    story.send("@cancel")
    story.go()
    story.send("run:run_a", state="completed")
    story.send("run:run_b", state="cancelled")
    story.go()
    assert story.run.state == "compensating"
    story.send("run:run_a", state="cancelled")
    story.go()
    assert story.run.state == "cancelled"


def test_only_the_parts_that_failed_are_tried_again():
    story = bundle(on_failure="park")
    story.send("run:run_a", state="completed")
    story.send("run:run_b", state="failed")
    story.go()
    assert story.run.state == "parked"
    story.send("@retry")
    assert story.go() == []
    assert [(sent.run_id, sent.name) for sent in story.sent] == [("run_b", "@retry")]
    story.send("run:run_b", state="completed")
    assert names(story.go()) == ["last"]


def test_a_part_that_is_stuck_in_its_undoing_takes_it_up_when_it_is_asked_to_undo():
    story = Story(step("make", compensate="unmake"), step("last"))
    story.go()
    story.go(make=Done())
    story.go(last=NO)
    story.go(make=NO)
    assert story.run.state == "parked"
    story.send("@undo")
    assert names(story.go()) == ["make undo"]


@pytest.mark.assure("R9")
@pytest.mark.parametrize("hours", [-48, -1, 1, 48])
def test_a_clock_that_jumps_repeats_nothing_under_a_key_that_may_be_forgotten(hours):
    story = Story(step("charge", compensate="refund"))
    [first] = story.go()
    story.later(hours * 3600)
    story.claim()
    calls = story.go()
    if abs(hours) > 24:
        assert calls == []
        assert story.run.state == "parked"
    else:
        assert [(call.key, call.repeated) for call in calls] == [(first.key, True)]
