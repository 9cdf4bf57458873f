"""Pictures of definitions, and what is found wrong before they run."""

from __future__ import annotations

from typing import Any

from shopctl.workflow.checking import findings
from shopctl.workflow.drawing import drawing, mermaid
from shopctl.workflow.reading import read_definition

STORY = read_definition(
    {
        "name": "story",
        "steps": [
            {"name": "pack", "action": "pack", "compensate": "unpack"},
            {"name": "bill", "action": "bill", "needs": [], "when": "input.paid"},
            {"name": "ship", "action": "fly", "needs": ["pack", "bill"], "with": {"n": "${steps.bill.no}"}},
        ],
    }
)


class Known:
    place = "outside"

    def __init__(self, name: str) -> None:
        self.name = name

    def problems(self, values: Any) -> list[str]:
        return []


def known(*names: str) -> dict[str, Any]:
    return {name: Known(name) for name in names}


def test_mermaid_shows_needs_conditions_and_compensations() -> None:
    lines = mermaid(STORY).splitlines()

    assert lines[0] == "flowchart TD"
    assert "  pack -.  undo .-> undo_pack".replace(".  undo", ". undo") in mermaid(STORY)
    assert '  start -->|"input.paid"| bill' in lines
    assert "  pack --> ship" in lines
    assert "  ship --> done" in lines


def test_the_drawing_puts_side_by_side_what_may_run_at_once() -> None:
    assert drawing(STORY).splitlines() == [
        " ○ start",
        " │",
        " ┌ pack: pack  ·  undone by unpack",
        " └ bill: bill  ·  when input.paid",
        " │",
        " ─ ship: fly  ·  after pack, bill",
        " │",
        " ● done",
    ]


def test_unknown_actions_and_missing_compensations_are_found() -> None:
    found = findings(STORY, known("pack", "unpack", "bill"), {})

    assert [(each.severity, each.code, each.path[1]) for each in found] == [
        ("warning", "compensation", 1),
        ("error", "action", 2),
    ]


def test_a_step_that_reads_what_does_not_come_before_it_is_found() -> None:
    reads = {"name": "a", "action": "x", "needs": [], "with": {"n": "${steps.b.n}"}, "compensate": False}
    never = {"name": "b", "action": "x", "needs": [], "when": "`false`"}
    story = read_definition({"name": "s", "steps": [reads, never]})

    assert {each.code for each in findings(story, known("x"), {})} == {"reference", "unreachable"}
