"""What several actions say of a failure, and when they may say it."""

from __future__ import annotations

from shopctl.kernel.errors import ShopctlError, one_line
from shopctl.kernel.redaction import redact
from shopctl.workflow.ports import Call, Failed, Unknown

_LONGEST = 300  # characters of a message that is stored
_READ = 10_000


def not_done(
    call: Call, code: str, message: str, *, retryable: bool = False, seconds: float | None = None
) -> Failed | Unknown:
    """This call had no effect, which says nothing of an earlier one under the same key.

    A definite failure would earn a new key, and with it a second effect where the earlier call had its own after all:
    timed out, then refused a connection. So what was unknown stays so until an answer under the very key settles it.
    """
    if call.repeated:
        return Unknown(code, message, seconds)
    return Failed(code, message, retryable, seconds)


def not_possible(call: Call, error: ShopctlError) -> Failed | Unknown:
    """The same for an error that was met before anything was sent."""
    return not_done(call, error.code, fit(str(error)), retryable=error.retryable)


def fit(text: str) -> str:
    """A message from outside, fit to be stored and shown: one line, without secrets, not long."""
    line = one_line(" ".join(redact(text[:_READ]).split()))
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
