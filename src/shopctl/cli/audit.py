"""`shopctl audit`: who changed what, whether the record of it still stands as written, and how far it reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from shopctl.cli.options import Context, Limit
from shopctl.kernel.errors import one_line

if TYPE_CHECKING:
    from shopctl.audit.model import Verification
    from shopctl.audit.service import Audit
    from shopctl.cli.shop import Shop

noun = typer.Typer(help="Who changed what, sealed and verifiable.", no_args_is_help=True)

Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="From then on: 2026-11-24T13:34:00Z, 2026-11-24, '2h ago'."),
]
Actor = Annotated[str | None, typer.Option("--actor", metavar="NAME", help="Who did it, such as os:anna.")]
Action = Annotated[
    str | None,
    typer.Option("--action", metavar="PREFIX", help="What was done: catalogue.publish, or catalogue. for all."),
]
Subject = Annotated[str | None, typer.Option("--subject", metavar="ID", help="The SKU or id it was done to.")]
Which = Annotated[
    Literal["shop", "auth"], typer.Option("--database", help="Whose trail: the shop's, or that of users and tokens.")
]
CheckpointFile = Annotated[
    str | None,
    typer.Option("--checkpoint", metavar="FILE", help="What `audit checkpoint` wrote, or - for standard input."),
]
Out = Annotated[str, typer.Option("--out", metavar="FILE", help="Where to write it; - is standard output.")]


@noun.command("list")
def list_(
    ctx: Context,
    since: Since = None,
    actor: Actor = None,
    action: Action = None,
    subject: Subject = None,
    limit: Limit = 100,
    database: Which = "shop",
) -> None:
    """List what was changed, newest first."""
    from shopctl.audit.model import shown

    shop = ctx.obj
    entries = _trail(shop, database).entries(
        since=shop.instant(since), actor=actor, action=action, subject=subject, limit=limit
    )
    columns = ("at", "actor", "action", "subject", "changed", "reason")
    shop.show(map(shown, entries), columns=columns, empty="nothing was changed")


@noun.command()
def verify(ctx: Context, checkpoint: CheckpointFile = None, database: Which = "shop") -> None:
    """Recompute the whole trail and name every place where it differs from what was written (exit 6).

    Entries that are not sealed yet are counted, they are no difference. That the end was cut off is found with a
    checkpoint that was kept elsewhere.
    """
    from shopctl.audit.errors import TrailDiffers

    shop = ctx.obj
    audit = _trail(shop, database)
    result = audit.verify(_checkpoint(audit, checkpoint))
    shop.show(_verification(result), rows="findings", text=lambda: _told(result))
    if not result.ok:
        raise TrailDiffers(differences=result.differences, plural="" if result.differences == 1 else "s")


@noun.command()
def checkpoint(ctx: Context, out: Out = "-", database: Which = "shop") -> None:
    """Write down how far the trail reaches, to be kept where nobody can change it along with the database."""
    from shopctl.audit.service import checkpoint_text

    shop = ctx.obj
    audit = _trail(shop, database)
    made = audit.checkpoint()
    if out == "-":
        typer.echo(checkpoint_text(made), nl=False)
        return
    audit.write_checkpoint(made, out)
    shop.note(f"{one_line(out)}: {_counted(made.entries, made.seal)}")


def _trail(shop: Shop, database: str) -> Audit:
    return shop.services.auth_audit if database == "auth" else shop.services.audit


def _checkpoint(audit: Any, place: str | None) -> Any:
    if place != "-":
        return None if place is None else audit.read_checkpoint(place)
    import sys

    return audit.parse_checkpoint(sys.stdin.buffer.read(65536), "standard input")


def _verification(result: Verification) -> dict[str, Any]:
    from shopctl.kernel import clock

    tail = result.unsealed
    return {
        "ok": result.ok,
        "database_id": result.database_id,
        "entries": result.entries,
        "seals": result.seals,
        "differences": result.differences,
        "findings": [finding._asdict() for finding in result.findings],
        "unsealed": {"entries": tail.entries, "oldest": clock.show(tail.oldest), "newest": clock.show(tail.newest)},
        "checkpoint": None if result.checkpoint is None else result.checkpoint.seal,
    }


def _told(result: Verification) -> str:
    from shopctl.kernel import clock

    tail = result.unsealed
    lines = [f"{finding.code}: {finding.what}" for finding in result.findings]
    if (more := result.differences - len(result.findings)) > 0:
        lines.append(f"and {more} more")
    lines.append(f"{_counted(result.entries, result.seals)}: {'all agree' if result.ok else 'NOT as written'}")
    if tail.entries:
        lines.append(f"{tail.entries} not sealed yet, from {clock.show(tail.oldest)} to {clock.show(tail.newest)}")
    if result.checkpoint is not None and result.ok:
        lines.append(f"the checkpoint at seal {result.checkpoint.seal} is reached")
    return "\n".join(lines) + "\n"


def _counted(entries: int, seals: int) -> str:
    return f"{entries} {'entry' if entries == 1 else 'entries'} under {seals} {'seal' if seals == 1 else 'seals'}"
