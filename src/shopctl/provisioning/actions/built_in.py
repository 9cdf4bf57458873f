"""What steps may call, by name: the actions that come along, and those of plugins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from shopctl.events import outbox
from shopctl.hooks import plugins
from shopctl.kernel import logging
from shopctl.kernel.clock import Clock
from shopctl.storage.unit import Unit
from shopctl.workflow.ports import Action

if TYPE_CHECKING:
    from shopctl.kernel.settings import Settings
    from shopctl.outgoing.client import OutgoingClient
    from shopctl.provisioning.actions.secrets import Secrets
    from shopctl.provisioning.licence_keys import LicenceKeyService
    from shopctl.provisioning.ports import Fulfilment, Inside, Inventory, Outside
    from shopctl.provisioning.starting import Beginning
    from shopctl.workflow.callbacks import CallbackSigner


def built_in(
    *,
    clock: Clock,
    client: OutgoingClient,
    secrets: Secrets,
    folder: str,
    base_url: str,
    callbacks: CallbackSigner,
    link_key: Callable[[Unit], bytes],
    licence_keys: LicenceKeyService,
    inventory: Inside[Inventory] | Outside[Inventory],
    fulfilment: Inside[Fulfilment] | Outside[Fulfilment],
    beginning: Beginning,
) -> dict[str, Action]:
    """All of them. `base_url` is where others reach this shop, `link_key` signs links to downloads."""
    from shopctl.provisioning.actions.command import CommandAction
    from shopctl.provisioning.actions.components import Components, EndComponents
    from shopctl.provisioning.actions.download_link import DownloadLinkAction
    from shopctl.provisioning.actions.fulfilment import fulfilment_actions
    from shopctl.provisioning.actions.http import HttpAction
    from shopctl.provisioning.actions.licence_key import LicenceKeyAction
    from shopctl.provisioning.actions.message import MessageAction
    from shopctl.provisioning.actions.notify import NotifyAction
    from shopctl.provisioning.actions.period import PeriodAction
    from shopctl.provisioning.actions.stock import stock_actions
    from shopctl.workflow.actions import ApprovalAction, TimerAction

    def publish(unit: Unit, type_: str, subject: str, payload: Mapping[str, Any]) -> str:
        return outbox.add(unit, type_, subject, payload, now=clock.now())

    actions: list[Action] = [
        HttpAction(client, secrets, callbacks),
        CommandAction(secrets, folder),
        MessageAction(publish),
        NotifyAction(publish),
        LicenceKeyAction(licence_keys),
        DownloadLinkAction(base_url, link_key, clock),
        PeriodAction(clock),
        Components(beginning),
        EndComponents(beginning),
        TimerAction(clock),
        ApprovalAction(),
    ]
    return {
        **{action.name: action for action in actions},
        **stock_actions(inventory),
        **fulfilment_actions(fulfilment),
    }


def brought(settings: Settings) -> dict[str, Action]:
    """Those that plugins bring; one whose plugin fails is left out, and steps that call it fail."""
    found: dict[str, Action] = {}
    for name, make in plugins.actions().items():
        try:
            found[name] = make(settings)
        except Exception as error:
            logging.warning("an action of a plugin is left out", action=name, error=repr(error))
    return found
