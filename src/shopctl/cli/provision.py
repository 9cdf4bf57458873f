"""`shopctl provision`: products provisioned for customers, and what to do with runs that stand still."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shopctl.cli.complete import complete_sku
from shopctl.cli.options import Context, Sku
from shopctl.cli.working import PARTIAL, Jitter, MaxRuntime, MetricsFile, show_tally
from shopctl.kernel.errors import UsageError

if TYPE_CHECKING:
    from shopctl.cli.shop import Shop

noun = typer.Typer(help="Products provisioned for customers, and runs that stand still.", no_args_is_help=True)

PENDING = 8  # accepted, not finished

Run = Annotated[str, typer.Argument(metavar="RUN", help="The run's id.")]
Runs = Annotated[list[str] | None, typer.Argument(metavar="[RUN...]", help="One or more runs.")]
Values = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A parameter of the product, such as region=eu; may be repeated."),
]
From = Annotated[
    str | None, typer.Option("--from", metavar="FILE|-", help="Parameters as a JSON object; --set goes before.")
]
Quantity = Annotated[int, typer.Option("--quantity", metavar="N", min=1, help="How many of it.")]
TemplateName = Annotated[
    str | None, typer.Option("--template", metavar="NAME", help="Another template than the product's own.")
]
Key = Annotated[
    str | None,
    typer.Option("--idempotency-key", metavar="KEY", help="The same key again gives the same run again."),
]
Customer = Annotated[str | None, typer.Option("--customer", metavar="ID", help="Only those of this customer.")]
OfSku = Annotated[
    str | None, typer.Option("--sku", metavar="SKU", help="Only those of this product.", autocompletion=complete_sku)
]
State = Annotated[
    list[str] | None, typer.Option("--state", metavar="STATE", help="Only those in this state; may be repeated.")
]
Like = Annotated[
    str | None,
    typer.Option("--like", metavar="FINGERPRINT", help="Those stopped by the same, see `provision list --stuck`."),
]


class NoRunNamed(UsageError):
    """There is nothing named to {what}."""

    code = "usage.no_run_named"
    hint = "{remedy}"


class DueAlone(UsageError):
    """--due works on all that is due; it goes with no runs, and with nothing that says which."""

    code = "usage.due_alone"
    hint = "Leave --due away to retry those, or the rest to work on what is due."


class UnknownState(UsageError):
    """{state!r} is not a state of a run."""

    code = "usage.unknown_state"
    hint = "States are: {states}."


@noun.command()
def plan(
    ctx: Context,
    sku: Sku,
    values: Values = None,
    source: From = None,
    quantity: Quantity = 1,
    template: TemplateName = None,
    customer: Annotated[str, typer.Option("--customer", metavar="ID", help="For whom.")] = "customer",
) -> None:
    """Show what provisioning a product would do, before anything runs."""
    from shopctl.cli.provision_drawing import drawn_plan
    from shopctl.provisioning.model import Request

    shop = ctx.obj
    found = shop.services.provisioning.plan(
        Request(sku, customer, parameters(source, values), quantity, template=template)
    )
    shop.show(found, text=lambda: drawn_plan(found))


@noun.command()
def start(
    ctx: Context,
    sku: Sku,
    customer: Annotated[str, typer.Option("--customer", metavar="ID", help="For whom; an unknown one is added.")],
    values: Values = None,
    source: From = None,
    quantity: Quantity = 1,
    template: TemplateName = None,
    idempotency_key: Key = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Leave all the work to a worker.")] = False,
) -> None:
    """Provision a product for a customer; exit 0 when it is done, 8 when it goes on."""
    from shopctl.provisioning.model import Request

    shop = ctx.obj
    request = Request(sku, customer, parameters(source, values), quantity, template=template)
    started(shop, shop.services.provisioning.start(request, idempotency_key=idempotency_key, work=not no_wait))


@noun.command("list")
def list_(
    ctx: Context,
    customer: Customer = None,
    sku: OfSku = None,
    state: State = None,
    instance: Annotated[str | None, typer.Option("--instance", metavar="ID", help="Only those of it.")] = None,
    template: Annotated[str | None, typer.Option("--template", metavar="NAME", help="Only those by it.")] = None,
    like: Like = None,
    stuck: Annotated[bool, typer.Option("--stuck", help="What stopped runs that stand still, and how many.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="At most so many; else all.")] = None,
    after: Annotated[str | None, typer.Option("--after", metavar="RUN", help="Go on behind this run.")] = None,
) -> None:
    """List runs, the newest first."""
    shop = ctx.obj
    if stuck:
        shop.show(shop.services.provisioning.stuck(), empty="nothing stands still")
        return
    found = shop.services.provisioning.list(
        _filters(state, sku=sku, customer=customer, instance=instance, template=template, fingerprint=like),
        limit=limit,
        after=after,
    )
    shop.show(
        found,
        columns=("run_id", "state", "operation", "sku", "customer", "step", "next_at"),
        empty="no runs",
    )


@noun.command()
def show(ctx: Context, run: Run) -> None:
    """Show a run with its whole story."""
    from shopctl.cli.provision_drawing import drawn_run

    shop = ctx.obj
    found = shop.services.provisioning.show(run)
    shop.show(found, text=lambda: drawn_run(found))


@noun.command()
def watch(
    ctx: Context,
    run: Run,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="LENGTH", help="Watch so long, such as 10m; else to the end.")
    ] = None,
) -> None:
    """Watch a run until it ends; without a terminal line by line. Exit 0 when it completed, 8 when it goes on."""
    from shopctl.cli.provision_watching import watched

    shop = ctx.obj
    state, error = watched(shop, run, None if timeout is None else float(shop.seconds(timeout)))
    _exit_by(shop, run, state, error)


@noun.command()
def retry(
    ctx: Context,
    runs: Runs = None,
    due: Annotated[bool, typer.Option("--due", help="Work on all that is due; for cron.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="All that stand still.")] = False,
    like: Like = None,
    sku: OfSku = None,
    customer: Customer = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Wait until the step has passed, and succeed only then.")
    ] = False,
    max_runtime: MaxRuntime = None,
    jitter: Jitter = None,
    metrics_file: MetricsFile = None,
) -> None:
    """Try again what stands still, or what is due."""
    shop = ctx.obj
    if due:
        if runs or failed or like is not None or sku is not None or customer is not None or verify:
            raise DueAlone()
        _work_due(shop, max_runtime, jitter, metrics_file)
        return
    service = shop.services.provisioning
    if not runs and not failed and like is None:
        raise NoRunNamed(what="retry", remedy="Name runs, or give --due, --failed or --like FINGERPRINT.")
    if not runs:
        from shopctl.provisioning.service import STUCK

        runs = list(service.found(_filters(list(STUCK), sku=sku, customer=customer, fingerprint=like)))
        if not runs:
            _tally(shop, None)
            return
        _confirm(shop, "Retry", runs)
    if not verify:
        _tally(shop, service.retry(runs), run=_one(runs))
        return
    from shopctl.cli.provision_watching import verified

    _tally(shop, service.retry(runs), failed=verified(shop, runs))


@noun.command()
def resume(ctx: Context, run: Run) -> None:
    """Let a run go on that was parked."""
    _tally(ctx.obj, ctx.obj.services.provisioning.retry([run]), run=run)


@noun.command()
def cancel(
    ctx: Context,
    runs: Runs = None,
    like: Like = None,
    state: State = None,
    sku: OfSku = None,
    customer: Customer = None,
) -> None:
    """Undo what runs have done so far, and end them."""
    shop = ctx.obj
    if not runs:
        if like is None and state is None and sku is None and customer is None:
            raise NoRunNamed(what="cancel", remedy="Name runs, or say which by --state, --sku, --customer or --like.")
        states = state or ["pending", "running", "waiting", "parked"]
        runs = list(shop.services.provisioning.found(_filters(states, sku=sku, customer=customer, fingerprint=like)))
        if not runs:
            _tally(shop, None)
            return
    _confirm(shop, "Cancel", runs)
    _tally(shop, shop.services.provisioning.cancel(runs, reason=shop.reason), cancelled=True, run=_one(runs))


@noun.command()
def approve(
    ctx: Context,
    run: Run,
    refuse: Annotated[bool, typer.Option("--refuse", help="Refuse it instead.")] = False,
    note: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="What to say with it.")] = None,
) -> None:
    """Give a run the approval that it waits for."""
    _tally(ctx.obj, ctx.obj.services.provisioning.approve(run, approved=not refuse, note=note), run=run)


@noun.command()
def signal(
    ctx: Context,
    run: Run,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it waits for.")],
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="What the signal brings; may be repeated."),
    ] = None,
    source: Annotated[str | None, typer.Option("--from", metavar="FILE|-", help="The same as a JSON object.")] = None,
) -> None:
    """Tell a run what it waits for, or will."""
    if name.startswith("@"):
        raise UsageError(
            problem=f"{name!r} is not a name for a signal.", remedy="Names that begin with @ are the runner's."
        )
    service = ctx.obj.services.provisioning
    _tally(ctx.obj, service.signal(run, name, parameters(source, values)), run=run)
    if name in service.unheard(run):
        ctx.obj.note(f"No step of it waits for {name!r} now; it is kept for one that does later.")


@noun.command()
def skip(ctx: Context, run: Run, step: Annotated[str, typer.Argument(metavar="STEP", help="Its name.")]) -> None:
    """Take a step of a run as passed."""
    shop = ctx.obj
    shop.services.provisioning.check_skip(run, step)
    shop.confirm(f"Skip the step {step} of {run}? What it was to do is left undone.")
    _tally(shop, shop.services.provisioning.skip(run, step, reason=shop.reason), run=run)


def parameters(source: str | None, values: list[str] | None) -> dict[str, Any]:
    """What `--from` and `--set` say, as one object."""
    from shopctl.cli.given_files import json_object
    from shopctl.provisioning.parameters import parsed

    return {**(json_object(source) if source is not None else {}), **parsed(values or ())}


def _filters(states: list[str] | None, **facts: Any) -> Any:
    from shopctl.provisioning.queries import Filters
    from shopctl.workflow.model import RUN_STATES

    for state in states or ():
        if state not in RUN_STATES:
            raise UnknownState(state=state, states=", ".join(RUN_STATES))
    return Filters(states=tuple(states or ()), **facts)


def _confirm(shop: Shop, what: str, runs: list[str]) -> None:
    if len(runs) > 1:
        shop.confirm(f"{what} {len(runs)} runs?")


def started(shop: Shop, row: dict[str, Any]) -> None:
    """Show a run that was begun; the exit code says how it stands."""
    shop.show(row, columns=("run_id", "state", "instance_id"))
    _exit_by(shop, row["run_id"], row["state"], row.get("error"))


def _exit_by(shop: Shop, run_id: str, state: str, error: Any = None) -> None:
    """Nothing for a run that is completed. Raises RunFailed for one that stands still, Exit 8 for one that goes on."""
    if state in ("failed", "parked", "cancelled"):
        from shopctl.provisioning.errors import RunFailed

        raise RunFailed(id=run_id, state=state, **(error or {"step": "-", "message": "it was called off"}))
    if state != "completed":
        _warn_of_pause(shop)
        shop.note(f"It goes on; watch it with: shopctl provision watch {run_id}")
        raise typer.Exit(PENDING)


def _one(runs: list[str]) -> str | None:
    return runs[0] if len(runs) == 1 else None


def _warn_of_pause(shop: Shop) -> None:
    from shopctl.storage.marks import is_paused

    with shop.services.database.read() as unit:
        paused = is_paused(unit)
    if paused:
        shop.warn("The shop is paused since a restore; let it go on with: shopctl db resume")


def _work_due(shop: Shop, max_runtime: str | None, jitter: str | None, metrics_file: Path | None) -> None:
    """Work on what is due; that there is nothing is found out without a worker, which costs next to nothing."""
    from shopctl.cli.working import work
    from shopctl.workflow.queries import any_due
    from shopctl.workflow.tally import Tally

    if max_runtime is not None:
        shop.seconds(max_runtime)  # a bad one is told today, not on the day when there is something to do
    services = shop.services
    with services.database.read() as unit:
        idle = not any_due(unit, services.clock.now())
    if idle and jitter is None:
        show_tally(shop, Tally(), metrics_file, idle=True)
        return
    work(shop, max_runtime=max_runtime, jitter=jitter, metrics_file=metrics_file)


def _tally(
    shop: Shop, tally: Any, *, failed: int | None = None, cancelled: bool = False, run: str | None = None
) -> None:
    """What was done with runs that an operator has named; exit 6 when some stand still again."""
    from shopctl.workflow.tally import Tally

    tally = tally or Tally()
    show_tally(shop, tally, idle=not tally.claimed)
    if not tally.claimed:
        _warn_of_pause(shop)
    if run is not None:
        state, error = shop.services.provisioning.state(run)
        shop.note(f"{run} is {state}" + (f": {error['step']}: {error['message']}" if error else ""))
        if cancelled and state == "parked":
            raise typer.Exit(PARTIAL)
    if (tally.failed if failed is None else failed) and not cancelled:
        raise typer.Exit(PARTIAL)
