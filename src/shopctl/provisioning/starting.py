"""A product begins to be provisioned, or an instance to be changed: checked first, then a run of it is due."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shopctl.kernel import ids
from shopctl.kernel.clock import Clock
from shopctl.product_store.errors import InstanceClosed, InvalidTransition
from shopctl.product_store.model import CLOSED, Instance, target_of, triggers_from
from shopctl.provisioning import queries
from shopctl.provisioning.bundles import Whole, foreseen, of_parts
from shopctl.provisioning.errors import (
    InvalidCount,
    NotSold,
    OperationRunning,
    OperationUnknown,
    OutOfStock,
    ParametersInvalid,
    TemplateNotFound,
)
from shopctl.provisioning.model import LIFE, SYSTEM, Request, Started, sold
from shopctl.provisioning.parameters import checked, taken
from shopctl.provisioning.queries import ProvisioningRun
from shopctl.provisioning.template import START, Template
from shopctl.provisioning.templates import Templates
from shopctl.storage.unit import Unit
from shopctl.workflow import starting
from shopctl.workflow.model import NewRun

if TYPE_CHECKING:
    from shopctl.catalogue.service import CatalogueService
    from shopctl.customers.service import CustomerService
    from shopctl.product_store.service import InstanceService

TERMINATE = "terminate"
RESERVES = "reserve-stock"
"""The action that takes from our own stock; what it will find is looked at before anything begins."""


class Beginning:
    """Begins runs; each method takes an open unit, so that whoever sells a product begins it in the same one."""

    def __init__(
        self,
        clock: Clock,
        catalogue: CatalogueService,
        customers: CustomerService,
        instances: InstanceService,
        templates: Templates,
        *,
        counts_stock: bool,
    ) -> None:
        self._clock = clock
        self._catalogue = catalogue
        self._customers = customers
        self._instances = instances
        self._templates = templates
        self._counts_stock = counts_stock  # whether stock is kept in this very database

    def resolved(
        self, unit: Unit, request: Request, configuration: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, Any], Template, dict[str, Any]]:
        """The product, its template and the parameters with their defaults.

        Of the configuration that an instance has already it takes over what the template knows and nobody has set.

        Raises ProductNotFound, NotSold, TemplateNotFound, SeveralTemplates, ParametersInvalid, InvalidCount.
        """
        if request.quantity < 1:
            raise InvalidCount(quantity=request.quantity)
        [product] = self._catalogue.documents(unit, [request.sku])
        if product["status"] != "active":
            raise NotSold(sku=request.sku, status=product["status"])
        template = self.template(product, request.template)
        parameters = {**taken(template.parameters, configuration or {}), **request.parameters}
        return product, template, checked(request.sku, template.parameters, parameters)

    def whole(self, unit: Unit, request: Request) -> Whole:
        """The same with all that it brings along: what a bundle's components are given is looked at with it.

        Raises what `resolved` does, for a component too.
        """
        product, template, parameters = self.resolved(unit, request)
        input_ = self.new_run("run", START, product, template, request, "instance", parameters).input
        parts: list[Whole] = []
        problems: list[dict[str, Any]] = []
        for part in foreseen(template, product, input_):
            try:
                parts.append(self.whole(unit, part))
            except ParametersInvalid as error:
                problems += of_parts(error, part.sku)
        if problems:
            raise ParametersInvalid(sku=request.sku, problems=problems)
        return Whole(request, product, template, parameters, input_, tuple(parts))

    def template(self, product: Mapping[str, Any], name: str | None = None) -> Template:
        """The template of this name, else the one that fits the product best."""
        found = self._templates.of(product) if name is None else self._templates.get(name)
        if START not in found.definitions:
            raise TemplateNotFound(name=found.name)
        return found

    def begin(self, unit: Unit, request: Request, *, idempotency_key: str | None = None) -> Started:
        """Begin to provision: an instance that is created, and a run that is due.

        Raises what `resolved` does, OutOfStock, CustomerErased, KeyReused.
        """
        if idempotency_key is not None and (again := self._again(unit, idempotency_key, _asked_for(request))):
            return again
        whole = self.whole(unit, request)
        self._check_stock(whole)
        product, template, parameters = whole.product, whole.template, whole.parameters
        self._customers.ensure(unit, request.customer)
        run_id = ids.new("run")
        instance_id = self._instance(unit, request, product, parameters, run_id)
        new = self.new_run(run_id, START, product, template, request, instance_id, parameters)
        self._write(unit, new, template, START, request, instance_id, idempotency_key, _asked_for(request))
        return Started(run_id, "pending", instance_id)

    def part(self, unit: Unit, request: Request) -> NewRun:
        """The same for a part of a bundle, whose run the bundle's own begins."""
        product, template, parameters = self.resolved(unit, request)
        run_id = ids.new("run")
        instance_id = self._instance(unit, request, product, parameters, run_id)
        new = self.new_run(run_id, START, product, template, request, instance_id, parameters)
        self._keep(unit, new, template, START, request, instance_id)
        return new

    def _instance(
        self, unit: Unit, request: Request, product: Mapping[str, Any], parameters: dict[str, Any], run_id: str
    ) -> str:
        return self._instances.create(
            unit,
            customer=request.customer,
            sku=request.sku,
            product=sold(product),
            configuration=parameters,
            customisation=dict(request.customisation or {}),
            parent=request.parent,
            upgrade_from=request.upgrade_from,
            purchase=request.purchase,
            run_id=run_id,
        )

    def change(
        self,
        unit: Unit,
        instance_id: str,
        operation: str,
        parameters: Mapping[str, Any],
        *,
        to_sku: str | None = None,
        idempotency_key: str | None = None,
    ) -> Started:
        """Begin to modify, suspend, resume, terminate or upgrade (to another product) as the instance's template says.

        Raises InstanceNotFound, OperationUnknown, OperationRunning, InstanceClosed, InvalidTransition,
        ParametersInvalid, KeyReused; for an upgrade what `resolved` does.
        """
        asked_for = [operation, instance_id, to_sku, dict(parameters)]
        if idempotency_key is not None and (again := self._again(unit, idempotency_key, asked_for)) is not None:
            return again
        instance = self._instances.within(unit, instance_id)
        new, template, request = self._changed(unit, instance, operation, parameters, to_sku)
        return self._write(unit, new, template, operation, request, instance_id, idempotency_key, asked_for)

    def ends_of_parts(self, unit: Unit, instance_id: str, *, run_id: str) -> list[NewRun]:
        """Runs that terminate the parts of a bundle; a part whose template says nothing of its end is ended at once.

        Raises what `change` does.
        """
        new_runs = []
        for part in self._instances.parts(unit, self._instances.within(unit, instance_id)):
            try:
                new, template, request = self._changed(unit, part, TERMINATE, {}, None)
            except OperationUnknown:
                for trigger in ("terminate", "end"):
                    self._instances.advance(unit, part.id, trigger, run_id=run_id)
                continue
            self._keep(unit, new, template, TERMINATE, request, part.id)
            new_runs.append(new)
        return new_runs

    def _changed(
        self, unit: Unit, instance: Instance, operation: str, parameters: Mapping[str, Any], to_sku: str | None
    ) -> tuple[NewRun, Template, Request]:
        instance_id = instance.id
        product = {"sku": instance.sku, **instance.product}
        template = self.template(product)
        if operation not in template.definitions:
            raise OperationUnknown(template=template.name, sku=instance.sku, operation=operation)
        if (run := queries.running_on(unit, instance_id)) is not None:
            raise OperationRunning(instance=instance_id, run=run)
        check_possible(instance, operation)
        if operation == "modify":
            known = set(template.parameters.get("properties", {}))
            kept = {name: value for name, value in instance.configuration.items() if name in known}
            checked(instance.sku, template.parameters, {**kept, **parameters})
        more: dict[str, Any] = {"configuration": instance.configuration, "state": instance.state}
        if to_sku is not None:
            wanted = Request(to_sku, instance.customer_id, parameters)
            target, _, parameters = self.resolved(unit, wanted, instance.configuration)
            more["target"] = {"sku": to_sku, **sold(target)}
        request = Request(to_sku or instance.sku, instance.customer_id, parameters)
        run_id = ids.new("run")
        new = self.new_run(run_id, operation, product, template, request, instance_id, parameters)
        return new._replace(input={**new.input, "product": product, **more}), template, request

    def new_run(
        self,
        run_id: str,
        operation: str,
        product: Mapping[str, Any],
        template: Template,
        request: Request,
        instance_id: str,
        parameters: Mapping[str, Any],
    ) -> NewRun:
        """A run with the input that the expressions of its template read; nothing personal is in it."""
        return NewRun(
            definition=template.definitions[operation].name,
            system=SYSTEM,
            subject=instance_id,
            input={
                "operation": operation,
                "product": {"sku": request.sku, **sold(product)},
                "customer": {"id": request.customer},
                "instance": {"id": instance_id},
                "quantity": request.quantity,
                "purchase": request.purchase,
                "parameters": dict(parameters),
            },
            id=run_id,
        )

    def _write(
        self,
        unit: Unit,
        new: NewRun,
        template: Template,
        operation: str,
        request: Request,
        instance_id: str,
        idempotency_key: str | None,
        asked_for: Any,
    ) -> Started:
        now = self._clock.now()
        version = starting.keep(unit, template.definitions[operation], now=now)
        keyed = new._replace(idempotency_key=idempotency_key, request=asked_for)
        run_id, created = starting.insert_run(unit, keyed, now=now, version=version)
        if created:
            about = ProvisioningRun(
                run_id, template.name, operation, request.sku, request.customer, instance_id, request.quantity
            )
            queries.add(unit, about, now=now)
        return Started(run_id, "pending", instance_id, created)

    def _keep(
        self, unit: Unit, new: NewRun, template: Template, operation: str, request: Request, instance_id: str
    ) -> None:
        """Write down what a run is for that another one is about to begin."""
        now = self._clock.now()
        starting.keep(unit, template.definitions[operation], now=now)
        about = ProvisioningRun(
            str(new.id), template.name, operation, request.sku, request.customer, instance_id, request.quantity
        )
        queries.add(unit, about, now=now)

    def _again(self, unit: Unit, key: str, asked_for: Any) -> Started | None:
        """What the same key has begun before."""
        run_id = starting.started_before(unit, key, asked_for)
        if run_id is None:
            return None
        about = queries.about(unit, run_id)
        assert about is not None
        return Started(run_id, "", about.instance_id, created=False)

    def _check_stock(self, whole: Whole) -> None:
        """What the reservations would find together; each reservation itself decides."""
        wanted: dict[str, int] = {}
        for each in whole.each() if self._counts_stock else ():
            sku, stock = str(each.product["sku"]), each.product["stock"]
            if not stock["locations"] or RESERVES not in each.template.definitions[START].actions:
                continue
            wanted[sku] = wanted.get(sku, 0) + each.request.quantity
            if stock["available"] < wanted[sku]:
                raise OutOfStock(sku=sku, available=stock["available"], wanted=wanted[sku])


def check_possible(instance: Instance, operation: str) -> None:
    """Refuse before anything is called what the life of the instance does not allow.

    Raises InstanceClosed, InvalidTransition.
    """
    if instance.state in CLOSED:
        raise InstanceClosed(id=instance.id, state=instance.state)
    moves = LIFE[operation]
    trigger = moves.get("start") or moves.get("complete")
    if trigger is not None and target_of(trigger, instance.state) is None:
        possible = ", ".join(triggers_from(instance.state))
        raise InvalidTransition(id=instance.id, state=instance.state, trigger=trigger, possible=possible)


def _asked_for(request: Request) -> Any:
    """What an idempotency key stands for; how an instance is by now has no part in it."""
    return [START, None, request.sku, request.customer, dict(request.parameters), request.quantity, request.template]
