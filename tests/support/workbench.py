"""A database with a clock, actions that answer as a test says, and what is needed to start runs and to look at them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from shopctl.storage.database import Database
from shopctl.workflow import queries
from shopctl.workflow.model import NewRun, Run
from shopctl.workflow.ports import Call, Done, Outcome
from shopctl.workflow.reading import read_definition
from shopctl.workflow.runner import Runner
from shopctl.workflow.starting import insert_run, keep


class Outside:
    """An action outside of the database that answers as the test says; it keeps what it was called with."""

    place = "outside"

    def __init__(self, name: str, answer: Callable[[Call], Outcome], repetition: str = "keyed") -> None:
        self.name, self.answer, self.repetition = name, answer, repetition
        self.calls: list[Call] = []

    def problems(self, values: Any) -> list[str]:
        return []

    def perform(self, call: Call) -> Outcome:
        self.calls.append(call)
        return self.answer(call)


class Bench:
    """A database with a clock, some actions, and what is needed to start and finish runs."""

    def __init__(self, database: Database, clock: Any, url: str = "") -> None:
        self.database, self.clock, self.url = database, clock, url
        self.actions: dict[str, Any] = {}

    def action(self, name: str, *answers: Outcome | Callable[[Call], Outcome], repetition: str = "keyed") -> Outside:
        given = list(answers) or [Done()]

        def answer(call: Call) -> Outcome:
            found = given.pop(0) if len(given) > 1 else given[0]
            return found(call) if callable(found) else found

        self.actions[name] = Outside(name, answer, repetition)
        return self.actions[name]

    def start(self, *steps: dict[str, Any], input: dict[str, Any] | None = None, **more: Any) -> str:
        definition = read_definition({"name": "story", "steps": list(steps), **more})
        with self.database.unit() as unit:
            version = keep(unit, definition, now=self.clock.now())
            new = NewRun("story", "test", "thing", input or {})
            return insert_run(unit, new, now=self.clock.now(), version=version)[0]

    def work(self, *, stop: Callable[[], bool] = lambda: False, **options: Any) -> Runner:
        runner = Runner(self.database, self.clock, self.actions, {}, **options)
        runner.work(stop=stop)
        return runner

    def run(self, id_: str) -> Run:
        with self.database.read() as unit:
            found = queries.get(unit, id_)
        assert found is not None
        return found

    def send(self, id_: str, name: str, **payload: Any) -> None:
        with self.database.unit() as unit:
            assert queries.send(unit, id_, name, payload, now=self.clock.now())

    def events(self, id_: str) -> list[str]:
        with self.database.read() as unit:
            rows = unit.tuples("select type, payload from event where subject = :id order by number", id=id_)
        return [f"{type_} {json.loads(payload).get('step', '')}".strip() for type_, payload in rows]

    def later(self, seconds: float) -> None:
        self.clock.time += round(seconds * 1_000_000)
