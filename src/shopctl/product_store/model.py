"""What a product instance is, the life it leads, and how it was at a moment; no I/O."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from shopctl.kernel import clock
from shopctl.kernel.clock import Instant

InstanceId = str
Json = dict[str, Any]


class Transition(NamedTuple):
    """A step of the life cycle: what triggers it, from where it may start, where it leads."""

    trigger: str
    sources: frozenset[str]
    target: str


# The states of TM Forum's TMF637 (Product Inventory, ProductStatusType), written in one form everywhere, stored and
# shown: its pendingActive is `pending_active`. Its `cancelled`, of an order that never began, is `aborted` here.
STATES = ("created", "pending_active", "active", "suspended", "pending_terminate", "terminated", "aborted")
CLOSED = frozenset({"terminated", "aborted"})
"""The ends of a life: only an aborted one begins anew, when its run is tried again."""

LIFE_CYCLE = (
    Transition("provision", frozenset({"created", "aborted"}), "pending_active"),
    Transition("activate", frozenset({"created", "pending_active"}), "active"),
    Transition("abort", frozenset({"created", "pending_active"}), "aborted"),
    Transition("suspend", frozenset({"active"}), "suspended"),
    Transition("resume", frozenset({"suspended"}), "active"),
    Transition("terminate", frozenset({"active", "suspended"}), "pending_terminate"),
    # A termination that is taken back leads to where it came from, so that nothing unpaid comes alive by it.
    Transition("keep", frozenset({"pending_terminate"}), "active"),
    Transition("keep_suspended", frozenset({"pending_terminate"}), "suspended"),
    Transition("end", frozenset({"pending_terminate"}), "terminated"),
)
CHANGEABLE = frozenset({"created", "pending_active", "active", "suspended"})
"""States in which an instance may be configured and related."""


def target_of(trigger: str, state: str) -> str | None:
    """Where a trigger leads from a state; None where the life cycle knows no such step."""
    return next((step.target for step in LIFE_CYCLE if step.trigger == trigger and state in step.sources), None)


def triggers_from(state: str) -> list[str]:
    """What may happen to an instance in this state, in the order of the life cycle."""
    return [step.trigger for step in LIFE_CYCLE if state in step.sources]


class Instance(NamedTuple):
    """A product that a customer has, as it is or once was.

    `product` is the product as it was sold: {"name", "kind", "price": {"amount", "currency"}, "attributes", …}.
    `configuration` is what was provisioned, `customisation` what the customer wished for, such as an engraving.
    """

    id: InstanceId
    customer_id: str
    sku: str
    state: str
    product: Json
    configuration: Json
    customisation: Json
    parent_id: InstanceId | None  # the bundle it is a part of
    upgrade_from_id: InstanceId | None  # the instance it takes the place of
    purchase_id: str | None
    version: int
    created_at: Instant
    updated_at: Instant
    started_at: Instant | None  # when it was active for the first time
    terminated_at: Instant | None

    def as_dict(self) -> Json:
        """For scripts, times as RFC 3339."""
        return {
            "instance_id": self.id,
            "sku": self.sku,
            "customer": self.customer_id,
            "state": self.state,
            "product": self.product,
            "configuration": self.configuration,
            "customisation": self.customisation,
            "parent_id": self.parent_id,
            "upgrade_from_id": self.upgrade_from_id,
            "purchase_id": self.purchase_id,
            "version": self.version,
            "created_at": clock.show(self.created_at),
            "updated_at": clock.show(self.updated_at),
            "started_at": clock.show(self.started_at),
            "terminated_at": clock.show(self.terminated_at),
        }

    def moved(self, target: str, now: Instant) -> Instance:
        """In another state of its life, from this moment on."""
        started_at = now if target == "active" and self.started_at is None else self.started_at
        terminated_at = now if target == "terminated" else self.terminated_at
        return self._replace(state=target, started_at=started_at, terminated_at=terminated_at)

    def patched(self, configuration: Json | None, customisation: Json | None = None) -> Instance:
        """With these changes of its configuration and customisation, each a merge patch (RFC 7396)."""
        return self._replace(
            configuration=self.configuration if configuration is None else merged(self.configuration, configuration),
            customisation=self.customisation if customisation is None else merged(self.customisation, customisation),
        )


TRACKED = (
    "customer_id", "sku", "state", "product", "configuration", "customisation", "parent_id", "upgrade_from_id",
    "purchase_id", "started_at", "terminated_at",
)  # fmt: skip
"""The fields whose change makes a new version, in the order they are shown."""
OBJECTS = ("product", "configuration", "customisation")
"""The fields that hold JSON objects."""
MOMENTS = ("started_at", "terminated_at")


class Change(NamedTuple):
    """One change of an instance: `before` and `after` are the fields it changed; a creation has nothing before."""

    instance_id: InstanceId
    version: int
    at: Instant
    action: str  # create, configure, relate, or what triggered a step of its life
    state: str  # after it
    actor: str
    reason: str | None
    run_id: str | None
    before: Json | None
    after: Json

    def as_dict(self) -> Json:
        """For scripts: {"version","at","action","state","actor","reason","run_id","changes"}."""
        return {
            "version": self.version,
            "at": clock.show(self.at),
            "action": self.action,
            "state": self.state,
            "actor": self.actor,
            "reason": self.reason,
            "run_id": self.run_id,
            "changes": differences(self.before or {}, self.after),
        }


def changed_fields(before: Instance, after: Instance) -> list[str]:
    """The tracked fields that differ. True, 1 and 1.0 are three different values."""
    return [
        name
        for name in TRACKED
        if (old := getattr(before, name)) is not (new := getattr(after, name)) and canonical(old) != canonical(new)
    ]


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Json]:
    """What became of each field, {"configuration.region": {"from", "to"}}: objects are compared key by key."""
    found: dict[str, Json] = {}
    for name in after:
        old, new = before.get(name), after[name]
        if isinstance(new, dict) and isinstance(old or {}, dict):
            found.update({f"{name}.{key}": pair for key, pair in _by_key(old or {}, new).items()})
        elif name in MOMENTS:
            found[name] = {"from": clock.show(old), "to": clock.show(new)}
        elif old != new:
            found[name] = {"from": old, "to": new}
    return found


def _by_key(old: Json, new: Json) -> dict[str, Json]:
    keys = dict.fromkeys((*old, *new))
    return {
        key: {"from": old.get(key), "to": new.get(key)}
        for key in keys
        if canonical(old.get(key)) != canonical(new.get(key))
    }


def as_it_was(changes: Iterable[Change], at: Instant) -> Instance | None:
    """The instance at a moment, told by its changes in the order of their versions; None before its creation.

    A clock may be set back: a moment shows the highest version made until then, whatever stands before it.
    """
    known = list(changes)
    last = max((change.version for change in known if change.at <= at), default=0)
    if not last:
        return None
    until = [change for change in known if change.version <= last]
    fields: Json = {}
    for change in until:
        fields.update(change.after)
    whole: Json = dict.fromkeys(TRACKED) | {name: {} for name in OBJECTS} | fields
    return Instance(
        id=until[0].instance_id,
        version=last,
        created_at=until[0].at,
        updated_at=until[-1].at,
        **whole,
    )


def merged(value: Json, patch: Json) -> Json:
    """A JSON object changed by a merge patch: null takes a key away, objects go inside (RFC 7396, section 2)."""
    result = dict(value)
    for key, new in patch.items():
        if new is None:
            result.pop(key, None)
        elif isinstance(new, dict):
            inner = result.get(key)
            result[key] = merged(inner if isinstance(inner, dict) else {}, new)
        else:
            result[key] = new
    return result


def canonical(value: Any) -> str:
    """A value as JSON text that is the same for the same value. Raises ValueError, TypeError for what JSON lacks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
