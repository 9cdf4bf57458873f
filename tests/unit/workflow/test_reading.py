"""Definitions from TOML: what they say, and what is wrong with them, by line and column."""

from __future__ import annotations

from typing import Any

import pytest

from shopctl.workflow.definition import Definition
from shopctl.workflow.errors import NotToml
from shopctl.workflow.reading import examined, loads, located
from shopctl.workflow.toml_places import place_of, places

GOOD = """
name = "story"
[[steps]]
name = "first"
action = "http"
timeout = "5s"
retry = { attempts = 3, initial = "10s", wait = "fixed", jitter = 0 }
[[steps]]
name = "second"
action = "command"
needs = []
[[steps]]
name = "third"
action = "http"
needs = ["second", "first"]
compensate = { action = "http", with = { id = "${steps.first.id}" } }
"""


def read(text: str) -> Definition:
    definition, problems = examined(loads(text, "story.toml"))
    assert not problems
    assert definition is not None
    return definition


def faults(text: str) -> list[dict[str, Any]]:
    _, problems = examined(loads(text, "story.toml"))
    return located(problems, text, "story.toml").problems if problems else []


def test_a_definition_says_what_its_file_says() -> None:
    story = read(GOOD)

    first, second, third = story.steps
    assert (first.seconds, first.retry.attempts, first.retry.seconds(2)) == (5.0, 3, 10.0)
    assert second.needs == ()
    assert third.needs == ("second", "first")
    assert third.compensation is not None
    assert third.compensation.values({"steps": {"first": {"id": 7}}}) == {"id": 7}


def test_a_step_comes_after_the_one_above_it_unless_it_says_what_it_needs() -> None:
    story = read('name = "s"\n[[steps]]\nname = "a"\naction = "x"\n[[steps]]\nname = "b"\naction = "x"\n')

    assert story.by_name["b"].needs == ("a",)


def test_the_same_definition_has_the_same_body_however_it_is_laid_out() -> None:
    assert read(GOOD).body == read("# a comment\n" + GOOD.replace("\n[[", "\n\n[[")).body


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ('name = "s"\n', 1, 1, "at least one [[steps]]"),
        ('[[steps]]\nname = "a"\naction = "x"\n', 1, 1, "`name` is needed"),
        ('name = "s"\n[[steps]]\nname = "a"\n', 2, 1, "names no `action`"),
        ('name = "s"\n[[steps]]\nname = "a"\n  acton = "x"\naction = "y"\n', 4, 3, "no key 'acton'"),
        ('name = "s"\n[[steps]]\nname = "a"\naction = "x"\ntimeout = "soon"\n', 5, 1, "number of seconds"),
        ('name = "s"\n[[steps]]\nname = "a"\naction = "x"\nneeds = ["b"]\n', 5, 1, "needs 'b'"),
        ('name = "s"\n[[steps]]\nname = "a"\naction = "x"\nwhen = "a ="\n', 5, 1, "not an expression"),
        ('name = "s"\n[[steps]]\nname = "a"\naction = "x"\nretry = { attempts = 0 }\n', 5, 1, "whole number"),
        ('name = "s"\n[[steps]]\nname = "a"\naction = "x"\non_failure = "shrug"\n', 5, 1, "one of: compensate"),
        ('name = "s"\n[[steps]]\nname = "a"\naction = "x"\ndownstream = "far"\n', 5, 1, "[downstreams.far]"),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_column(text: str, line: int, column: int, says: str) -> None:
    [found] = faults(text)

    assert (found["line"], found["column"]) == (line, column)
    assert says in found["message"]


def test_a_cycle_is_named_step_by_step() -> None:
    text = 'name = "s"\n' + "".join(
        f'[[steps]]\nname = "{name}"\naction = "x"\nneeds = ["{need}"]\n' for name, need in ("ab", "bc", "ca")
    )

    [found] = faults(text)

    assert "a -> b -> c -> a" in found["message"]


def test_a_text_that_is_no_toml_is_refused_with_its_place() -> None:
    with pytest.raises(NotToml, match="line 2, column"):
        loads('name = "s"\n[[steps]\n', "story.toml")


def test_places_are_those_of_tables_arrays_and_keys_also_after_long_values() -> None:
    text = 'a = """\nb = 1\n"""\n[[steps]]\nname = "x"\n[steps.with]\n"odd key" = [\n  1,\n]\n[[steps]]\n  name = "y"\n'

    known = places(text)

    assert known[("a",)] == (1, 1)
    assert ("b",) not in known
    assert known[("steps", 0, "with", "odd key")] == (7, 1)
    assert known[("steps", 1, "name")] == (11, 3)
    assert place_of(("steps", 1, "retry", "attempts"), known) == (10, 1)
