"""The parts of a bundle: each is provisioned by a run of its own, undone with it, and comes to its end before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shopctl.provisioning.bundles import BEGINS, requests
from shopctl.storage.unit import Unit
from shopctl.workflow.ports import Call, Failed, Outcome, SubRuns

if TYPE_CHECKING:
    from shopctl.provisioning.starting import Beginning


class Components:
    """`with = {}`: a run for each component of the product; its parameters stand under `parameters.components.SKU`."""

    name = BEGINS
    place = "inside"
    undone_by = "itself"  # the runner undoes sub-runs

    def __init__(self, beginning: Beginning) -> None:
        self._beginning = beginning

    def problems(self, values: Mapping[str, Any]) -> list[str]:
        """See `workflow.ports.Action`."""
        return _unknown(values, {"components", "customer", "instance", "quantity", "parameters", "purchase"})

    def perform(self, unit: Unit, call: Call) -> Outcome:
        """Begin a run for each component."""
        if not call.values.get("components"):
            return Failed("provisioning.no_components", "the product has no components")
        return SubRuns([self._beginning.part(unit, request) for request in requests(call.values)])


class EndComponents:
    """`with = { instance }`: a run that terminates each part of the instance that lives; what has nothing to be done
    for its end is ended at once."""

    name = "end-components"
    place = "inside"
    undone_by = "nothing"

    def __init__(self, beginning: Beginning) -> None:
        self._beginning = beginning

    def problems(self, values: Mapping[str, Any]) -> list[str]:
        """See `workflow.ports.Action`."""
        return _unknown(values, {"instance"}) or ([] if "instance" in values else ["`with` needs `instance`"])

    def perform(self, unit: Unit, call: Call) -> Outcome:
        """Begin to terminate each part. Raises OperationRunning for one that is being changed."""
        return SubRuns(self._beginning.ends_of_parts(unit, str(call.values["instance"]), run_id=call.run_id))


def _unknown(values: Mapping[str, Any], known: set[str]) -> list[str]:
    unknown = values.keys() - known
    return [f"`with` has no {sorted(unknown)[0]!r}"] if unknown else []
