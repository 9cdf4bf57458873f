"""Reads and writes runs: claimed in batches, written back together, each only by the holder of its fence."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit, json_array
from shopctl.workflow.model import Run, Signal, StepState

_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_COLUMNS = """id, definition, definition_version, system, subject, state, version, fence, input, steps, signals, intent,
              parent, parent_step, error, created_at, updated_at, ended_at"""
_FRESH = StepState()
_FIELDS = tuple(name for name in StepState.__dataclass_fields__ if name != "state")
_values = attrgetter(*_FIELDS)
_DEFAULTS = _values(_FRESH)


class Saved(NamedTuple):
    """What the writer found of a run that is still its own."""

    id: str
    signals: int


def claim(
    unit: Unit, *, worker: str, now: Instant, until: Instant, limit: int, only: Sequence[str] | None = None
) -> list[Run]:
    """Take the runs that are due, those first that waited longest; a run whose holder is silent is due too.

    `only` takes those alone, due or not, that nobody holds at present.
    """
    if only is None:
        due = "next_at <= :now"
        params: dict[str, object] = {}
    else:
        due = f"id in (select value ->> 0 from {unit.each('only')}) and (worker is null or next_at <= :now)"
        params = {"only": json_array(only)}
    rows = unit.tuples(
        f"""update workflow_run set worker = :worker, fence = fence + 1, next_at = :until
             where id in (select id from workflow_run where {due} order by next_at limit :limit {unit.for_claim})
            returning {_COLUMNS}""",
        worker=worker, now=now, until=until, limit=limit, **params,
    )  # fmt: skip
    return [_run(row) for row in rows]


def any_due(unit: Unit, now: Instant) -> bool:
    """Whether there is anything to claim."""
    return unit.value("select 1 from workflow_run where next_at <= :now limit 1", now=now) is not None


def next_moment(unit: Unit) -> Instant | None:
    """When the next run falls due."""
    moment: Instant | None = unit.value("select min(next_at) from workflow_run where next_at is not null")
    return moment


def held(unit: Unit, runs: Iterable[Run]) -> set[str]:
    """Those of the runs that are still as their holder knows them; nobody else changes these before the unit ends."""
    asked = {run.id: run for run in runs}
    rows = unit.tuples(
        f"""select id, version, fence from workflow_run
             where id in (select value ->> 0 from {unit.each("ids")}) {unit.for_update}""",
        ids=json_array(asked),
    )
    return {id_ for id_, version, fence in rows if (version, fence) == (asked[id_].version, asked[id_].fence)}


def save(
    unit: Unit, entries: Sequence[tuple[Run, str | None, Instant | None]], *, now: Instant, until: Instant
) -> list[Saved]:
    """Write runs back by compare-and-set, and say which were still the writer's.

    An entry is the run, the step it stands at, and when it is due: None means when a signal comes, `KEPT` that it stays
    with its holder until `until`. One that is given back and was sent a signal meanwhile is due at once.
    """
    rows = [
        (
            run.id,
            run.version,
            run.fence,
            run.state,
            stored_steps(run.steps),
            step,
            run.intent,
            None if run.error is None else _dumps(run.error),
            fingerprint(run),
            run.ended_at,
            run.signals,
            due,
        )
        for run, step, due in entries
    ]
    saved = unit.tuples(
        f"""update workflow_run
               set state = each.value ->> 3, steps = each.value ->> 4, step = each.value ->> 5,
                   intent = each.value ->> 6, error = each.value ->> 7, fingerprint = each.value ->> 8,
                   ended_at = cast(each.value ->> 9 as bigint), version = version + 1, updated_at = :now,
                   worker = case when cast(each.value ->> 11 as bigint) = {KEPT} then worker end,
                   next_at = case when cast(each.value ->> 11 as bigint) = {KEPT} then :until
                                  when signals > cast(each.value ->> 10 as bigint) then :now
                                  else cast(each.value ->> 11 as bigint) end
              from {unit.each("rows")}
             where workflow_run.id = each.value ->> 0 and version = cast(each.value ->> 1 as bigint)
               and fence = cast(each.value ->> 2 as bigint)
            returning workflow_run.id, signals""",
        rows=_dumps(rows), now=now, until=until,
    )  # fmt: skip
    return [Saved(*row) for row in saved]


def renew(unit: Unit, runs: Sequence[Run], *, until: Instant) -> dict[str, int]:
    """Hold runs for longer; the number of signals of each that is still the writer's."""
    rows = unit.tuples(
        f"""update workflow_run set next_at = :until from {unit.each("rows")}
             where workflow_run.id = each.value ->> 0 and fence = cast(each.value ->> 1 as bigint)
            returning workflow_run.id, signals""",
        rows=_dumps([(run.id, run.fence) for run in runs]), until=until,
    )  # fmt: skip
    return dict(rows)


