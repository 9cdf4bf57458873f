"""A noun of its own for tests of the shell: run as a program it is `shopctl` with that noun beside the others."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple

import typer

from shopctl.cli import app
from shopctl.cli.options import Context, Limit, Sku
from shopctl.cli.progress import progress
from shopctl.kernel.errors import Locked, NotFound, Partial

noun = typer.Typer(help="Tiny things.")


class Thing(NamedTuple):
    sku: str
    name: str
    price: dict[str, str]
    quantity: int


THINGS = [
    Thing("MUG-1", "A [bold]blue[/bold] mug\r\nwith \x1b[31mred", {"amount": "9.90", "currency": "EUR"}, 3),
    Thing("柔-2", "茶碗", {"amount": "100", "currency": "JPY"}, 12),
]


def long_names(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {"sku": f"SKU-{number:04}", "name": "words and words " * 12, "quantity": number}


@noun.command("list")
def list_(
    ctx: Context,
    limit: Limit = 50,
    kind: Annotated[Literal["all", "long", "none"], typer.Option(help="Which things.")] = "all",
) -> None:
    """List things. And more about it.

    A second paragraph.
    """
    things: Any = {"all": THINGS[:limit], "long": long_names(limit), "none": []}[kind]
    ctx.obj.show(things, columns=("sku", "name", "quantity"), empty="no things")


@noun.command()
def show(ctx: Context, sku: Sku) -> None:
    """Show one thing."""
    if sku == "missing":
        raise NotFound(what="The shop at postgresql://ada:hunter2@host/shop \x1b[31m\r\nerror: forged")
    if sku == "locked":
        raise Locked
    if sku == "partly":
        ctx.obj.show({"done": 1})
        raise Partial
    if sku == "broken":
        password = "hunter3"  # a local variable that no traceback may show
        raise RuntimeError("it broke\nbadly" if password else "")
    ctx.obj.show({**THINGS[0]._asdict(), "tags": ["a", "b"], "reason": ctx.obj.reason, "nothing": None})


@noun.command()
def search(ctx: Context, query: str) -> None:
    """Search things; the parameter has the name of a global option."""
    ctx.obj.show({"total": 2, "asked": query, "hits": THINGS}, rows="hits", columns=("sku", "price.amount"))


@noun.command()
def adjust(ctx: Context, sku: Sku, by: int) -> None:
    """Add to what is there."""
    ctx.obj.show({"sku": sku, "by": by})


@noun.command()
def wait(ctx: Context) -> None:
    """Wait to be interrupted, and clean up then."""
    try:
        print("waiting", flush=True)
        time.sleep(60)
    finally:
        ctx.obj.note("cleaned up")


@noun.command()
def ask(ctx: Context, confirm: Annotated[str | None, typer.Option("--confirm")] = None) -> None:
    """Ask before doing it."""
    ctx.obj.confirm("Really?")
    ctx.obj.confirm_name("main", confirm, "the shop")
    ctx.obj.show({"done": True})


@noun.command()
def work(ctx: Context) -> None:
    """Report progress."""
    with progress(ctx.obj, "Working", total=10) as bar:
        for done in range(11):
            bar.update(done, rows=done * 1000, rejects=done // 5)
            time.sleep(0.02)
    ctx.obj.note("worked")


@noun.command()
def needs(ctx: Context) -> None:
    """Need a shop."""
    ctx.obj.show({"home": ctx.obj.services is not None})


@noun.command()
def loaded(ctx: Context) -> None:
    """Say which costly modules a command has loaded by the time it has shown something."""
    ctx.obj.show({"sku": "MUG-1"})
    costly = ("pydantic", "rich", "yaml", "jmespath", "sqlalchemy", "sqlmodel", "alembic", "tantivy", "psycopg")
    ctx.obj.note(",".join(name for name in costly if name in sys.modules))


def register() -> None:
    app.COMMANDS["tiny"] = app.Entry("support.tiny", "Tiny things.")


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    register()
    from shopctl.__main__ import run

    run()
