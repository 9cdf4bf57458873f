"""Questions to a person: only on a terminal, and every one of them has a flag that answers it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from shopctl.kernel.errors import UsageError, one_line

if TYPE_CHECKING:
    from shopctl.cli.shop import Shop


class Declined(UsageError):
    """Nothing was done: {question} was answered with no."""

    code = "usage.declined"
    hint = "Answer yes, or give --yes."


class CannotAsk(UsageError):
    """This needs an answer and there is nobody to ask: {question}"""

    code = "usage.cannot_ask"
    hint = "Give {flag}."


class WrongName(UsageError):
    """{given!r} is not the name of {what}, which is {name!r}; nothing was done."""

    code = "usage.confirm"
    hint = "Give --confirm {name}"


def confirm(shop: Shop, question: str) -> None:
    """Ask yes or no; `--yes` is yes. Raises Declined, and CannotAsk away from a terminal."""
    if shop.globals.yes:
        return
    if _ask(shop, f"{question} [y/N] ", question, "--yes").strip().lower() not in ("y", "yes"):
        raise Declined(question=repr(question))


def confirm_name(shop: Shop, name: str, given: str | None, what: str) -> None:
    """Have the name of what is to be destroyed repeated. Raises WrongName, and CannotAsk away from a terminal."""
    if given is None:
        given = _ask(shop, f"Type the name of {what} to go on: ", f"the name of {what}", f"--confirm {name}").strip()
    if given != name:
        raise WrongName(given=given, what=what, name=name)


def answer(shop: Shop, question: str, *, flag: str) -> str:
    """Read a line. Raises CannotAsk naming `flag` away from a terminal."""
    return _ask(shop, f"{question}: ", question, flag).strip()


def secret(shop: Shop, question: str, *, flag: str) -> str:
    """Read a line without echo. Raises CannotAsk naming `flag` away from a terminal, and at its end (Ctrl-D)."""
    if not shop.interactive:
        raise CannotAsk(question=question, flag=flag)
    from getpass import getpass

    try:
        return getpass(f"{one_line(question)}: ", stream=sys.stderr)
    except EOFError:
        raise CannotAsk(question=question, flag=flag) from None


def _ask(shop: Shop, prompt: str, question: str, flag: str) -> str:
    if not shop.interactive:
        raise CannotAsk(question=question, flag=flag)
    # Not input(): it writes its prompt to standard output when that is not the terminal's.
    print(one_line(prompt), end="", file=sys.stderr, flush=True)
    return sys.stdin.readline()