def add_run(unit: Unit, run: Run, *, idempotency_key: str | None, request: str | None, next_at: Instant) -> None:
    """Write a new run, which is due at `next_at`."""
    unit.insert_many(
        "workflow_run",
        (
            "id", "definition", "definition_version", "system", "subject", "state", "version", "fence", "next_at",
            "input", "steps", "signals", "parent", "parent_step", "idempotency_key", "request", "created_at",
            "updated_at",
        ),
        [
            (
                run.id, run.definition, run.definition_version, run.system, run.subject, run.state, run.version,
                run.fence, next_at, _dumps(run.input), stored_steps(run.steps), run.signals, run.parent,
                run.parent_step, idempotency_key, request, run.created_at, run.updated_at,
            )
        ],
    )  # fmt: skip


def by_key(unit: Unit, idempotency_key: str) -> tuple[str, str] | None:
    """Id and request of the run that was started with this key."""
    for id_, request in unit.tuples(
        "select id, request from workflow_run where idempotency_key = :key", key=idempotency_key
    ):
        return id_, request
    return None


def get(unit: Unit, id_: str) -> Run | None:
    """The run of this id."""
    rows = unit.tuples(f"select {_COLUMNS} from workflow_run where id = :id", id=id_)
    return _run(rows[0]) if rows else None


def send(unit: Unit, run_id: str, name: str, payload: Mapping[str, Any], *, now: Instant) -> bool:
    """Put a signal into a run's box and have it looked at; False where there is no such run."""
    number = unit.value(
        """update workflow_run set signals = signals + 1, next_at = case when worker is null then :now else next_at end
            where id = :id returning signals""",
        id=run_id,
        now=now,
    )
    if number is None:
        return False
    unit.execute(
        """insert into workflow_signal (run_id, number, name, payload, sent_at)
           values (:id, :number, :name, :payload, :now)""",
        id=run_id, number=number, name=name, payload=_dumps(payload), now=now,
    )  # fmt: skip
    return True


def signals(unit: Unit, run_ids: Iterable[str]) -> dict[str, list[Signal]]:
    """What lies in the boxes of these runs, oldest first."""
    found: dict[str, list[Signal]] = {}
    for run_id, number, name, payload in unit.tuples(
        f"""select run_id, number, name, payload from workflow_signal
             where run_id in (select value ->> 0 from {unit.each("ids")}) order by run_id, number""",
        ids=json_array(run_ids),
    ):
        found.setdefault(run_id, []).append(Signal(number, name, json.loads(payload)))
    return found


def consume(unit: Unit, consumed: Iterable[tuple[str, int]]) -> None:
    """Take signals out of their boxes."""
    unit.execute_many(
        "delete from workflow_signal where run_id = :id and number = :number",
        [{"id": id_, "number": number} for id_, number in consumed],
    )


def definition(unit: Unit, name: str, version: int) -> str | None:
    """The body of a version of a definition, as JSON."""
    body: str | None = unit.value(
        "select body from workflow_definition where name = :name and version = :version", name=name, version=version
    )
    return body


def keep_definition(unit: Unit, name: str, body: str, hash_: str, *, now: Instant) -> int:
    """The version of this very body; a new one where it was not known."""
    known = unit.value(
        "select version from workflow_definition where name = :name and hash = :hash", name=name, hash=hash_
    )
    if known is not None:
        return int(known)
    unit.hold_alone(f"workflow {name}")
    unit.execute(
        """insert into workflow_definition (name, version, hash, body, created_at)
           select cast(:name as text), coalesce(max(version), 0) + 1, cast(:hash as text), cast(:body as text),
                  cast(:now as bigint)
             from workflow_definition where name = :name
           on conflict (name, hash) do nothing""",
        name=name, hash=hash_, body=body, now=now,
    )  # fmt: skip
    version = unit.value(
        "select version from workflow_definition where name = :name and hash = :hash", name=name, hash=hash_
    )
    return int(version)


