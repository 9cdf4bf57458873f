"""Product instances: what customers have, how it is configured, the life it leads, and how it came to that.

A write takes an open unit, since it belongs to what another system does in one; a read opens its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from shopctl.kernel import clock, ids
from shopctl.kernel.clock import Clock, Instant
from shopctl.product_store import attributes, queries, storing
from shopctl.product_store.checks import checked_id, checked_name, checked_object
from shopctl.product_store.errors import (
    InstanceClosed,
    InstanceNotFound,
    InstanceNotYet,
    InstanceStale,
    InstanceTaken,
    InvalidRelation,
    InvalidTransition,
    PartsAlive,
)
from shopctl.product_store.model import (
    CHANGEABLE,
    CLOSED,
    Change,
    Instance,
    InstanceId,
    Json,
    as_it_was,
    target_of,
    triggers_from,
)
from shopctl.product_store.storing import Cause
from shopctl.product_store.where import Filters
from shopctl.storage.database import Database
from shopctl.storage.replica import Reads
from shopctl.storage.unit import Unit

if TYPE_CHECKING:
    from shopctl.audit.service import Audit

_DEEPEST = 64  # bundles within bundles
_ANY = Filters()


class InstanceService:
    """The instances of one shop.

    `reads` says where reads go (by default to the database itself), `indexed` which attributes of configurations have
    an index of their own (see `index`).
    """

    def __init__(
        self,
        database: Database,
        audit: Audit,
        clock: Clock,
        *,
        reads: Reads | None = None,
        indexed: Iterable[str] = (),
    ) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._reads = reads or Reads(database)
        self._indexes = attributes.indexes_wanted(indexed)
        self._indexed = frozenset(self._indexes.values())

    def create(
        self,
        unit: Unit,
        *,
        customer: str,
        sku: str,
        product: Json,
        configuration: Json | None = None,
        customisation: Json | None = None,
        parent: InstanceId | None = None,
        upgrade_from: InstanceId | None = None,
        purchase: str | None = None,
        instance_id: InstanceId | None = None,
        run_id: str | None = None,
        reason: str | None = None,
    ) -> InstanceId:
        """Store a new instance in the state `created`; `product` is the product as it is sold.

        With an `instance_id` that was made beforehand, creating it again changes nothing. Raises InvalidInstance,
        InstanceTaken, InstanceNotFound and InvalidRelation for the bundle it is to be a part of and what it replaces.
        """
        now = self._clock.now()
        made = Instance(
            id=ids.new("ins") if instance_id is None else checked_id(instance_id),
            customer_id=checked_name("customer", customer),
            sku=checked_name("sku", sku),
            state="created",
            product=checked_object("product", product),
            configuration=checked_object("configuration", configuration or {}),
            customisation=checked_object("customisation", customisation or {}),
            parent_id=None,
            upgrade_from_id=None,
            purchase_id=None if purchase is None else checked_name("purchase", purchase),
            version=1,
            created_at=now,
            updated_at=now,
            started_at=None,
            terminated_at=None,
        )
        if instance_id is not None and (found := queries.instance(unit, instance_id)) is not None:
            if (found.customer_id, found.sku) != (customer, sku):
                raise InstanceTaken(id=instance_id)
            return found.id
        made = self._related(unit, made, parent, upgrade_from)
        storing.add(unit, made, self._cause("create", reason, run_id))
        self._audit.record(unit, "instance.create", made.id, {"customer": customer, "sku": sku, "run": run_id})
        self._reads.wrote()
        return made.id

    def advance(
        self,
        unit: Unit,
        instance_id: InstanceId,
        trigger: str,
        *,
        run_id: str | None = None,
        configuration: Json | None = None,
        reason: str | None = None,
        expected_version: int | None = None,
    ) -> Instance:
        """Take a step of the life cycle (`model.LIFE_CYCLE`), and change the configuration with it by a merge patch.

        A run that takes a step again which it has just taken changes nothing. Raises InstanceNotFound,
        InvalidTransition, InstanceStale, InvalidInstance, and PartsAlive for the end of a bundle before its parts'.
        """
        before = self._locked(unit, instance_id)
        target = target_of(trigger, before.state)
        if target is None and self._has_just_done(unit, before, trigger, run_id):
            return before
        _check_version(before, expected_version)
        if target is None:
            possible = ", ".join(triggers_from(before.state)) or "no way on"
            raise InvalidTransition(id=instance_id, state=before.state, trigger=trigger, possible=possible)
        if target in CLOSED and (part := queries.living_part(unit, before)) is not None:
            raise PartsAlive(id=instance_id, trigger=trigger, part=part[0], state=part[1])
        now = self._clock.now()
        after = _patched(before, configuration).moved(target, now)
        return self._replace(unit, before, after, self._cause(trigger, reason, run_id), now)

    def configure(
        self,
        unit: Unit,
        instance_id: InstanceId,
        *,
        configuration: Json | None = None,
        customisation: Json | None = None,
        sku: str | None = None,
        product: Json | None = None,
        run_id: str | None = None,
        reason: str | None = None,
        expected_version: int | None = None,
    ) -> Instance:
        """Change configuration and customisation, each by a merge patch (RFC 7396: null takes a key away).

        `sku` and `product` (whole) are for an upgrade that keeps the instance. Nothing different makes no version.
        Raises InstanceNotFound, InstanceClosed, InstanceStale, InvalidInstance.
        """
        before = self._changeable(unit, instance_id, expected_version)
        after = _patched(before, configuration, customisation)
        if sku is not None:
            after = after._replace(sku=checked_name("sku", sku))
        if product is not None:
            after = after._replace(product=checked_object("product", product))
        return self._replace(unit, before, after, self._cause("configure", reason, run_id), self._clock.now())

    def relate(
        self,
        unit: Unit,
        instance_id: InstanceId,
        *,
        parent: InstanceId | None = None,
        upgrade_from: InstanceId | None = None,
        run_id: str | None = None,
        reason: str | None = None,
        expected_version: int | None = None,
    ) -> Instance:
        """Say which bundle it is a part of, and which instance it takes the place of; None leaves that as it is.

        Both are the same customer's. Raises InstanceNotFound, InvalidRelation, InstanceClosed, InstanceStale.
        """
        before = self._changeable(unit, instance_id, expected_version)
        after = self._related(unit, before, parent, upgrade_from)
        return self._replace(unit, before, after, self._cause("relate", reason, run_id), self._clock.now())

    def within(self, unit: Unit, instance_id: InstanceId) -> Instance:
        """The instance as this unit sees it. Raises InstanceNotFound."""
        return _found(instance_id, queries.instance(unit, instance_id))

    def get(self, instance_id: InstanceId) -> Instance:
        """The instance as it is now. Raises InstanceNotFound."""
        with self._reads.read() as unit:
            return self.within(unit, instance_id)

    def parts(self, unit: Unit, bundle: Instance) -> Sequence[Instance]:
        """The parts of a bundle that have not come to their end, the newest first, within an open unit."""
        found = self._now(unit, Filters(bundle.customer_id, parent=bundle.id), None, None)
        return [part for part in found if part.state not in CLOSED]

    def as_of(self, instance_id: InstanceId, at: Instant) -> Instance:
        """The instance as it was at a moment. Raises InstanceNotFound, InstanceNotYet."""
        told = self.changes(instance_id)
        if (then := as_it_was(told, at)) is None:
            raise InstanceNotYet(id=instance_id, created_at=clock.show(told[0].at))
        return then

    def changes(self, instance_id: InstanceId) -> list[Change]:
        """The history of an instance from its beginning, never changed itself. Raises InstanceNotFound."""
        with self._reads.read() as unit:
            if not (told := queries.history(unit, instance_id)):
                raise InstanceNotFound(id=instance_id)
            return told

    def show(self, instance_id: InstanceId, *, at: Instant | None = None) -> Json:
        """The instance as `Instance.as_dict` has it, now or at a moment. Raises InstanceNotFound, InstanceNotYet."""
        return (self.get(instance_id) if at is None else self.as_of(instance_id, at)).as_dict()

    def history(self, instance_id: InstanceId) -> list[Json]:
        """What was done to an instance, the latest first, as `Change.as_dict` has it. Raises InstanceNotFound."""
        return [change.as_dict() for change in reversed(self.changes(instance_id))]

    def list(
        self,
        filters: Filters = _ANY,
        *,
        limit: int | None = None,
        after: InstanceId | None = None,
        at: Instant | None = None,
    ) -> Iterator[Json]:
        """Instances as `show` has them, newest first, as a stream in bounded memory, now or as they were at a moment.

        `after` is the last instance of the page before. A moment has all histories read that could matter.
        """
        with self._reads.read() as unit:
            found = self._now(unit, filters, limit, after) if at is None else self._then(unit, filters, after, at)
            for count, instance in enumerate(found, 1):
                yield instance.as_dict()
                if count == limit:
                    return

    def index(self, *, dry_run: bool = False) -> Sequence[Json]:
        """Make the indexes of attributes that the setting names, and take away those that it no longer names.

        {"index","attribute","state"}: made, kept or dropped. Writers of instances wait meanwhile.
        """
        with self._database.unit(dry_run=dry_run) as unit:
            there = attributes.indexes_there(unit)
            states = {name: "kept" if name in there else "made" for name in self._indexes}
            states |= {name: "dropped" for name in there if name not in self._indexes}
            for name, state in states.items():
                if state == "made":
                    attributes.create_index(unit, name, self._indexes[name])
                elif state == "dropped":
                    attributes.drop_index(unit, name)
            if any(state != "kept" for state in states.values()):
                attributes.learn(unit)
                self._audit.record(unit, "instance.index", None, states)
        return [
            {"index": name, "attribute": ".".join(self._indexes.get(name, ())) or None, "state": state}
            for name, state in states.items()
        ]

    def finish(self) -> None:
        """Let go of the replica, and keep how far it must be to show what was written here."""
        self._reads.finish()

    def _now(self, unit: Unit, filters: Filters, limit: int | None, after: str | None) -> Iterator[Instance]:
        left = limit
        while left is None or left > 0:
            size = queries.TOGETHER if left is None else min(left, queries.TOGETHER)
            found = queries.page(unit, filters, limit=size, after=after, indexed=self._indexed)
            yield from found
            if len(found) < size:
                return
            after, left = found[-1].id, None if left is None else left - size

    def _then(self, unit: Unit, filters: Filters, after: str | None, at: Instant) -> Iterator[Instance]:
        # Whose it is never changes; everything else may have been different.
        candidates = Filters(customer=filters.customer)
        conditions = filters.conditions()
        while True:
            found = queries.page(unit, candidates, limit=queries.TOGETHER, after=after, created_by=at)
            told = queries.changes(unit, [instance.id for instance in found])
            for instance in found:
                then = as_it_was(told.get(instance.id, ()), at)
                if then is not None and all(condition.holds(then) for condition in conditions):
                    yield then
            if len(found) < queries.TOGETHER:
                return
            after = found[-1].id

    def _replace(self, unit: Unit, before: Instance, after: Instance, cause: Cause, now: Instant) -> Instance:
        stored = storing.replace(unit, before, after, cause, now)
        if stored is not before:
            facts: dict[str, Any] = {"from": before.state, "to": stored.state, "run": cause.run_id}
            self._audit.record(unit, f"instance.{cause.action}", before.id, facts)
            self._reads.wrote()
        return stored

    def _related(self, unit: Unit, made: Instance, parent: str | None, upgrade_from: str | None) -> Instance:
        if parent is not None and parent != made.parent_id:
            self._check_parent(unit, made, parent)
            made = made._replace(parent_id=parent)
        if upgrade_from is not None and upgrade_from != made.upgrade_from_id:
            _check_other(made, _found(upgrade_from, queries.instance(unit, upgrade_from)))
            made = made._replace(upgrade_from_id=upgrade_from)
        return made

    def _check_parent(self, unit: Unit, made: Instance, parent: str) -> None:
        bundle = self._locked(unit, parent)  # it may not come to its end meanwhile
        _check_other(made, bundle)
        if bundle.state not in CHANGEABLE:
            raise InvalidRelation(id=made.id, other=parent, reason=f"that is {bundle.state}")
        above: Instance | None = bundle
        for _ in range(_DEEPEST):
            if above is None or above.parent_id is None:
                return
            if above.parent_id == made.id:
                break
            above = queries.instance(unit, above.parent_id)
        raise InvalidRelation(id=made.id, other=parent, reason="it would be a part of itself")

    def _locked(self, unit: Unit, instance_id: str) -> Instance:
        return _found(instance_id, queries.instance(unit, instance_id, lock=True))

    def _changeable(self, unit: Unit, instance_id: str, expected_version: int | None) -> Instance:
        before = self._locked(unit, instance_id)
        _check_version(before, expected_version)
        if before.state not in CHANGEABLE:
            raise InstanceClosed(id=instance_id, state=before.state)
        return before

    def _has_just_done(self, unit: Unit, instance: Instance, trigger: str, run_id: str | None) -> bool:
        last = None if run_id is None else queries.last_change(unit, instance.id, instance.version)
        return last is not None and (last.action, last.run_id) == (trigger, run_id)

    def _cause(self, action: str, reason: str | None, run_id: str | None) -> Cause:
        return Cause(action, self._audit.actor, self._audit.reason if reason is None else reason, run_id)


def _found(instance_id: str, instance: Instance | None) -> Instance:
    if instance is None:
        raise InstanceNotFound(id=instance_id)
    return instance


def _check_version(instance: Instance, expected: int | None) -> None:
    if expected is not None and expected != instance.version:
        raise InstanceStale(id=instance.id, version=instance.version, expected=expected)


def _check_other(made: Instance, other: Instance) -> None:
    if other.customer_id != made.customer_id:
        raise InvalidRelation(id=made.id, other=other.id, reason="that is another customer's")
    if other.id == made.id:
        raise InvalidRelation(id=made.id, other=other.id, reason="that is the same one")


def _patched(before: Instance, configuration: Json | None, customisation: Json | None = None) -> Instance:
    given = {"configuration": configuration, "customisation": customisation}
    for field, patch in given.items():
        if patch is not None:
            checked_object(field, patch)
    after = before.patched(**given)
    for field in given:
        checked_object(field, getattr(after, field))
    return after
