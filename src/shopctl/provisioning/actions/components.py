"""The parts of a bundle: each is provisioned by a run of its own, and undone with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shopctl.provisioning.model import Request
from shopctl.storage.unit import Unit
from shopctl.workflow.ports import Call, Failed, Outcome, SubRuns

if TYPE_CHECKING:
    from shopctl.provisioning.starting import Beginning


class Components:
    """`with = {}`: a run for each component of the product; its parameters stand under `parameters.components.SKU`."""

    name = "components"
    place = "inside"
    undone_by = "itself"  # the runner undoes sub-runs

    def __init__(self, beginning: Beginning) -> None:
        self._beginning = beginning

    def problems(self, values: Mapping[str, Any]) -> list[str]:
        """See `workflow.ports.Action`."""
        unknown = values.keys() - {"components", "customer", "instance", "quantity", "parameters", "purchase"}
        return [f"`with` has no {sorted(unknown)[0]!r}"] if unknown else []

    def perform(self, unit: Unit, call: Call) -> Outcome:
        """Begin a run for each component."""
        values = call.values
        components = values.get("components") or []
        if not components:
            return Failed("provisioning.no_components", "the product has no components")
        own = values.get("parameters") or {}
        parts = own.get("components") or {}
        quantity = int(values.get("quantity") or 1)
        return SubRuns(
            [
                self._beginning.part(
                    unit,
                    Request(
                        component["sku"],
                        str(values["customer"]),
                        parts.get(component["sku"], {}),
                        quantity * int(component.get("quantity", 1)),
                        purchase=values.get("purchase"),
                        parent=values.get("instance"),
                    ),
                )
                for component in components
            ]
        )
