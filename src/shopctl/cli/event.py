"""`shopctl event`: what happened, and its delivery to subscribers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shopctl.cli.options import Context, DryRun, Limit
from shopctl.kernel.errors import UsageError, one_line

if TYPE_CHECKING:
    from shopctl.cli.shop import Shop
    from shopctl.events.queries import Filters

noun = typer.Typer(help="What happened, and its delivery to subscribers.", no_args_is_help=True)

EventId = Annotated[str, typer.Argument(metavar="EVENT", help="The event's id (evt_…).")]
Events = Annotated[list[str] | None, typer.Argument(metavar="[EVENT...]", help="One or more events.")]
Type = Annotated[str | None, typer.Option("--type", metavar="PATTERN", help="A type: run.parked, 'run.*', '*.failed'.")]
Subject = Annotated[str | None, typer.Option("--subject", metavar="ID", help="The id of what it is about.")]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="From then on: 2026-11-24T13:34:00Z, 2026-11-24, '2h ago'."),
]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Before then.")]
SetAside = Annotated[bool, typer.Option("--set-aside", help="Those that a subscriber failed to take.")]


class CannotFollow(UsageError):
    """What never ends cannot be had with {option}."""

    code = "usage.follow"
    hint = "Use --follow with --type and --subject, and with -o ndjson, csv or tsv."


@noun.command("list")
def list_(
    ctx: Context,
    type: Type = None,
    subject: Subject = None,
    since: Since = None,
    until: Until = None,
    set_aside: SetAside = False,
    after: Annotated[
        str | None, typer.Option("--after", metavar="EVENT", help="Go on behind the last event of the page before.")
    ] = None,
    oldest_first: Annotated[bool, typer.Option("--oldest-first", help="In the order in which they happened.")] = False,
    limit: Limit = 100,
    follow: Annotated[
        bool, typer.Option("--follow", help="Show what happens from now on, line by line, until interrupted.")
    ] = False,
) -> None:
    """List what happened, newest first."""
    shop = ctx.obj
    filters = _filters(shop, type, subject, since, until, "" if set_aside else None)
    if follow:
        others = {"--since": since, "--until": until, "--set-aside": set_aside, "--after": after}
        _follow(shop, filters, [name for name, given in (others | {"--oldest-first": oldest_first}).items() if given])
        return
    events = shop.services.events.list(filters, limit=limit, after=after, oldest_first=oldest_first)
    shop.show(events, columns=("event_id", "type", "subject", "at"), empty="no events")


@noun.command()
def show(ctx: Context, event: EventId) -> None:
    """Show an event with its payload, and who failed to take it."""
    ctx.obj.show(ctx.obj.services.events.show(event))


@noun.command()
def subscribers(ctx: Context) -> None:
    """List who hears of events: how far each is, and what it failed to take."""
    columns = ("subscriber", "state", "attempts", "next_at", "set_aside", "error")
    ctx.obj.show(ctx.obj.services.events.subscribers(), columns=columns, empty="no subscribers")


@noun.command()
def deliver(
    ctx: Context,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many events.")] = 10_000,
) -> None:
    """Hand subscribers what is new, and what they failed to take and is due again; a worker does so by itself.

    Prints nothing when there is nothing to do. Exits with 6 when an event was set aside.
    """
    shop = ctx.obj
    done = shop.services.events.deliver(limit=limit)
    if done or shop.output != "table":
        shop.show(done, columns=("subscriber", "read", "received", "failed", "set_aside"))
    if count := sum(each.set_aside for each in done):
        from shopctl.events.errors import EventsSetAside

        raise EventsSetAside(count=count, plural="" if count == 1 else "s", were="was" if count == 1 else "were")


@noun.command()
def replay(
    ctx: Context,
    subscriber: Annotated[str, typer.Argument(metavar="SUBSCRIBER", help="Who is to hear of them again.")],
    events: Events = None,
    type: Type = None,
    subject: Subject = None,
    since: Since = None,
    until: Until = None,
    set_aside: SetAside = False,
    dry_run: DryRun = False,
) -> None:
    """Deliver events again to one subscriber: those named, or all that the options choose."""
    from shopctl.events.errors import NothingToReplay, ReplayFailed

    shop = ctx.obj
    filters = _filters(shop, type, subject, since, until, subscriber if set_aside else None)
    chosen = any(part is not None for part in filters)
    if bool(events) == chosen:
        raise NothingToReplay()
    again = shop.services.events.replay(subscriber, events or (), filters if chosen else None, dry_run=dry_run)
    done = list(again)
    shop.show(done, columns=("event_id", "type", "received", "error"), empty="nothing to deliver")
    if failed := sum(not each.received for each in done):
        raise ReplayFailed(failed=failed, count=len(done), subscriber=subscriber)


def _filters(
    shop: Shop, type_: str | None, subject: str | None, since: str | None, until: str | None, set_aside: str | None
) -> Filters:
    from shopctl.events.queries import Filters

    return Filters(type_, subject, shop.instant(since), shop.instant(until), set_aside)


def _follow(shop: Shop, filters: Filters, unfit: list[str]) -> None:
    if shop.output in ("json", "yaml"):
        unfit.append(f"-o {shop.output}")
    if shop.globals.query:
        unfit.append("--query")
    if unfit:
        raise CannotFollow(option=unfit[0])
    events = shop.services.events.follow(filters)
    if shop.output != "table":
        shop.show(_flushed(events))
        return
    for event in events:
        typer.echo(one_line(f"{event['at']}  {event['type']:<20}  {event['subject']}  {_told(event['payload'])}"))


def _flushed(events: Iterator[Any]) -> Iterator[Any]:
    import sys

    for event in events:
        yield event
        sys.stdout.flush()


def _told(payload: dict[str, Any]) -> str:
    """The payload's plain values in one line; all of it has -o ndjson."""
    return " ".join(f"{name}={value}" for name, value in payload.items() if isinstance(value, (str, int, float)))
