"""The action `notify`: asks for a notification; whoever delivers them hears of it by its event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from shopctl.provisioning.actions.publishing import Publish
from shopctl.workflow.ports import Call, Done, Failed, Outcome
from shopctl.workflow.step_values import StepValues

if TYPE_CHECKING:
    from shopctl.storage.unit import Unit

REQUESTED = "notification.requested"


class NotifyAction:
    """`with = { template, customer, facts = { … } }`. Output: {"event_id"}.

    The event is `notification.requested` about the customer, its payload {"template", "customer", "facts", "run_id",
    "step", "key"}. It is written once for each pass of the step; delivery is idempotent by its id.
    """

    name = "notify"
    place: Literal["inside"] = "inside"
    undone_by = "nothing"

    def __init__(self, publish: Publish) -> None:
        self._publish = publish

    def problems(self, values: Mapping[str, Any]) -> list[str]:
        """See `Action`."""
        return _read(values, written=True)[1]

    def perform(self, unit: Unit, call: Call) -> Outcome:
        """See `InsideAction`."""
        asked, problems = _read(call.values)
        if problems:
            return Failed("notify.with", "; ".join(problems))
        payload = {**asked, "run_id": call.run_id, "step": call.step, "key": call.key}
        return Done({"event_id": self._publish(unit, REQUESTED, asked["customer"], payload)})


def _read(values: Mapping[str, Any], *, written: bool = False) -> tuple[dict[str, Any], list[str]]:
    read = StepValues(values, written=written)
    asked = {
        "template": read.text("template", needed=True),
        "customer": read.text("customer", needed=True),
        "facts": read.data("facts", {}),
    }
    if not isinstance(asked["facts"], Mapping) and not (written and isinstance(asked["facts"], str)):
        read.wrong("facts", "must be a table")
    read.end()
    return asked, read.problems
