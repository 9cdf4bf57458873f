"""`shopctl token`: tokens issued, verified, explained, refreshed and revoked; they come on standard input."""

from __future__ import annotations

import os
import time
from typing import Annotated

import typer

from shopctl.cli import secrets
from shopctl.cli.options import Context, Limit
from shopctl.kernel.errors import UsageError

noun = typer.Typer(help="Tokens: issue, verify, explain, refresh, revoke.", no_args_is_help=True)

Token = Annotated[str, typer.Argument(metavar="-", help="The token on standard input; never an argument.")]
Scope = Annotated[
    list[str] | None,
    typer.Option("--scope", metavar="SCOPE", help="Permissions to ask for; all by default; repeatable."),
]
Audience = Annotated[str | None, typer.Option("--audience", metavar="AUDIENCE", help="Who the token is for.")]


class NobodyNamed(UsageError):
    """A token is issued to somebody: a user or a client."""

    code = "usage.nobody_named"
    hint = "Give --user NAME --password-stdin, or --client ID --secret-stdin."


class TokenAsArgument(UsageError):
    """A token is no argument: everybody on this machine can read them."""

    code = "usage.token_argument"
    hint = "Write - and send the token to standard input."


@noun.command()
def issue(
    ctx: Context,
    user: Annotated[str | None, typer.Option("--user", metavar="NAME", help="The user's name or address.")] = None,
    client: Annotated[str | None, typer.Option("--client", metavar="ID", help="A service's id or name.")] = None,
    password_stdin: Annotated[
        bool,
        typer.Option(
            "--password-stdin", help="Read the password from standard input; a one-time code on the second line."
        ),
    ] = False,
    secret_stdin: Annotated[
        bool, typer.Option("--secret-stdin", help="Read the service's secret from standard input.")
    ] = False,
    scope: Scope = None,
    audience: Audience = None,
) -> None:
    """Issue a token to a user who shows a password, or to a service that shows its secret."""
    shop = ctx.obj
    if (user is None) == (client is None):
        raise NobodyNamed()
    wanted = [word for given in scope or () for word in given.split()]
    tokens = shop.services.tokens
    if client is not None:
        secret = _secret(shop, secret_stdin or password_stdin, f"Secret of {client}", "--secret-stdin")[0]
        shop.show(tokens.issue_to_client(client, secret, scope=wanted, audience=audience)._asdict())
        return
    given = _secret(shop, password_stdin or secret_stdin, f"Password of {user}", "--password-stdin")
    password, code = given[0], given[1].strip() or None
    issued = tokens.issue_to_user(
        user or "", password, code=code, scope=wanted, audience=audience, source=source(shop.environ)
    )
    shop.show(issued._asdict())


@noun.command()
def refresh(ctx: Context, token: Token) -> None:
    """Exchange a refresh token for new tokens; it is good once."""
    shop = ctx.obj
    shop.show(shop.services.tokens.refresh(_token(token), waited=_age())._asdict())


@noun.command()
def verify(ctx: Context, token: Token, audience: Audience = None) -> None:
    """Verify a token by every check, revocation included: exit 0 with its claims, or 4 with the reason."""
    shop = ctx.obj
    found = shop.services.verification.introspect(_presented(token), audience=audience)
    shop.show(found)
    if not found["active"]:
        raise typer.Exit(4)


@noun.command()
def explain(ctx: Context, token: Token, audience: Audience = None) -> None:
    """Show every check of a token with its outcome, and what it says."""
    shop = ctx.obj
    found = shop.services.verification.explain(_presented(token), audience=audience)
    shop.show(found, rows="checks", columns=("name", "outcome", "detail"))
    if not found["accepted"]:
        raise typer.Exit(4)


@noun.command()
def revoke(
    ctx: Context,
    token: Annotated[
        str, typer.Argument(metavar="-|ID", help="The token on standard input, or its or a session's id.")
    ],
) -> None:
    """Have a token refused from now on, and its session with it."""
    shop = ctx.obj
    is_id = token.startswith(("tok_", "ses_", "pat_"))
    shop.show(shop.services.tokens.revoke(token if is_id else _token(token)))


@noun.command("list")
def list_(
    ctx: Context,
    user: Annotated[str | None, typer.Option("--user", metavar="NAME", help="Only those of this user.")] = None,
    limit: Limit = 100,
) -> None:
    """List the access tokens that have not expired, newest first."""
    shop = ctx.obj
    columns = ("user", "token_id", "active", "expires_at", "reason")
    shop.show(shop.services.tokens.list(user, limit=limit), columns=columns, empty="no tokens")


@noun.command()
def create(
    ctx: Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for, such as nightly-export.")],
    user: Annotated[str, typer.Option("--user", metavar="USER", help="Whose token it is.")],
    scope: Scope = None,
    expires: Annotated[str, typer.Option("--expires", metavar="AGE", help="For how long: 90d, 12h.")] = "90d",
) -> None:
    """Make a personal token for a program, shown once; it permits what its user may, within its scope."""
    shop = ctx.obj
    wanted = [word for given in scope or () for word in given.split()]
    lasting = shop.seconds(expires)
    shop.show(shop.services.personal_tokens.create(user, name, scope=wanted, lasting=lasting)._asdict())
    shop.note("The token is shown this once.")


@noun.command()
def personal(
    ctx: Context,
    user: Annotated[str | None, typer.Option("--user", metavar="NAME", help="Only those of this user.")] = None,
) -> None:
    """List the personal tokens that have not expired, newest first."""
    columns = ("user", "name", "token_id", "expires_at", "scope")
    ctx.obj.show(ctx.obj.services.personal_tokens.list(user), columns=columns, empty="no personal tokens")


def source(environ: dict[str, str]) -> str:
    """Where a login at a terminal comes from: the address of the ssh connection, else this machine's user."""
    connection = environ.get("SSH_CONNECTION", "").split()
    return f"ssh:{connection[0]}" if connection else f"local:{os.getuid()}"


def _secret(shop: object, stdin: bool, question: str, flag: str) -> list[str]:
    """The lines that were sent, the first of them a secret, or the answer at a prompt; always two."""
    from shopctl.cli.shop import Shop

    assert isinstance(shop, Shop)
    lines = secrets.stdin_lines("secret") if stdin else [shop.secret(question, flag=flag)]
    return [secrets.remembered(lines[0]), *lines[1:], ""]


def _presented(argument: str) -> str:
    """A token to be judged: one that is empty or no text is refused by the checks, it is no usage error."""
    if argument != "-":
        raise TokenAsArgument()
    content = secrets.stdin_bytes().decode("utf-8", "replace").strip()
    return secrets.remembered(content.split("\n")[0].strip())


def _age() -> int:
    """For how many microseconds this process has been running, a minute at most; 0 where the system does not say."""
    try:
        with open("/proc/self/stat", "rb") as file:
            started = int(file.read().rpartition(b")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - started
    except (OSError, ValueError, IndexError, AttributeError):
        return 0
    return int(min(max(age, 0), 60) * 1_000_000)


def _token(argument: str) -> str:
    if argument != "-":
        raise TokenAsArgument()
    return secrets.remembered(secrets.stdin_lines("token")[0].strip())
