"""Workflows and the provisioner, wired: which adapters and actions a worker has."""

from __future__ import annotations

from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING

from shopctl.bootstrap.selling import SellingServices
from shopctl.storage.database import open_database

if TYPE_CHECKING:
    from shopctl.provisioning.adapters.rest import RestService
    from shopctl.provisioning.downloads import Downloads
    from shopctl.provisioning.licence_keys import LicenceKeyService
    from shopctl.provisioning.ports import Fulfilment, Inside, Inventory, Outside
    from shopctl.provisioning.service import ProvisioningService
    from shopctl.provisioning.starting import Beginning
    from shopctl.provisioning.template_checks import TemplateChecks
    from shopctl.provisioning.templates import Templates
    from shopctl.storage.unit import Unit
    from shopctl.workflow.answering import CallbackService
    from shopctl.workflow.callbacks import CallbackSigner
    from shopctl.workflow.ports import Action
    from shopctl.workflow.runner import Runner


class ProvisioningServices(SellingServices):
    """Templates, runs, workers, and what steps call."""

    @cached_property
    def templates(self) -> Templates:
        """How products are provisioned."""
        from shopctl.hooks import plugins
        from shopctl.provisioning.templates import Templates

        return Templates(self.settings.get("provisioning.templates"), plugins.templates())

    @cached_property
    def template_checks(self) -> TemplateChecks:
        """Templates as their authors see them."""
        from shopctl.provisioning.template_checks import TemplateChecks

        return TemplateChecks(self.templates, self.actions)

    @cached_property
    def actions(self) -> dict[str, Action]:
        """What the steps of workflows may call, by name."""
        from shopctl.provisioning.actions.built_in import brought, built_in
        from shopctl.provisioning.actions.secrets import Secrets

        base = str(self.settings.base)
        own = built_in(
            clock=self.clock,
            client=self.outgoing,
            secrets=Secrets(base),
            folder=base,
            base_url=self.settings.get("http.base_url"),
            callbacks=self.callback_signer,
            link_key=self._link_key,
            licence_keys=self.licence_keys,
            inventory=self._inventory(),
            fulfilment=self._fulfilment(),
            beginning=self.beginning,
        )
        return {**brought(self.settings), **own}

    @cached_property
    def downloads(self) -> Downloads:
        """Links to digital goods, as whoever has one brings it back."""
        from shopctl.provisioning.downloads import Downloads

        return Downloads(self.database, self.clock, self._link_key)

    def _link_key(self, unit: Unit) -> bytes:
        return self.shop_sealer.secret(unit, "download links")

    @cached_property
    def callback_signer(self) -> CallbackSigner:
        """What signs the URLs by which other systems answer later, and reads them."""
        from shopctl.workflow.callbacks import CallbackSigner

        return CallbackSigner(self._callback_key, self.settings.get("http.base_url"), self.clock)

    def _callback_key(self) -> bytes:
        # Asked for by the thread that makes the first call with a callback: neither the worker's connection nor its
        # sealer is for that one to use.
        with closing(open_database(self.settings.database_url)) as database, database.unit() as unit:
            return self._shop_sealer().secret(unit, "callbacks")

    def _inventory(self) -> Inside[Inventory] | Outside[Inventory]:
        from shopctl.provisioning.adapters.http_inventory import HttpInventory
        from shopctl.provisioning.adapters.local_inventory import LocalInventory

        service = self._rest("inventory")
        return LocalInventory(self.stock) if service is None else HttpInventory(service)

    def _fulfilment(self) -> Inside[Fulfilment] | Outside[Fulfilment]:
        from shopctl.provisioning.adapters.http_fulfilment import HttpFulfilment
        from shopctl.provisioning.adapters.local_fulfilment import LocalFulfilment

        service = self._rest("fulfilment")
        if service is not None:
            return HttpFulfilment(service)
        return LocalFulfilment(self.clock, by_hand=self.settings.get("provisioning.fulfilment.by_hand"))

    def _rest(self, name: str) -> RestService | None:
        """The other system that keeps stock or shipping, None where the shop does."""
        from shopctl.provisioning.actions.secrets import Secrets
        from shopctl.provisioning.adapters.rest import RestService

        url = self.settings.get(f"provisioning.{name}_url")
        if url is None:
            return None
        source = self.settings.get(f"provisioning.{name}_token")
        secrets = Secrets(str(self.settings.base))
        return RestService(name, self.outgoing, url, None if source is None else lambda: secrets.get(source))

    @cached_property
    def beginning(self) -> Beginning:
        """Where runs of the provisioner begin, within a unit of whoever asks for one."""
        from shopctl.provisioning.starting import Beginning

        here = self.settings.get("provisioning.inventory_url") is None
        return Beginning(self.clock, self.catalogue, self.customers, self.instances, self.templates, counts_stock=here)

    @cached_property
    def provisioning(self) -> ProvisioningService:
        """Products provisioned for customers."""
        from shopctl.provisioning.service import ProvisioningService

        return ProvisioningService(self.database, self.audit, self.clock, self.beginning, self.worker)

    def worker(self, *, batch: int = 200) -> Runner:
        """A worker that carries runs of all systems on."""
        from shopctl.provisioning.listening import InstanceListener
        from shopctl.provisioning.model import SYSTEM
        from shopctl.workflow.runner import Runner

        listeners = {SYSTEM: InstanceListener(self.instances, self.clock)}
        return Runner(self.database, self.clock, self.actions, listeners, batch=batch)

    @cached_property
    def licence_keys(self) -> LicenceKeyService:
        """Pools of licence keys."""
        from shopctl.provisioning.licence_keys import LicenceKeyService

        return LicenceKeyService(self.database, self.audit, self.clock, self.shop_sealer)

    @cached_property
    def callbacks(self) -> CallbackService:
        """Answers that other systems bring later."""
        from shopctl.workflow.answering import CallbackService

        return CallbackService(self.database, self.clock)
