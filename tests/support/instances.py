"""Product instances for tests: a service on a database, and what it is told in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shopctl.audit.service import Audit
from shopctl.kernel.clock import Clock
from shopctl.product_store.model import Instance, InstanceId
from shopctl.product_store.service import InstanceService
from shopctl.product_store.where import Filters, parsed
from shopctl.storage.database import Database
from shopctl.storage.replica import Reads

PRODUCT = {"name": "Host", "kind": "service", "price": {"amount": "19.99", "currency": "EUR"}, "attributes": {"cpu": 2}}
WAYS = {
    "created": (), "pending_active": ("provision",), "active": ("activate",), "suspended": ("activate", "suspend"),
    "pending_terminate": ("activate", "terminate"), "terminated": ("activate", "terminate", "end"),
    "aborted": ("abort",),
}  # fmt: skip
"""How an instance comes into each state."""


class Instances:
    """Writes each in a unit of its own, as a step of a run would."""

    def __init__(
        self,
        database: Database,
        key: Path,
        clock: Clock | None = None,
        *,
        reads: Reads | None = None,
        indexed: tuple[str, ...] = (),
    ) -> None:
        self.database = database
        self.clock = clock or Clock()
        self.audit = Audit(database, key, actor="os:anna", clock=self.clock)
        self.service = InstanceService(database, self.audit, self.clock, reads=reads, indexed=indexed)

    def create(self, customer: str = "C-1", sku: str = "HOST-1", state: str = "created", **given: Any) -> InstanceId:
        """An instance that has come into a state."""
        with self.database.unit() as unit:
            made = self.service.create(unit, customer=customer, sku=sku, **{"product": PRODUCT, **given})
            for trigger in WAYS[state]:
                self.service.advance(unit, made, trigger)
        return made

    def advance(self, instance: InstanceId, trigger: str, **given: Any) -> Instance:
        with self.database.unit() as unit:
            return self.service.advance(unit, instance, trigger, **given)

    def configure(self, instance: InstanceId, **given: Any) -> Instance:
        with self.database.unit() as unit:
            return self.service.configure(unit, instance, **given)

    def relate(self, instance: InstanceId, **given: Any) -> Instance:
        with self.database.unit() as unit:
            return self.service.relate(unit, instance, **given)

    def listed(self, *where: str, limit: int | None = None, after: str | None = None, at: int | None = None,
               **given: Any) -> list[InstanceId]:  # fmt: skip
        """The ids in a list."""
        filters = Filters(**given, where=parsed(where))
        return [row["instance_id"] for row in self.service.list(filters, limit=limit, after=after, at=at)]

    def stored(self) -> list[Any]:
        """All rows of both tables."""
        with self.database.read() as unit:
            return [unit.tuples(f"select * from {table} order by 1, 2") for table in ("instance", "instance_change")]
