"""Going forwards: what is asked for, again or not, and what operators want."""

from __future__ import annotations

from shopctl.workflow.ports import Done, Failed, Unknown, Waiting
from support.stories import Story, step

LOST = Unknown("lost", "no answer")


def test_an_expression_that_meets_what_it_was_not_written_for_fails_its_step():
    story = Story(step("make", compensate="unmake"), step("count", **{"with": {"n": "${length(input.n)}"}}), n=7)
    story.go()
    [undo] = story.go(make=Done())
    assert undo.undoing
    assert story.run.error["code"] == "workflow.expression"


def test_a_condition_that_cannot_be_told_fails_its_step():
    story = Story(step("count", when="length(input.n) > `1`"), n=7)
    story.go()
    assert (story.run.state, story.run.error["step"]) == ("failed", "count")


def test_a_lost_call_that_an_operator_wants_again_is_known_to_be_a_repetition():
    story = Story(step("call", retry={"attempts": 1}))
    [first] = story.go()
    story.go(call=LOST)
    assert story.run.state == "parked"
    story.send("@retry")
    [again] = story.go()
    assert (again.key, again.repeated) == (first.key, True)


def test_a_call_that_was_not_made_is_made_by_the_next_worker_and_has_no_history():
    story = Story(step("call"), repetitions={"call": "never"})
    [first] = story.go()
    story.progress.withdrawn(first, story.now)
    story.claim()
    [again] = story.go()
    assert again == first


def test_a_poll_that_was_not_made_waits_on():
    story = Story(step("call"), repetitions={"call": "never"})
    story.go()
    story.go(call=Waiting(seconds=5, memo={"id": 1}))
    story.later(5)
    [poll] = story.go()
    story.progress.withdrawn(poll, story.now)
    story.claim()
    [again] = story.go()
    assert again == poll


def test_a_poll_of_no_length_takes_a_moment_all_the_same():
    story = Story(step("call"))
    story.go()
    assert story.go(call=Waiting(seconds=0)) == [], "an action inside of the database would be called for ever"


def test_a_downstream_at_its_limit_is_not_asked_for_what_is_not_called():
    story = Story(step("call", downstream="bank", **{"with": {"n": "${length(input.n)}"}}), n=7)  # fmt: skip
    story.go()
    assert story.asked == []


def test_a_run_that_goes_backwards_is_not_looked_at_for_the_moments_of_other_steps():
    story = Story(step("slow", needs=[]), step("soon", needs=[]), step("bad", needs=[]))
    story.go()
    story.go(soon=Failed("busy", "later", retryable=True))
    story.go(bad=Failed("no", "no"))
    story.later(60)
    story.go()
    assert story.progress.next_at is None
