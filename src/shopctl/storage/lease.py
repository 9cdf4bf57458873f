"""Leases: who may do a job until when, with a fencing number that rises at every change of hands.

A holder that slept past its time does not know it; its number does. Whatever it writes afterwards goes through `guard`
in the same unit, and is refused (Kleppmann, "How to do distributed locking", 2016). Moments come from the callers'
clocks: a clock that is wrong makes a lease shorter or longer, never held twice at once under one number.
"""

from __future__ import annotations

from shopctl.kernel.clock import Instant
from shopctl.storage.errors import LeaseLost
from shopctl.storage.unit import Unit

Fence = int


def claim(unit: Unit, name: str, holder: str, now: Instant, span: int) -> Fence | None:
    """Take a lease for `span` microseconds when it is free or over; its fence, or None while another holds it.

    A holder that claims its own lease again gets a new fence: it may be another run under the same name.
    """
    fence: Fence | None = unit.value(
        """insert into lease (name, holder, fence, expires_at) values (:name, :holder, 1, :until)
           on conflict (name) do update
              set holder = excluded.holder, fence = lease.fence + 1, expires_at = excluded.expires_at
            where lease.expires_at <= :now or lease.holder = excluded.holder
           returning fence""",
        name=name,
        holder=holder,
        now=now,
        until=now + span,
    )
    return fence


def renew(unit: Unit, name: str, fence: Fence, now: Instant, span: int) -> None:
    """Hold a lease until `now` + `span` microseconds; one that is over can be renewed while nobody took it.

    Raises LeaseLost.
    """
    if not unit.execute(
        "update lease set expires_at = :until where name = :name and fence = :fence",
        name=name,
        fence=fence,
        until=now + span,
    ):
        raise LeaseLost(name=name)


def release(unit: Unit, name: str, fence: Fence) -> None:
    """Give a lease back; nothing happens when it was lost. The row stays, so that the fence goes on rising."""
    unit.execute(
        "update lease set expires_at = 0, holder = '' where name = :name and fence = :fence", name=name, fence=fence
    )


def guard(unit: Unit, name: str, fence: Fence) -> None:
    """Refuse a stale holder's unit; the lease cannot change hands before this unit ends. Raises LeaseLost."""
    held = unit.value(f"select fence from lease where name = :name {unit.for_update}", name=name)
    if held != fence:
        raise LeaseLost(name=name)
