"""The use cases of the catalogue: look at products, change them, publish and retire them, look back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from shopctl.catalogue import changes, edits, moments, queries
from shopctl.catalogue.edits import Edit
from shopctl.catalogue.errors import InvalidField, NotYetCreated
from shopctl.catalogue.shapes import listed, price_field, shown
from shopctl.kernel import clock, money
from shopctl.kernel.clock import Clock, Instant
from shopctl.kernel.errors import UsageError
from shopctl.storage.database import Database

if TYPE_CHECKING:
    from shopctl.audit.service import Audit
    from shopctl.catalogue.listing import Filters
    from shopctl.catalogue.model import Price, Product
    from shopctl.storage.unit import Unit


_DAY = 86_400_000_000  # microseconds


class CatalogueService:
    """Products and prices of one shop; `currency` is that of a price which names none."""

    def __init__(self, database: Database, audit: Audit, clock: Clock, currency: str) -> None:
        self.database = database
        self.audit = audit
        self.clock = clock
        self.currency = currency

    def show(self, sku: str, *, at: Instant | None = None) -> dict[str, Any]:
        """The document of a product (see `shapes.shown`), now or as it was at a moment that has passed.

        A product with variants has them as `variants` too, when it is shown as it is now. Raises ProductNotFound,
        NotYetCreated.
        """
        now = self.clock.now()
        with self.database.read() as unit:
            product = queries.by_skus(unit, [sku], now=now).get(sku)
            if at is not None and at < now:
                from shopctl.catalogue import history

                then = history.sku_at(unit, sku, product, at)
                if then is not None:
                    return shown(then, at)
                if product is not None:
                    raise NotYetCreated(sku=sku, at=clock.show(at), created_at=clock.show(product.created_at))
            if product is None:
                raise edits.not_found(unit, [sku])
            variants = queries.variants(unit, sku, now=now)
        document = shown(product, at or now)
        if variants:
            document["variants"] = [
                {**listed(variant, currency=self.currency, now=now), "options": variant.options} for variant in variants
            ]
        return document

    def documents(self, unit: Unit, skus: Sequence[str]) -> list[dict[str, Any]]:
        """The documents of products as they are now (see `shapes.shown`), in that order, read within an open unit.

        Raises ProductNotFound naming every missing SKU.
        """
        now = self.clock.now()
        found = queries.by_skus(unit, skus, now=now)
        if missing := [sku for sku in dict.fromkeys(skus) if sku not in found]:
            raise edits.not_found(unit, missing)
        return [shown(found[sku], now) for sku in skus]

    def products(self, filters: Filters, *, limit: int | None = None, offset: int = 0) -> Iterator[dict[str, Any]]:
        """Products as rows (see `shapes.listed`), in the order of their creation, as a stream."""
        from shopctl.catalogue import listing

        now = self.clock.now()
        with self.database.read() as unit:
            for product in listing.products(unit, filters, now=now, limit=limit, offset=offset):
                yield listed(product, currency=self.currency, now=now)

    def edit(self, sku: str, assignments: Sequence[str], *, dry_run: bool = False) -> dict[str, Any]:
        """Set fields of a product from FIELD=VALUE: {"sku","version","changed","dry_run","changes":[{field,from,to}]}.

        Raises ProductNotFound, InvalidField, EndsBeforeItBegins and what `assignments.assigned` names.
        """
        from shopctl.catalogue.assignments import Terms, assigned
        from shopctl.catalogue.life_cycle import check_schedule

        self._tell_what_is_due(dry_run)
        with self.database.unit(dry_run=dry_run) as unit:
            now = self.clock.now()
            [product] = edits.locked(unit, [sku], now=now)
            after = assigned(product, assignments, Terms(self.currency, now))
            check_schedule(after)
            _check_references(unit, product, after, now)
            saved = edits.save(unit, [Edit(product, after)], kind="update", now=now, actor=self.audit.actor)
            self._record(unit, "catalogue.set", sku, saved)
        return {
            "sku": sku,
            "version": saved[0].after.version if saved else product.version,
            "changed": bool(saved),
            "dry_run": dry_run,
            "changes": _differences(saved[0]) if saved else [],
        }

    def publish(self, skus: Sequence[str], *, at: Instant | None = None, dry_run: bool = False) -> list[dict[str, Any]]:
        """Make products visible, now or from `at` on: a row for each, {"sku","status","publish_at","retire_at",…}.

        All or none. Raises ProductNotFound naming every missing SKU, InvalidTransition for scheduling a product that is
        visible already, EndsBeforeItBegins.
        """
        from shopctl.catalogue.life_cycle import published

        return self._step("publish", published, skus, at, dry_run)

    def retire(self, skus: Sequence[str], *, at: Instant | None = None, dry_run: bool = False) -> list[dict[str, Any]]:
        """Take products out of sight, now or from `at` on; the rest as in `publish`."""
        from shopctl.catalogue.life_cycle import retired

        return self._step("retire", retired, skus, at, dry_run)

    def history(self, sku: str) -> list[dict[str, Any]]:
        """What was done to a product, latest first: {"version","at","kind","actor","import_id","changes":[…]}.

        Raises ProductNotFound.
        """
        from shopctl.catalogue import removed

        with self.database.read() as unit:
            lives = [*queries.by_skus(unit, [sku], now=self.clock.now()).values()]
            # A product that was removed and brought again has two.
            lives += [each.product for each in removed.of_sku(unit, sku)]
            if not lives:
                raise edits.not_found(unit, [sku])
            return [row for product in lives for row in _life(unit, product)]

    def differences(self, *, since: Instant | None = None, until: Instant | None = None) -> Iterator[dict[str, Any]]:
        """What is different between two moments, as rows {"sku","change","field","from","to"}; None: not given.

        `until` defaults to now, `since` to a day before `until`.
        """
        from shopctl.catalogue import history

        until = self.clock.now() if until is None else until
        since = until - _DAY if since is None else since
        if since > until:
            raise UsageError(
                problem=f"The earlier moment, {clock.show(since)}, lies after the later one, {clock.show(until)}.",
                remedy="Exchange --from and --to.",
            )
        with self.database.read() as unit:
            for row in history.differences(unit, since, until):
                yield {
                    "sku": row.sku, "change": row.change, "field": row.field, "from": row.before, "to": row.after,
                }  # fmt: skip

    def statistics(self) -> dict[str, Any]:
        """What there is, what it lacks, what stands in it twice (see `statistics.statistics`)."""
        from shopctl.catalogue.statistics import statistics

        with self.database.read() as unit:
            return statistics(unit, now=self.clock.now())

    def _step(
        self,
        verb: str,
        rule: Callable[[Product, Instant | None, Instant], Product],
        skus: Sequence[str],
        at: Instant | None,
        dry_run: bool,
    ) -> list[dict[str, Any]]:
        self._tell_what_is_due(dry_run)
        with self.database.unit(dry_run=dry_run) as unit:
            now = self.clock.now()
            made = [Edit(product, rule(product, at, now)) for product in edits.locked(unit, skus, now=now)]
            saved = edits.save(unit, made, kind=verb, now=now, actor=self.audit.actor)
            self._record(unit, f"catalogue.{verb}", skus[0] if len(made) == 1 else None, saved)
        now_stored = {edit.after.sku: edit.after for edit in saved}
        return [
            {
                "sku": edit.before.sku,
                "status": after.status_at(now),
                "publish_at": clock.show(after.publish_at),
                "retire_at": clock.show(after.retire_at),
                "version": after.version,
                "changed": edit.before.sku in now_stored,
            }
            for edit in made
            for after in [now_stored.get(edit.before.sku, edit.before)]
        ]

    def _tell_what_is_due(self, dry_run: bool) -> None:
        # Before it is edited, so that the log has both in their order.
        if not dry_run:
            from shopctl.catalogue import due

            due.tell(self.database, self.clock)

    def _record(self, unit: Unit, action: str, subject: str | None, saved: Sequence[Edit]) -> None:
        if not saved:
            return
        facts: dict[str, Any] = {"fields": sorted({field for edit in saved for field in edit.replaced})}
        if subject is None:
            facts["skus"] = [edit.after.sku for edit in saved[:100]]
        self.audit.record(unit, action, subject, facts, count=len(saved))


def _life(unit: Unit, product: Product) -> Iterator[dict[str, Any]]:
    for change in changes.of_product(unit, product.id):
        before = changes.undone(product, change.previous)
        yield {
            "version": change.version,
            "at": clock.show(change.at),
            "kind": change.kind,
            "actor": change.actor,
            "import_id": change.import_id,
            "changes": _fallen_due(product, change)
            if change.kind in moments.KINDS
            else _differences(Edit(before, product))
            if before
            else [],
        }
        product = before or product


def _fallen_due(product: Product, change: changes.Change) -> list[dict[str, Any]]:
    """What buyers met otherwise from that moment on."""
    at = change.at
    if change.kind == "publication_due":
        return [{"field": "status", "from": product.status_at(at - 1), "to": product.status_at(at)}]
    return [
        {"field": price_field(tier), "from": before and _amount(before), "to": after and _amount(after)}
        for tier, before, after in moments.prices_replaced(product, at)
    ]


def _amount(price: Price) -> str:
    return money.show(price.amount, price.currency)


def _differences(edit: Edit) -> list[dict[str, Any]]:
    from shopctl.catalogue.history import compare

    return [{"field": row.field, "from": row.before, "to": row.after} for row in compare(edit.before, edit.after)]


def _check_references(unit: Unit, before: Product, after: Product, now: Instant) -> None:
    """A parent and the components of a bundle must be products, and variants are one level deep."""
    parent = after.parent_sku
    if parent and parent != before.parent_sku:
        found = queries.by_skus(unit, [parent], now=now).get(parent)
        reason = None
        if parent == after.sku:
            reason = "a product cannot be its own parent"
        elif found is None:
            reason = f"there is no product {parent!r} to be its parent"
        elif found.parent_sku:
            reason = f"{parent!r} is a variant itself"
        elif queries.variants(unit, after.sku, now=now):
            reason = "it has variants of its own"
        if reason:
            raise InvalidField(sku=after.sku, field="parent_sku", reason_code="parent.invalid", reason=reason)
    if after.components != before.components:
        _check_components(unit, after, now)


def _check_components(unit: Unit, bundle: Product, now: Instant) -> None:
    from shopctl.catalogue import bundles

    def held_by(skus: list[str]) -> bundles.Holds:
        found = queries.by_skus(unit, skus, now=now)
        return {sku: _components(product) for sku, product in found.items() if product.components}

    parts = _components(bundle)
    there = queries.by_skus(unit, parts, now=now)
    missing = [sku for sku in parts if sku not in there]
    if missing:
        code, reason = bundles.UNKNOWN, bundles.not_there(missing[0])
    elif bundle.sku in bundles.circular(bundles.completed({bundle.sku: parts}, held_by)):
        code, reason = bundles.INVALID, bundles.in_itself(bundle.sku, parts)
    else:
        return
    raise InvalidField(sku=bundle.sku, field="components", reason_code=code, reason=reason)


def _components(product: Product) -> list[str]:
    return [component["sku"] for component in product.components]
