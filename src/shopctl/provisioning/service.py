"""The use cases of provisioning: plan, begin, look, and what operators do with runs that stand still."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from shopctl.kernel.clock import Clock
from shopctl.provisioning import queries
from shopctl.provisioning.errors import PartGivenUp
from shopctl.provisioning.model import Request, Started
from shopctl.provisioning.queries import Filters
from shopctl.provisioning.showing import planned, told
from shopctl.provisioning.starting import Beginning
from shopctl.storage.database import Database
from shopctl.storage.unit import Unit
from shopctl.workflow import queries as runs
from shopctl.workflow.errors import NotWaitedFor, RunEnded, RunNotFound, StepNotFound, StepPassed
from shopctl.workflow.model import ENDED, Run

if TYPE_CHECKING:
    from shopctl.audit.service import Audit
    from shopctl.workflow.runner import Runner
    from shopctl.workflow.tally import Tally

STUCK = ("failed", "parked")


class ProvisioningService:
    """Provisioning of one shop; `runner` makes a worker for what can be done at once."""

    def __init__(
        self, database: Database, audit: Audit, clock: Clock, beginning: Beginning, runner: Callable[[], Runner]
    ) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._beginning = beginning
        self._runner = runner

    # Before and at the beginning

    def plan(self, request: Request) -> dict[str, Any]:
        """What would happen: {"sku","template","available","steps":[{"step","action","needs","when","applies","with",
        "undone_by"}],"reservations","parameters","schema","components"}. Raises what `Beginning.whole` does.
        """
        with self._database.read() as unit:
            return planned(self._beginning.whole(unit, request))

    def start(self, request: Request, *, idempotency_key: str | None = None, work: bool = True) -> dict[str, Any]:
        """Begin to provision, and do what needs no waiting at once: {"run_id","state","instance_id"}.

        Raises what `Beginning.begin` does.
        """
        with self._database.unit() as unit:
            started = self._beginning.begin(unit, request, idempotency_key=idempotency_key)
            if started.created:
                facts = {"sku": request.sku, "customer": request.customer, "instance": started.instance_id}
                self._audit.record(unit, "provision.start", started.run_id, facts)
        return self._worked(started, work)

    def change(
        self,
        instance_id: str,
        operation: str,
        parameters: Mapping[str, Any],
        *,
        to_sku: str | None = None,
        idempotency_key: str | None = None,
        work: bool = True,
    ) -> dict[str, Any]:
        """Begin to change an instance: {"run_id","state","instance_id"}. Raises what `Beginning.change` does."""
        with self._database.unit() as unit:
            started = self._beginning.change(
                unit, instance_id, operation, parameters, to_sku=to_sku, idempotency_key=idempotency_key
            )
            if started.created:
                self._audit.record(unit, f"provision.{operation}", started.run_id, {"instance": instance_id})
        return self._worked(started, work)

    # Looking

    def list(self, filters: Filters, *, limit: int | None = None, after: str | None = None) -> Iterator[dict[str, Any]]:
        """Runs as rows, the newest first, as a stream."""
        with self._database.read() as unit:
            for row in queries.listed(unit, filters, limit=limit, after=after):
                yield row.as_dict()

    def stuck(self) -> Sequence[dict[str, Any]]:
        """What stopped runs that stand still: [{"fingerprint","runs","first_at","last_at","example"}]."""
        with self._database.read() as unit:
            return queries.stuck(unit)

    def show(self, run_id: str) -> dict[str, Any]:
        """A run with its whole story. Raises RunNotFound."""
        with self._database.read() as unit:
            run = _need(unit, run_id)
            about = queries.about(unit, run_id)
            definition = runs.definition(unit, run.definition, run.definition_version) or "{}"
            return told(
                run,
                about,
                definition,
                queries.story(unit, run_id),
                parts=[row.as_dict() for row in queries.listed(unit, Filters(parent=run_id))],
                position=runs.position(unit, run_id),
                usual=queries.usual_length(unit, run.definition),
                now=self._clock.now(),
            )

    # What operators want

    def retry(self, run_ids: Sequence[str], *, reason: str | None = None) -> Tally:
        """Have runs tried again that stand still, and those at once that wait for their next attempt."""
        return self._wish(run_ids, "@retry", "retried", {"reason": reason}, refused=("completed",))

    def found(self, filters: Filters) -> Sequence[str]:
        """The ids of the runs that a filter finds."""
        with self._database.read() as unit:
            return queries.ids(unit, filters)

    def cancel(self, run_ids: Sequence[str], *, reason: str | None = None) -> Tally:
        """Undo what runs have done so far. Raises RunNotFound, RunEnded."""
        return self._wish(run_ids, "@cancel", "cancelled", {"reason": reason}, refused=ENDED)

    def skip(self, run_id: str, step: str, *, reason: str | None = None) -> Tally:
        """Take a step as passed. Raises what `check_skip` does."""
        self.check_skip(run_id, step)
        facts = {"step": step, "reason": reason}
        return self._wish([run_id], "@skip", "changed", facts, refused=("completed",))

    def check_skip(self, run_id: str, step: str) -> None:
        """Refuse what `skip` would. Raises RunNotFound, StepNotFound, StepPassed, RunEnded."""
        with self._database.read() as unit:
            run = _need(unit, run_id)
            names = self._steps(unit, run)
        if step not in names:
            raise StepNotFound(id=run_id, step=step, steps=", ".join(names))
        state = run.steps[step].state if step in run.steps else "pending"
        if state in ("succeeded", "skipped", "calling", "undone"):
            raise StepPassed(id=run_id, step=step, state=state)
        if run.state == "completed":
            raise RunEnded(id=run_id, state=run.state, wanted="changed")

    def signal(self, run_id: str, name: str, payload: Mapping[str, Any]) -> Tally:
        """Tell a run something it may wait for, now or later. Raises RunNotFound, RunEnded."""
        return self._wish([run_id], name, "signalled", payload, refused=ENDED)

    def approve(self, run_id: str, *, approved: bool = True, note: str | None = None) -> Tally:
        """Give or refuse an approval that a run waits for. Raises RunNotFound, NotWaitedFor."""
        with self._database.read() as unit:
            run = _need(unit, run_id)
        if not any(step.state == "waiting" and step.signal == "approve" for step in run.steps.values()):
            raise NotWaitedFor(id=run_id, name="approve")
        payload = {"approved": approved, "note": note}
        return self._wish([run_id], "approve", "approved" if approved else "refused", payload, refused=ENDED)

    def state(self, run_id: str) -> tuple[str, dict[str, Any] | None]:
        """How a run stands: its state and error. Raises RunNotFound."""
        with self._database.read() as unit:
            run = _need(unit, run_id)
        return run.state, None if run.error is None else dict(run.error)

    def unheard(self, run_id: str) -> Sequence[str]:
        """The names of signals that no step of a run has waited for yet."""
        with self._database.read() as unit:
            return [signal.name for signal in runs.signals(unit, [run_id]).get(run_id, ())]

    def _wish(
        self, run_ids: Sequence[str], name: str, wanted: str, payload: Mapping[str, Any], *, refused: Sequence[str]
    ) -> Tally:
        now = self._clock.now()
        with self._database.unit() as unit:
            for run_id in run_ids:
                run = _need(unit, run_id)
                if run.state in refused:
                    raise RunEnded(id=run_id, state=run.state, wanted=wanted)
                if run.parent is not None and run.state in ("failed", "cancelled"):
                    # When the bundle is tried again it begins others: both would come to their end.
                    raise PartGivenUp(id=run_id, state=run.state, parent=run.parent)
                said = {key: value for key, value in payload.items() if value is not None}
                runs.send(unit, run_id, name, {**said, "by": self._audit.actor}, now=now)  # whatever he says
                self._audit.record(unit, f"provision.{name.removeprefix('@')}", run_id, said)
        return self.work(run_ids)

    def work(self, run_ids: Sequence[str]) -> Tally:
        """Work on these runs and what belongs to them until they wait for something; others are left alone."""
        runner = self._runner()
        todo: Sequence[str] = list(run_ids)
        while todo:
            before = runner.tally.claimed
            runner.work(only=todo)
            # A paused shop leaves them where they are, and so does one whose other workers were quicker.
            todo = self._ready(run_ids) if runner.tally.claimed > before else ()
        return runner.tally

    def _worked(self, started: Started, work: bool) -> dict[str, Any]:
        if work and started.created:
            self.work([started.run_id])
        state, error = self.state(started.run_id)
        return {**started._replace(state=state).as_dict(), **({"error": error} if error else {})}

    def _ready(self, run_ids: Sequence[str]) -> Sequence[str]:
        with self._database.read() as unit:
            return queries.ready(unit, run_ids, now=self._clock.now())

    def _steps(self, unit: Unit, run: Run) -> Sequence[str]:
        import json

        body = json.loads(runs.definition(unit, run.definition, run.definition_version) or "{}")
        return [step["name"] for step in body.get("steps", ())]


def _need(unit: Unit, run_id: str) -> Run:
    run = runs.get(unit, run_id)
    if run is None:
        raise RunNotFound(id=run_id)
    return run
