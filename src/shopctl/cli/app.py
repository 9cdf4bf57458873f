"""The root of the command line: it knows the names of all commands and imports one only when it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from shopctl.cli.shop import Shop


class Entry(NamedTuple):
    """Where a command is and what help says of it; `function` is None for a noun, whose module has a `noun`."""

    module: str
    help: str
    function: str | None = None


# In the order in which help shows them.
COMMANDS: dict[str, Entry] = {
    "init": Entry("shopctl.cli.init", "Make a shop in this folder.", "init"),
    "demo": Entry("shopctl.cli.demo", "Show a whole shop at work, in a temporary folder.", "demo"),
    "status": Entry("shopctl.cli.status", "Show what the shop holds and what is due.", "status"),
    "doctor": Entry("shopctl.cli.status", "Check the shop and its surroundings.", "doctor"),
    "explain": Entry("shopctl.cli.explain", "Say what an id stands for, and show it.", "explain"),
    "catalogue": Entry("shopctl.cli.catalogue", "Products, prices, imports, exports and search."),
    "stock": Entry("shopctl.cli.stock", "What is on hand, reserved and available."),
    "customer": Entry("shopctl.cli.customer", "Customers: contact, addresses, payment methods, erasing."),
    "instance": Entry("shopctl.cli.instance", "What customers have: product instances and their history."),
    "template": Entry("shopctl.cli.template", "Templates: how products are provisioned."),
    "provision": Entry("shopctl.cli.provision", "Products provisioned for customers, and runs that stand still."),
    "licence": Entry("shopctl.cli.licence", "Pools of licence keys that are handed out."),
    "worker": Entry("shopctl.cli.worker", "Work on what is due, once or for ever.", "worker"),
    "store": Entry("shopctl.cli.store", "What customers have and what was done for it: do they agree?"),
    "user": Entry("shopctl.cli.user", "People and services, and what they may do."),
    "role": Entry("shopctl.cli.role", "Named sets of permissions."),
    "token": Entry("shopctl.cli.token", "Tokens: issue, verify, explain, refresh, revoke."),
    "key": Entry("shopctl.cli.key", "Keys that sign tokens and seal columns."),
    "login": Entry("shopctl.cli.login", "Log in, until you log out.", "login"),
    "logout": Entry("shopctl.cli.login", "End the login.", "logout"),
    "whoami": Entry("shopctl.cli.login", "Show who you are and what you may do.", "whoami"),
    "event": Entry("shopctl.cli.event", "What happened, and its delivery to subscribers."),
    "serve": Entry("shopctl.cli.serve", "Answer over HTTP, until it is told to end.", "serve"),
    "audit": Entry("shopctl.cli.audit", "Who changed what, sealed and verifiable."),
    "backup": Entry("shopctl.cli.backup", "Encrypted copies of both databases."),
    "config": Entry("shopctl.cli.config", "The settings and where each came from."),
    "db": Entry("shopctl.cli.db", "The databases: status, upgrade, check, move and resume."),
    "plugin": Entry("shopctl.cli.plugin", "The plugins that were found."),
    "completion": Entry("shopctl.cli.completion", "Completion of commands and ids in your shell."),
}


def plugin_commands() -> dict[str, tuple[Any, str]]:
    """Nouns that plugins bring: name to (loader, help); own ones come first. Never fails."""
    from shopctl.hooks.plugins import command_nouns

    return {name: found for name, found in command_nouns().items() if name not in COMMANDS}


def run(arguments: list[str], shop: Shop) -> int:
    """Parse a command line and run its command. Raises ShopctlError, also for what typer refuses."""
    import typer

    from shopctl.cli.root import Root, usage_error

    try:
        root = Root.make()
        with root.make_context("shopctl", list(arguments), obj=shop) as ctx:
            root.invoke(ctx)
    except typer.Exit as left:
        return left.exit_code
    except typer.TyperException as refused:
        raise usage_error(refused) from None
    finally:
        shop.close()
    return 0
