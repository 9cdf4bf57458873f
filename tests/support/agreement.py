"""Whether ledger, runs, events and signals tell the same story of a run that has ended."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing

from shopctl.storage.database import open_database
from shopctl.workflow import queries
from shopctl.workflow.model import Run
from support.crashes import UNDOABLE
from support.ledger import Ledger


def check(url: str, ledger: Ledger, run_id: str, seed: int) -> None:
    """Raises AssertionError where they do not agree."""
    with closing(open_database(url)) as database, database.read() as unit:
        runs = {id_: queries.get(unit, id_) for (id_,) in unit.tuples(
            "select id from workflow_run where id = :id or parent = :id", id=run_id)}  # fmt: skip
        events = unit.tuples("select subject, type, payload from event order by number")
        box = unit.value("select count(*) from workflow_signal where name not like 'run:%'")
        held = unit.value("select count(*) from workflow_run where worker is not null or next_at is not null")
    run = runs.pop(run_id)
    assert run is not None
    fails = bool(run.input["fails"])
    assert run.state == ("failed" if fails else "completed"), (run.state, run.error, run.steps)
    assert len(runs) == 1, "one part"
    [part] = runs.values()
    assert part is not None
    assert part.state == ("cancelled" if fails else "completed"), (part.state, part.steps)
    assert (box, held) == (0, 0), "a signal in the box, or a run that somebody waits for"

    for each in (run, part):
        told = [(type_, json.loads(payload)) for subject, type_, payload in events if subject == each.id]
        _check_ledger(each, ledger)
        _check_events(each, told)
    for name in ("charge", "reserve", "pack") if fails else ():
        assert run.steps[name].state == "undone", name
    approved = run.steps["approve"]
    assert approved.output == {"by": f"ada {seed}"}, "the signal came once, and was taken in"
    assert run.steps["ship"].state == ("failed" if fails else "succeeded")
    assert run.steps["gift"].state == ("succeeded" if run.input["gift"] else "skipped")


def _check_ledger(run: Run, ledger: Ledger) -> None:
    """Each step has its effect once, and what was undone was undone once, under the key that the run remembers."""
    entries = ledger.of(run.id)
    effects: Counter[str] = Counter()
    for key, entry in entries.items():
        step, _, way = key.partition(".")
        assert step in run.steps, f"{key} is no step of {run.id}"
        effects[f"{step} undo" if way.endswith("undo") else step] += entry.effects
    for name, state in run.steps.items():
        if name == "parts":
            continue
        done, undone = effects[name], effects[f"{name} undo"]
        if state.state == "succeeded":
            assert (done, undone) == (1, 0), f"{run.id} {name} is {state.state}: done {done}, undone {undone}"
            assert entries[f"{name}.{state.generation}"].effects == 1
        elif state.state == "undone":
            assert (done, undone) == (1, 1), f"{run.id} {name} is {state.state}: done {done}, undone {undone}"
            assert entries[f"{name}.{state.generation}.undo"].effects == 1
            assert name in (*UNDOABLE, "make")
        else:
            assert (done, undone) == (0, 0), f"{run.id} {name} is {state.state}: done {done}, undone {undone}"


def _check_events(run: Run, told: list[tuple[str, dict[str, object]]]) -> None:
    types = Counter(type_ for type_, _ in told)
    assert types["run.started"] == 1
    assert told[0][0] == "run.started"
    assert told[-1][0] == f"run.{run.state}"
    if run.parent is None:
        assert sum(types[f"run.{state}"] for state in ("completed", "failed", "cancelled")) == 1
    for name, state in run.steps.items():
        ends = Counter(type_ for type_, payload in told if payload.get("step") == name)
        expected = {"succeeded": (1, 0), "undone": (1, 1), "failed": (0, 0), "skipped": (0, 0)}[state.state]
        if name == "parts" and run.state == "failed":
            expected = (1, 1)
        assert (ends["step.succeeded"], ends["step.undone"]) == expected, f"{run.id} {name}: {ends}"
