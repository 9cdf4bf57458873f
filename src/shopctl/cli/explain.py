"""`shopctl explain ID`: what an id stands for, by its prefix."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from shopctl.cli.options import Context
from shopctl.kernel.errors import UsageError

# What an id names, and the command that shows it.
KINDS = {
    "ins": ("a product instance", "instance show"),
    "run": ("a run of a workflow", "provision show"),
    "cus": ("a customer", "customer show"),
    "usr": ("a user", "user show"),
    "evt": ("an event", "event show"),
    "imp": ("an import of a feed", "catalogue imports"),
    "rsv": ("a reservation of stock", "stock reservations"),
    "lic": ("a licence key", "licence list"),
    "shp": ("a shipment", "provision list"),
    "bak": ("a backup", "backup verify"),
}


class UnknownId(UsageError):
    """{id!r} is not the id of anything."""

    code = "usage.unknown_id"
    hint = "Ids begin with what they name: {prefixes}."


def explain(
    ctx: Context, id_: Annotated[str, typer.Argument(metavar="ID", help="Any id, such as run_01m8gh….")]
) -> None:
    """Say what an id stands for, and show it."""
    from shopctl.kernel.ids import prefix_of

    prefix = prefix_of(id_)
    if prefix not in KINDS:
        raise UnknownId(id=id_, prefixes=", ".join(f"{name}_" for name in KINDS))
    kind, command = KINDS[prefix]
    shop = ctx.obj
    row: dict[str, Any] = {"id": id_, "kind": kind, "command": f"shopctl {command} {id_}"}
    if prefix in ("imp", "rsv", "lic", "shp"):
        row["command"] = f"shopctl {command}"
    row["found"] = _found(shop.services, prefix, id_)
    shop.show(row)


def _found(services: Any, prefix: str, id_: str) -> dict[str, Any] | None:
    """The thing itself, where one row of the shop's database holds it."""
    if prefix == "ins":
        return dict(services.instances.show(id_))
    if prefix == "run":
        found = services.provisioning.show(id_)
        return {
            name: found[name] for name in ("state", "operation", "sku", "customer", "instance_id", "error", "next_at")
        }
    if prefix == "cus":
        found = services.customers.show(id_)
        return {name: found[name] for name in ("state", "country", "language") if name in found}
    return None
