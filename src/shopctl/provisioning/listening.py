"""What becomes of an instance when its run goes on: in the same unit, so that neither is ever without the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shopctl.events import outbox
from shopctl.kernel.clock import Clock
from shopctl.kernel.errors import ShopctlError
from shopctl.provisioning.model import LIFE
from shopctl.storage.unit import Unit

if TYPE_CHECKING:
    from shopctl.product_store.service import InstanceService
    from shopctl.workflow.model import Run


class InstanceListener:
    """Hears of provisioning runs and moves their instances along."""

    def __init__(self, instances: InstanceService, clock: Clock) -> None:
        self._instances = instances
        self._clock = clock

    def run_changed(self, unit: Unit, run: Run, trigger: str) -> None:
        """See `workflow.ports.Listener`; an instance that somebody else has moved meanwhile is reported, not forced."""
        operation = str(run.input["operation"])
        step = LIFE[operation].get(trigger)
        if operation == "terminate" and step == "keep" and run.input.get("state") == "suspended":
            step = "keep_suspended"
        patch: dict[str, Any] = dict(run.output or {}) if trigger == "complete" else {}
        if operation in ("modify", "upgrade") and trigger == "complete":
            patch = {**run.input["parameters"], **patch}
        unit.execute("savepoint instance")
        try:
            if step == "abort" and self._instances.within(unit, run.subject).state in ("active", "suspended"):
                # It was provisioned whole and is undone with the bundle it is a part of.
                self._instances.advance(unit, run.subject, "terminate", run_id=run.id)
                self._instances.advance(unit, run.subject, "end", run_id=run.id)
            elif step is not None:
                self._instances.advance(unit, run.subject, step, run_id=run.id, configuration=patch or None)
            elif operation == "upgrade" and trigger == "complete":
                target = dict(run.input["target"])
                sku = str(target.pop("sku"))
                self._instances.configure(
                    unit, run.subject, sku=sku, product=target, configuration=patch, run_id=run.id
                )
            elif patch:
                self._instances.configure(unit, run.subject, configuration=patch, run_id=run.id)
        except ShopctlError as error:
            unit.execute("rollback to savepoint instance")
            told = {"run": run.id, "trigger": trigger, "error": {"code": error.code, "message": str(error)}}
            outbox.add(unit, "instance.out_of_step", run.subject, told, now=self._clock.now())
        unit.execute("release savepoint instance")
