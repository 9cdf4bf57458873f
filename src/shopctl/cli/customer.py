"""`shopctl customer`: who buys, where to, and with which saved payment methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from shopctl.cli import customer_files
from shopctl.cli.options import Confirm, Context, Offset
from shopctl.cli.secrets import stdin_lines

if TYPE_CHECKING:
    from shopctl.cli.shop import Shop

noun = typer.Typer(help="Customers: contact, addresses, payment methods, erasing.", no_args_is_help=True)
customer_files.register(noun)

Who = Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's id or e-mail address.")]
Assignments = Annotated[
    list[str], typer.Argument(metavar="FIELD=VALUE...", help="What to set; an empty value takes a field away.")
]
Email = Annotated[str | None, typer.Option("--email", metavar="ADDRESS", help="The e-mail address.")]
Country = Annotated[
    str | None, typer.Option("--country", metavar="CODE", help="Two letters of ISO 3166-1, such as DE.")
]
Default = Annotated[bool, typer.Option("--default", help="Prefer it to the others.")]


@noun.command()
def add(
    ctx: Context,
    assignments: Annotated[
        list[str] | None, typer.Argument(metavar="[FIELD=VALUE...]", help="Further fields, as of `set`.")
    ] = None,
    own_id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="Your own id, such as C-1001; else one is made.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="What the customer is called.")] = None,
    email: Email = None,
    phone: Annotated[
        str | None, typer.Option("--phone", metavar="NUMBER", help="The telephone number, such as +49 30 123456.")
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", metavar="TAG", help="The language, such as de or de-CH (BCP 47).")
    ] = None,
    country: Country = None,
    user: Annotated[str | None, typer.Option("--user", metavar="USER", help="Whose own this customer is.")] = None,
) -> None:
    """Add a customer; an address goes with it as shipping.street='Lange Gasse 1' shipping.city=Berlin."""
    given = {"name": name, "email": email, "phone": phone, "language": language, "country": country, "user": user}
    options = [f"{field}={value}" for field, value in given.items() if value is not None]
    shop = ctx.obj
    _show(shop, shop.services.customers.add([*options, *(assignments or ())], customer_id=own_id))


@noun.command("list")
def list_(
    ctx: Context,
    country: Country = None,
    email: Email = None,
    state: Annotated[
        Literal["active", "erased"] | None, typer.Option("--state", help="Only those of this state.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="At most so many; else all.")] = None,
    offset: Offset = 0,
) -> None:
    """List customers in the order of their ids; those with an id made here in the order of their creation."""
    from shopctl.customers.queries import Filters

    shop = ctx.obj
    filters = Filters(state, country and country.upper(), email)
    found = shop.services.customers.list(filters, limit=limit, offset=offset)
    shop.show(found, columns=("customer_id", "name", "email", "country", "state"), empty="no customers")


@noun.command()
def show(ctx: Context, customer: Who) -> None:
    """Show a customer and all there is of him; with -o json what he has a right to see."""
    _show(ctx.obj, ctx.obj.services.customers.show(customer))


@noun.command("set")
def set_(ctx: Context, customer: Who, assignments: Assignments) -> None:
    """Set fields of a customer.

    Fields: name, email, phone, language, country, user, shipping.FIELD, billing.FIELD, address.ID.FIELD,
    payment_method.ID.label and .expires. A FIELD of an address: name, company, street, city, region, postal_code,
    country. An address or payment method goes with address.ID= and is preferred with address.ID.default=true.
    """
    _show(ctx.obj, ctx.obj.services.customers.set(customer, assignments))


@noun.command()
def address(
    ctx: Context,
    customer: Who,
    kind: Annotated[Literal["shipping", "billing"], typer.Argument(metavar="KIND", help="shipping or billing.")],
    assignments: Annotated[list[str], typer.Argument(metavar="FIELD=VALUE...", help="street='Hauptstr. 1' and so on.")],
    default: Default = False,
) -> None:
    """Add a further address; those that are there already are changed with `set`."""
    shop = ctx.obj
    _show(shop, shop.services.customers.add_address(customer, kind, assignments, default=default))


@noun.command("payment-method")
def payment_method(
    ctx: Context,
    customer: Who,
    token: Annotated[
        str, typer.Argument(metavar="TOKEN|-", help="What the gateway calls it, such as pm_…; - reads it from stdin.")
    ],
    gateway: Annotated[Literal["stripe", "sandbox"], typer.Option("--gateway", help="Who keeps it.")] = "stripe",
    kind: Annotated[
        Literal["card", "debit", "wallet", "bank_transfer"], typer.Option("--kind", help="How it pays.")
    ] = "card",
    label: Annotated[str | None, typer.Option("--label", metavar="TEXT", help="Such as 'Visa ending in 4242'.")] = None,
    expires: Annotated[str | None, typer.Option("--expires", metavar="YYYY-MM", help="Its last month.")] = None,
    default: Default = False,
) -> None:
    """Save a payment method that a gateway keeps; a card's number is never taken."""
    shop = ctx.obj
    if token == "-":  # noqa: S105 - the conventional name of standard input
        token = stdin_lines("token")[0].strip()
    saved = shop.services.customers.add_payment_method(
        customer, token, gateway=gateway, kind=kind, label=label, expires=expires, default=default
    )
    _show(shop, saved)


@noun.command()
def erase(ctx: Context, customer: Who, confirm: Confirm = None) -> None:
    """Erase all that is personal of a customer, for good; the id, the country and the dates stay."""
    shop = ctx.obj
    customers = shop.services.customers
    found = customers.show(customer)["customer_id"]
    if not shop.globals.yes or confirm is not None:
        shop.confirm_name(found, confirm, "the customer to be erased")
    erased = customers.erase(found)
    shop.show(erased)
    if not erased["log_emptied"]:
        shop.warn("somebody still reads the database as it was before; erase again to clear its log")


def _show(shop: Shop, customer: dict[str, Any]) -> None:
    shop.show(customer, text=lambda: _text(shop, customer))


def _text(shop: Shop, customer: dict[str, Any]) -> str:
    from shopctl.cli import tables

    given = {field: value for field, value in customer.items() if value not in (None, [])}
    return tables.sheet(shop, given, None, None)
