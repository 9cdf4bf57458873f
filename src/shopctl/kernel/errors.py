"""Errors as contracts: the docstring is the message, the attributes are the exit code, the code and the hint."""

from __future__ import annotations

from typing import ClassVar


class ShopctlError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "internal"
    exit_code: ClassVar[int] = 1
    hint: ClassVar[str] = ""
    retryable: ClassVar[bool] = False

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message

    @property
    def message(self) -> str:
        """The docstring's first paragraph with the facts filled in, on one line."""
        text = " ".join((type(self).__doc__ or "").split("\n\n")[0].split())
        return one_line(text.format_map(_Facts(self.facts)))

    @property
    def advice(self) -> str:
        """The hint with the facts filled in; empty when there is nothing to advise."""
        return one_line(self.hint.format_map(_Facts(self.facts)))

    @property
    def details(self) -> dict[str, object]:
        """What scripts read beside the message (`facts` in the JSON of an error); plain data, usually nothing."""
        return {}

    @property
    def lines(self) -> list[str]:
        """The same for people: further lines below the message, usually none."""
        return []


class _Facts(dict[str, object]):
    # A forgotten fact must not turn an error message into a KeyError of its own.
    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def one_line(text: str) -> str:
    """Escape control characters, so that data in a message cannot forge lines or move the cursor (S18)."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


class UsageError(ShopctlError):
    """{problem}"""

    code = "usage"
    exit_code = 2
    hint = "{remedy}"


class NotFound(ShopctlError):
    """{what} was not found."""

    code = "not_found"
    exit_code = 3


class NotAllowed(ShopctlError):
    """That is not allowed."""

    code = "not_allowed"
    exit_code = 4


class Conflict(ShopctlError):
    """That conflicts with what is stored now."""

    code = "conflict"
    exit_code = 5


class Partial(ShopctlError):
    """Some items failed, the rest is done."""

    code = "partial"
    exit_code = 6


class RemoteFailed(ShopctlError):
    """A remote system failed."""

    code = "remote_failed"
    exit_code = 7
    retryable = True


class Locked(ShopctlError):
    """Another process holds the lock."""

    code = "locked"
    exit_code = 11
    retryable = True


class InvalidData(ShopctlError):
    """The data is not valid; nothing was changed."""

    code = "invalid_data"
    exit_code = 12
