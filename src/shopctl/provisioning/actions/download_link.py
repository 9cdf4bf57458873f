"""The action `download-link`: makes a signed link to a digital good, which is over after a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from shopctl.kernel import clock
from shopctl.kernel.clock import Clock
from shopctl.provisioning.downloads import link
from shopctl.workflow.ports import Call, Done, Failed, Outcome
from shopctl.workflow.step_values import StepValues

if TYPE_CHECKING:
    from shopctl.storage.unit import Unit

_WEEK = 7 * 86_400.0
_LONGEST = 10 * 366 * 86_400.0


class DownloadLinkAction:
    """`with = { path, seconds = 604800 }`. Output: {"url", "expires_at"}; undone by nothing but its end."""

    name = "download-link"
    place: Literal["inside"] = "inside"
    undone_by = "nothing"

    def __init__(self, base_url: str, key: Callable[[Unit], bytes], clock: Clock) -> None:
        self._base_url = base_url
        self._key = key
        self._clock = clock

    def problems(self, values: Mapping[str, Any]) -> list[str]:
        """See `Action`."""
        return _read(values, written=True)[2]

    def perform(self, unit: Unit, call: Call) -> Outcome:
        """See `InsideAction`. Raises PathInvalid."""
        path, seconds, problems = _read(call.values)
        if problems:
            return Failed("download.with", "; ".join(problems))
        if call.undoing:
            return Done({})
        expires = (self._clock.now() // 1_000_000 + round(seconds)) * 1_000_000
        url = link(self._base_url, path, expires, self._key(unit))
        return Done({"url": url, "expires_at": clock.show(expires)})


def _read(values: Mapping[str, Any], *, written: bool = False) -> tuple[str, float, list[str]]:
    read = StepValues(values, written=written)
    path = read.text("path", needed=True)
    seconds = read.number("seconds", _WEEK, least=1, most=_LONGEST)
    read.end()
    return path, seconds, read.problems