def stored_steps(steps: Mapping[str, StepState]) -> str:
    """The steps as they are stored: what differs from a fresh one, nothing for one that has not begun."""
    return _dumps({name: _stored(state) for name, state in steps.items() if _begun(state)})


def read_steps(text: str) -> dict[str, StepState]:
    """The steps as they were stored; those of the definition that had not begun are added by the reader."""
    return {name: StepState(**fields) for name, fields in json.loads(text).items()}


def fingerprint(run: Run) -> str | None:
    """The same for runs that are stuck for the same reason: what failed, at which step of which definition."""
    if run.error is None:
        return None
    undo = " undo" if run.error.get("undo") else ""
    return f"{run.definition}/{run.error.get('step')}{undo}: {run.error.get('code')}"


KEPT = -1


def _begun(state: StepState) -> bool:
    return state.state != "pending" or state != _FRESH


def _stored(state: StepState) -> dict[str, object]:
    changed = zip(_FIELDS, _values(state), _DEFAULTS, strict=True)
    return {"state": state.state} | {name: value for name, value, default in changed if value != default}


def _run(row: tuple[Any, ...]) -> Run:
    (
        id_, definition_, version_, system, subject, state, version, fence, input_, steps, sent, intent, parent,
        parent_step, error, created_at, updated_at, ended_at,
    ) = row  # fmt: skip
    return Run(
        id=id_, definition=definition_, definition_version=version_, system=system, subject=subject, state=state,
        version=version, fence=fence, input=json.loads(input_), steps=read_steps(steps), signals=sent, intent=intent,
        parent=parent, parent_step=parent_step, error=None if error is None else json.loads(error),
        created_at=created_at, updated_at=updated_at, ended_at=ended_at,
    )  # fmt: skip


def newest_version(unit: Unit, name: str) -> int | None:
    """The number of a definition's newest version."""
    version: int | None = unit.value("select max(version) from workflow_definition where name = :name", name=name)
    return version


def count_due(unit: Unit, now: Instant) -> int:
    """How many runs are due."""
    return int(unit.value("select count(*) from workflow_run where next_at <= :now", now=now))


def give_back(unit: Unit, runs: Sequence[Run], *, worker: str, now: Instant) -> None:
    """Let others have these runs at once, where they are still the worker's."""
    unit.execute(
        f"""update workflow_run set worker = null, next_at = :now
             where worker = :worker and id in (select value ->> 0 from {unit.each("ids")})""",
        worker=worker, now=now, ids=json_array(run.id for run in runs),
    )  # fmt: skip


def still_mine(unit: Unit, runs: Iterable[Run], *, worker: str) -> list[Run]:
    """Those of the runs that their holder still holds, as they are stored; nobody else changes these meanwhile."""
    fences = {run.id: run.fence for run in runs}
    rows = unit.tuples(
        f"""select {_COLUMNS} from workflow_run
             where worker = :worker and id in (select value ->> 0 from {unit.each("ids")}) {unit.for_update}""",
        worker=worker, ids=json_array(fences),
    )  # fmt: skip
    return [run for run in map(_run, rows) if run.fence == fences[run.id]]


def park(unit: Unit, run: Run, error: Mapping[str, Any], *, worker: str, now: Instant) -> bool:
    """Set a run aside that cannot be written as it is to be, unless somebody else has it; whether it was."""
    return bool(
        unit.execute(
            """update workflow_run set state = 'parked', error = :error, fingerprint = :fingerprint, worker = null,
                      next_at = null, updated_at = :now, version = version + 1, fence = fence + 1
                where id = :id and version = :version and (worker is null or worker = :worker or next_at <= :now)""",
            id=run.id, version=run.version, worker=worker, error=_dumps(error), now=now,
            fingerprint=f"{run.definition}: {error.get('code')}",
        )
    )  # fmt: skip


def fresh_step() -> StepState:
    """A step that has not begun."""
    return StepState()


def position(unit: Unit, id_: str) -> tuple[str | None, Instant | None]:
    """Who works on a run, and when it is due."""
    [(worker, next_at)] = unit.tuples("select worker, next_at from workflow_run where id = :id", id=id_)
    return worker, next_at
