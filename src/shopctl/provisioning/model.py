"""What is asked for when a product is provisioned or an instance is changed; no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

SYSTEM = "provisioning"
"""What its runs name as their system."""

# What a run of an operation does to the life of its instance: trigger of the run -> trigger of the instance.
LIFE: dict[str, dict[str, str]] = {
    "start": {"start": "provision", "retry": "provision", "complete": "activate", "fail": "abort", "cancel": "abort"},
    "modify": {},
    "renew": {},
    "suspend": {"complete": "suspend"},
    "resume": {"complete": "resume"},
    "terminate": {"start": "terminate", "retry": "terminate", "complete": "end", "fail": "keep", "cancel": "keep"},
    "upgrade": {},
}
SOLD = ("name", "kind", "brand", "category", "categories", "attributes", "options", "components", "prices")
"""What an instance keeps of the product as it was sold, and what a run's input says of it."""

INPUT = frozenset(
    {
        "operation", "product", "customer", "instance", "quantity", "purchase", "parameters",
        "configuration", "state", "target",
    }
)  # fmt: skip
"""What the expressions of a template may read after `input.`; the last three are there when an instance is changed."""


class Request(NamedTuple):
    """A product that a customer is to have."""

    sku: str
    customer: str
    parameters: Mapping[str, Any]
    quantity: int = 1
    template: str | None = None  # chosen by the product unless it is named
    purchase: str | None = None
    parent: str | None = None  # the instance of the bundle that it is a part of
    upgrade_from: str | None = None
    customisation: Mapping[str, Any] | None = None


class Started(NamedTuple):
    """A run that was begun; `created` is false where the same idempotency key had begun it before."""

    run_id: str
    state: str
    instance_id: str
    created: bool = True

    def as_dict(self) -> dict[str, Any]:
        """{"run_id","state","instance_id"}."""
        return {"run_id": self.run_id, "state": self.state, "instance_id": self.instance_id}


def sold(product: Mapping[str, Any]) -> dict[str, Any]:
    """The product as it is sold now, from its document."""
    return {name: product[name] for name in SOLD if product.get(name) not in (None, "", [], {})}
