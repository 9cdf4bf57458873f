"""How plans and runs are shown: documents for scripts, which the command line draws for people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from shopctl.kernel import clock
from shopctl.kernel.clock import Instant
from shopctl.provisioning.bundles import Whole
from shopctl.provisioning.queries import ProvisioningRun
from shopctl.provisioning.template import START
from shopctl.workflow.definition import Step
from shopctl.workflow.model import ENDED, Run, StepState
from shopctl.workflow.reading import read_definition


def planned(whole: Whole) -> dict[str, Any]:
    """The plan of a run that has not begun; what a step will get from earlier ones is shown as it is written.

    The components of a bundle have plans of their own in it, and all that is reserved stands in the bundle's too.
    """
    product, template = whole.product, whole.template
    definition = template.definitions[START]
    scope = {"input": whole.input, "steps": {}, "run": {"id": "", "subject": ""}}
    steps = [_planned_step(step, scope) for step in definition.steps]
    parts = [planned(part) for part in whole.parts]
    available = product["stock"]["available"] if product["stock"]["locations"] else None
    return {
        "sku": product["sku"],
        "name": product["name"],
        "kind": product["kind"],
        "template": template.name,
        "source": template.source,
        "quantity": whole.request.quantity,
        "available": available,
        "parameters": dict(whole.parameters),
        "schema": dict(template.parameters),
        "steps": steps,
        "reservations": [
            {
                "sku": step["with"].get("sku"),
                "quantity": step["with"].get("quantity"),
                "step": step["step"],
                "available": available,
            }
            for step in steps
            if step["action"] == "reserve-stock" and step["applies"]
        ]
        + [reservation for part in parts for reservation in part["reservations"]],
        "components": parts,
        "operations": sorted(set(template.definitions) - {START}),
    }


def told(
    run: Run,
    about: ProvisioningRun | None,
    body: str,
    story: Sequence[tuple[str, Instant, dict[str, Any]]],
    *,
    parts: list[dict[str, Any]],
    position: tuple[str | None, Instant | None],
    usual: int | None,
    now: Instant,
) -> dict[str, Any]:
    """A run with its steps and its whole story."""
    worker, next_at = position
    steps = json.loads(body).get("steps", ())
    definition = read_definition(json.loads(body)) if steps else None
    shown = [_step(step, run.steps.get(step.name) or StepState()) for step in (definition.steps if definition else ())]
    return {
        "run_id": run.id,
        "state": run.state,
        "operation": about.operation if about else None,
        "sku": about.sku if about else None,
        "customer": about.customer_id if about else None,
        "instance_id": about.instance_id if about else run.subject,
        "template": about.template if about else None,
        "definition": f"{run.definition}@{run.definition_version}",
        "error": run.error,
        "worker": worker,
        "next_at": clock.show(next_at) if worker is None else None,
        "parent": run.parent,
        "created_at": clock.show(run.created_at),
        "updated_at": clock.show(run.updated_at),
        "ended_at": clock.show(run.ended_at),
        "eta": _eta(run, usual, now),
        "parameters": run.input.get("parameters"),
        "steps": shown,
        "parts": parts,
        "history": [{"at": clock.show(at), "event": type_, **_plain(payload)} for type_, at, payload in story],
    }


def _planned_step(step: Step, scope: Mapping[str, Any]) -> dict[str, Any]:
    resolved = step.values(scope)
    return {
        "step": step.name,
        "title": step.title,
        "action": step.action,
        "needs": list(step.needs),
        "when": step.condition,
        "applies": None if _reads_steps(step.condition) else step.when is None or step.when(scope),
        "with": {
            key: resolved[key] if not _reads_steps(json.dumps(value)) else value for key, value in step.written.items()
        },
        "undone_by": step.compensation.action if step.compensation else None,
        "attempts": step.retry.attempts,
        "timeout": step.seconds,
        "downstream": step.downstream,
    }


def _reads_steps(text: str | None) -> bool:
    return text is not None and "steps." in text


def _step(step: Step, state: StepState) -> dict[str, Any]:
    undone = step.compensation is not None and state.state in ("undoing", "undone")
    retry = step.compensation.retry if undone and step.compensation is not None else step.retry
    return {
        "step": step.name,
        "title": step.title,
        "action": step.action,
        "state": state.state,
        "attempt": state.attempt,
        "attempts": retry.attempts,
        "started_at": clock.show(state.started_at),
        "ended_at": clock.show(state.ended_at),
        "next_at": clock.show(state.next_at),
        "waits_for": state.signal,
        "error": state.error,
        "output": state.output,
    }


def _eta(run: Run, usual: int | None, now: Instant) -> str | None:
    """When it will be done if it takes as long as others did; nothing for one that took longer already."""
    if usual is None or run.state in (*ENDED, "parked") or run.created_at + usual < now:
        return None
    return clock.show(run.created_at + usual)


def _plain(payload: Mapping[str, Any]) -> dict[str, Any]:
    moments = ("started_at", "ended_at", "next_at")
    return {
        key: clock.show(value) if key in moments else value
        for key, value in payload.items()
        if key not in ("definition", "about")
    }
