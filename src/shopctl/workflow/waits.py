"""How long to wait before a step is tried again: computed by tenacity, kept as a moment, never slept through."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tenacity.wait import wait_base

WAITS = ("fixed", "linear", "exponential")


class RetryPolicy(NamedTuple):
    """`attempts` in all; the wait before the second is `initial` seconds, later ones grow up to `maximum`.

    `jitter` seconds at most are added at random, so that runs that failed together do not come back together.
    """

    attempts: int = 5
    wait: str = "exponential"
    initial: float = 2.0
    maximum: float = 300.0
    jitter: float = 1.0

    def seconds(self, attempt: int) -> float:
        """How long to wait after the attempt of this number (from 1) has failed."""
        return float(_strategy(self)(_state(attempt)))


@lru_cache(maxsize=256)
def _strategy(policy: RetryPolicy) -> wait_base:
    import tenacity

    kinds: dict[str, Callable[[], Any]] = {
        "fixed": lambda: tenacity.wait_fixed(policy.initial),
        "linear": lambda: tenacity.wait_incrementing(policy.initial, policy.initial, policy.maximum),
        "exponential": lambda: tenacity.wait_exponential(multiplier=policy.initial, max=policy.maximum),
    }
    wait: wait_base = kinds[policy.wait]()
    return wait + tenacity.wait_random(0, policy.jitter) if policy.jitter else wait


def _state(attempt: int) -> Any:
    from tenacity import RetryCallState

    state = RetryCallState(retry_object=None, fn=None, args=(), kwargs={})  # type: ignore[arg-type]
    state.attempt_number = attempt
    return state
