"""A run begins: its definition is kept, and it is written down as due."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from shopctl.kernel import ids
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit
from shopctl.workflow import queries
from shopctl.workflow.errors import DefinitionNotFound, KeyEmpty, KeyReused
from shopctl.workflow.model import NewRun, Run

if TYPE_CHECKING:
    from shopctl.workflow.definition import Definition


def keep(unit: Unit, definition: Definition, *, now: Instant) -> int:
    """Store the definition where it is not yet; the number of its version."""
    hash_ = hashlib.sha256(definition.body.encode()).hexdigest()
    return queries.keep_definition(unit, definition.name, definition.body, hash_, now=now)


def insert_run(
    unit: Unit, new: NewRun, *, now: Instant, version: int | None = None, parent: str | None = None,
    at: Instant | None = None,
) -> tuple[str, bool]:  # fmt: skip
    """Write down a run of the definition's newest version, or of `version`, due at once or `at` a moment.

    Its id, and whether it is new: a run that was started with the same idempotency key is given back. Raises KeyReused
    when that was for something else, DefinitionNotFound.
    """
    request = None if new.idempotency_key is None else _hash(_request(new))
    if new.idempotency_key is not None:
        known = started_before(unit, new.idempotency_key, _request(new))
        if known is not None:
            return known, False
    version = queries.newest_version(unit, new.definition) if version is None else version
    if version is None:
        raise DefinitionNotFound(name=new.definition)
    run = Run(
        id=new.id or ids.new("run"), definition=new.definition, definition_version=version, system=new.system,
        subject=new.subject, state="pending", version=1, fence=0, input=new.input, steps={}, parent=parent,
        created_at=now, updated_at=now,
    )  # fmt: skip
    queries.add_run(unit, run, idempotency_key=new.idempotency_key, request=request, next_at=now if at is None else at)
    return run.id, True


def started_before(unit: Unit, idempotency_key: str, request: Any) -> str | None:
    """The run that this key has started; nobody else starts one with it before the unit ends.

    Raises KeyReused, KeyEmpty.
    """
    if not idempotency_key.strip():
        raise KeyEmpty
    unit.hold_alone(f"workflow key {idempotency_key}")
    known = queries.by_key(unit, idempotency_key)
    if known is None:
        return None
    if known[1] != _hash(request):
        raise KeyReused(key=idempotency_key)
    return known[0]


def _request(new: NewRun) -> Any:
    return [new.definition, new.subject, new.input] if new.request is None else new.request


def _hash(request: Any) -> str:
    return hashlib.sha256(json.dumps(request, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
