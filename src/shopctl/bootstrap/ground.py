"""What all systems of a shop stand on: settings, clock, databases, sealers, calls to the outside."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from shopctl.kernel.clock import Clock
from shopctl.storage.database import Database, open_database
from shopctl.storage.files import check_private_folders

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shopctl.audit.service import Audit
    from shopctl.events.model import Subscriber
    from shopctl.events.service import EventService
    from shopctl.kernel.settings import Settings
    from shopctl.outgoing.client import OutgoingClient
    from shopctl.product_store.service import InstanceService
    from shopctl.storage.migrations import Chain
    from shopctl.storage.sealing import SealedColumn, Sealer


KEY_SETTING: dict[Chain, str] = {"shop": "customers.key_encryption_key", "auth": "auth.key_encryption_key"}
"""Which setting says where the key-encryption key of a database comes from."""


class Ground:
    """The ground of one shop. `reason` says in the audit trail why something is done."""

    def __init__(self, settings: Settings, *, reason: str | None = None) -> None:
        """Raises PermissionsTooOpen when others can reach a folder of the shop, also one that is not needed now."""
        check_private_folders(str(settings.home))
        self.settings = settings
        self.reason = reason
        self.actor: str | None = None
        self.clock = Clock()

    def act_as(self, actor: str) -> None:
        """Have both audit trails name this actor, instead of the operating system's user, from now on."""
        self.actor = actor
        for name in ("audit", "auth_audit"):
            if name in self.__dict__:
                self.__dict__[name].actor = actor

    @cached_property
    def database(self) -> Database:
        """The shop's database, its schema checked. Raises SchemaOutdated, SchemaNewer, DatabaseMissing and the like."""
        from shopctl.storage import migrations

        database = open_database(self.settings.database_url)
        migrations.check(database, "shop")
        return database

    @cached_property
    def audit(self) -> Audit:
        """The trail of who changed what in the shop's database."""
        from shopctl.audit.service import Audit

        key_file = self.settings.audit_key_file
        return Audit(self.database, key_file, reason=self.reason, actor=self.actor, clock=self.clock)

    @cached_property
    def shop_sealer(self) -> Sealer:
        """What seals the columns of the shop's database."""
        return self._shop_sealer()

    def _shop_sealer(self) -> Sealer:
        from shopctl.customers.sealed import COLUMNS as CUSTOMERS
        from shopctl.provisioning.sealed import COLUMNS as PROVISIONING

        return self._sealer("shop", (*CUSTOMERS, *PROVISIONING))

    def _sealer(self, chain: Chain, columns: Sequence[SealedColumn]) -> Sealer:
        from shopctl.storage.key_encryption import key_encryption_keys
        from shopctl.storage.sealing import Sealer

        source = self.settings.get(KEY_SETTING[chain])
        return Sealer(chain, columns, lambda: key_encryption_keys(source))

    @cached_property
    def outgoing(self) -> OutgoingClient:
        """Calls to other systems."""
        from shopctl.outgoing.client import OutgoingClient

        names = ("provisioning.inventory_url", "provisioning.fulfilment_url")
        bases = [base for name in names if (base := self.settings.get(name)) is not None]
        return OutgoingClient(self.settings.get("network.allow_private"), bases)

    @cached_property
    def events(self) -> EventService:
        """What happened, and its delivery to subscribers."""
        from shopctl.events.service import EventService

        return EventService(self.database, self.audit, self.clock, self.subscribers)

    @cached_property
    def subscribers(self) -> Sequence[Subscriber]:
        """Who hears of events: the news that travels upwards, from the systems below to those above."""
        return ()

    @cached_property
    def instances(self) -> InstanceService:
        """Product instances: what customers have. Raises NoReplica for eventual reads without a replica."""
        from shopctl.product_store.service import InstanceService
        from shopctl.storage.replica import ReplicaReads

        settings = self.settings
        eventual = settings.get("store.consistency") == "eventual"
        reads = ReplicaReads.of(self.database, settings.get("read_url"), settings.home) if eventual else None
        indexed = settings.get("store.indexed_attributes")
        return InstanceService(self.database, self.audit, self.clock, reads=reads, indexed=indexed)

    def close(self) -> None:
        """Seal what was recorded, and let go of the connection."""
        built = self.__dict__
        try:
            for name in ("audit", "auth_audit"):
                if name in built:
                    built[name].finish()
            if "instances" in built:
                built["instances"].finish()
        finally:
            for name in ("database", "auth_database"):
                if name in built:
                    built[name].close()
