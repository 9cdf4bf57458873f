"""Expressions in a step's values."""

from __future__ import annotations

import pytest

from shopctl.workflow.expressions import ExpressionInvalid, compiled, condition, expressions

SCOPE = {"input": {"n": 3, "to": "Ada", "gift": False}, "steps": {"a": {"id": "x", "list": [1, 2]}}}


@pytest.mark.parametrize(
    ("written", "resolved"),
    [
        ("plain", "plain"),
        ("${input.n}", 3),
        ("n is ${input.n}, to ${input.to}", "n is 3, to Ada"),
        ("${steps.a.list}", [1, 2]),
        ("all: ${steps.a.list}", "all: [1, 2]"),
        ("${steps.b.id}", None),
        ("<${steps.b.id}>", "<>"),
        ("${steps.b.id || 'none'}", "none"),
        ("${length(steps.a.list)}", 2),
        ("${{id: steps.a.id}}", {"id": "x"}),
        ({"deep": ["${input.to}", 1]}, {"deep": ["Ada", 1]}),
    ],
)
def test_values_are_resolved_and_keep_their_types(written: object, resolved: object) -> None:
    assert compiled(written)(SCOPE) == resolved


@pytest.mark.parametrize(("text", "holds"), [("input.n > `2`", True), ("input.gift", False), ("steps.b", False)])
def test_a_condition_holds_as_jmespath_says(text: str, holds: bool) -> None:
    assert bool(condition(text)(SCOPE)) is holds


def test_what_is_no_expression_is_refused() -> None:
    with pytest.raises(ExpressionInvalid):
        compiled("${input.}")


def test_the_expressions_of_a_value_are_found() -> None:
    assert expressions({"a": "${input.n} ${x}", "b": ["${y.z}"]}) == ["input.n", "x", "y.z"]
