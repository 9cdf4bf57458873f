"""Secrets that a verb is handed: from standard input, a file or a prompt, never in an argument."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shopctl.kernel.errors import NotFound, UsageError
from shopctl.kernel.redaction import remember_secret

if TYPE_CHECKING:
    from shopctl.cli.shop import Shop

LONGEST = 65536  # bytes

PasswordStdin = Annotated[
    bool,
    typer.Option("--password-stdin", help="Read the password from the first line of standard input."),
]
PasswordFile = Annotated[
    Path | None, typer.Option("--password-file", metavar="FILE", help="Read the password from the first line of FILE.")
]


class NoSecret(UsageError):
    """{source} holds no {what}."""

    code = "usage.no_secret"
    hint = "Write it on the first line."


class SecretUnreadable(NotFound):
    """{path} cannot be read: {reason}."""

    code = "usage.secret_unreadable"
    hint = "Name a file that you may read."


class TwoSources(UsageError):
    """{one} and {other} were both given."""

    code = "usage.two_secrets"
    hint = "Give one of them."


class NotTheSame(UsageError):
    """The two are not the same; nothing was changed."""

    code = "usage.not_the_same"
    hint = "Try again."


def password(shop: Shop, stdin: bool, file: Path | None, *, question: str = "Password", twice: bool = False) -> str:
    """The password from where the flags say, else from a prompt. Raises NoSecret, SecretUnreadable, CannotAsk."""
    if file == Path("-"):
        stdin, file = True, None
    if stdin and file is not None:
        raise TwoSources(one="--password-stdin", other="--password-file")
    if file is not None:
        return from_file(file, "password")
    if stdin:
        return remembered(stdin_lines("password")[0])
    given = shop.secret(question, flag="--password-stdin")
    if twice and shop.secret(f"{question} again", flag="--password-stdin") != given:
        raise NotTheSame()
    return remembered(given)


def password_and_code(shop: Shop, stdin: bool, file: Path | None, *, question: str) -> tuple[str, str | None]:
    """A password as `password` reads it, and the one-time code that standard input may have on its second line."""
    if not stdin or file is not None:
        return password(shop, stdin, file, question=question), None
    first, code = [*stdin_lines("password"), ""][:2]
    return remembered(first), remembered(code.strip()) or None


def from_file(path: Path, what: str) -> str:
    """The first line of a file, as a secret. Raises NoSecret, SecretUnreadable."""
    return remembered(first_line(_content(path), str(path), what))


def file_lines(path: Path, what: str) -> list[str]:
    """The lines of a file, of which the first is there; `-` is standard input. Raises NoSecret, SecretUnreadable."""
    if path == Path("-"):
        return stdin_lines(what)
    content = _content(path)
    first_line(content, str(path), what)
    return [line.removesuffix("\r") for line in _text(content, str(path), what).split("\n")]


def tell_strength(shop: Shop, password: str, *names: str | None) -> None:
    """Say to a person at the terminal how well a new password that was taken stands up to guesses."""
    if not shop.interactive or shop.quiet:
        return
    from shopctl.auth.passwords import strength

    found = strength(password, [name for name in names if name])
    shop.note(f"Strength {found.score} of 4: {found.sentence}")


def stdin_lines(what: str) -> list[str]:
    """The lines of standard input, of which the first is there. Raises NoSecret."""
    content = stdin_bytes()
    first_line(content, "Standard input", what)
    return [line.removesuffix("\r") for line in _text(content, "Standard input", what).split("\n")]


def stdin_bytes() -> bytes:
    """What standard input holds, up to what any secret may have; nothing when it is closed."""
    return sys.stdin.buffer.read(LONGEST) if sys.stdin else b""


def first_line(content: bytes, source: str, what: str) -> str:
    """The first line, blanks included, since a password may begin with one. Raises NoSecret."""
    line = _text(content, source, what).split("\n")[0].removesuffix("\r")
    if not line:
        raise NoSecret(source=source, what=what)
    return line


def remembered(secret: str) -> str:
    """The secret, hidden from logs and errors from now on."""
    remember_secret(secret)
    return secret


def _text(content: bytes, source: str, what: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise NoSecret(source=source, what=f"{what} in UTF-8") from None


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LONGEST)
    except OSError as error:
        raise SecretUnreadable(path=path, reason=(error.strerror or str(error)).lower()) from None
