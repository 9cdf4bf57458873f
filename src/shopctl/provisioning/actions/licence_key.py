"""The action `licence-key`: takes a key from a pool, and gives it back or burns it when the step is undone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from shopctl.provisioning.licence_keys import LicenceKeyService
from shopctl.workflow.ports import Call, Done, Failed, Outcome
from shopctl.workflow.step_values import StepValues

if TYPE_CHECKING:
    from shopctl.storage.unit import Unit


class LicenceKeyAction:
    """`with = { pool }`, and as a compensation `{ on_undo = "burn" or "return" }`. Output: {"licence_key_id", "pool"}.

    Without a word on it a key is burned: somebody may have seen it, and a key that is sold twice costs more than one
    that is lost.
    """

    name = "licence-key"
    place: Literal["inside"] = "inside"

    def __init__(self, keys: LicenceKeyService) -> None:
        self._keys = keys

    def problems(self, values: Mapping[str, Any]) -> list[str]:
        """See `Action`."""
        return _read(values, written=True, undoing="on_undo" in values)[2]

    def perform(self, unit: Unit, call: Call) -> Outcome:
        """See `InsideAction`. Raises NoLicenceKeyLeft, which is tried again."""
        pool, on_undo, problems = _read(call.values, undoing=call.undoing)
        if problems:
            return Failed("licence_key.with", "; ".join(problems))
        if call.undoing:
            given = self._keys.give_back(unit, run_id=call.run_id, step=call.step, burn=on_undo == "burn")
            return Done({"licence_key_id": given, "on_undo": on_undo})
        claimed = self._keys.claim(unit, pool, run_id=call.run_id, step=call.step)
        return Done({"licence_key_id": claimed, "pool": pool})


def _read(values: Mapping[str, Any], *, undoing: bool, written: bool = False) -> tuple[str, str, list[str]]:
    read = StepValues(values, written=written)
    pool = read.text("pool", needed=not undoing)
    on_undo = read.text("on_undo", "burn", choices=("burn", "return"))
    read.end()
    return pool, on_undo, read.problems
