"""Reads and writes stock and reservations, one location at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit


class ReservationRow(NamedTuple):
    """A reservation with the SKU it is for; times in microseconds."""

    id: str
    product_id: int
    sku: str
    location: str
    quantity: int
    holder: str
    state: str  # held | released | fulfilled | returned
    created_at: Instant
    expires_at: Instant


_RESERVATION = """select r.id, r.product_id, p.sku, r.location, r.quantity, r.holder, r.state, r.created_at,
                         r.expires_at
                    from reservation r join product p on p.id = r.product_id"""


def lock_on_hand(unit: Unit, product_id: int, location: str) -> int | None:
    """What lies there, kept from other writers until the unit ends; None where nothing was ever counted.

    On PostgreSQL the reservations are to be read by a later statement than this one: only that sees what the writer
    waited for has committed.
    """
    found: int | None = unit.value(
        f"select on_hand from stock where product_id = :id and location = :location {unit.for_update}",
        id=product_id,
        location=location,
    )
    return found


def reserved(unit: Unit, product_id: int, location: str, *, now: Instant) -> int:
    """How many are promised: reservations that are held and whose moment has not come."""
    return int(
        unit.value(
            """select cast(coalesce(sum(quantity), 0) as bigint) from reservation
                where product_id = :id and location = :location and state = 'held' and expires_at > :now""",
            id=product_id,
            location=location,
            now=now,
        )
    )


def ensure(unit: Unit, product_id: int, location: str) -> None:
    """Begin to count at a location, with nothing."""
    unit.execute(
        """insert into stock (product_id, location, on_hand) values (:id, :location, 0)
           on conflict (product_id, location) do nothing""",
        id=product_id,
        location=location,
    )


def move(
    unit: Unit,
    product_id: int,
    location: str,
    *,
    before: int,
    after: int,
    cause: str,
    reference: str,
    now: Instant,
) -> None:
    """Set what lies there, as one movement; the row must be locked."""
    unit.execute(
        "update stock set on_hand = :after where product_id = :id and location = :location",
        id=product_id,
        location=location,
        after=after,
    )
    unit.insert_many(
        "stock_movement",
        ("product_id", "location", "delta", "on_hand", "cause", "reference", "at"),
        [(product_id, location, after - before, after, cause, reference, now)],
    )


def add(unit: Unit, reservation: ReservationRow) -> None:
    """Store a new reservation."""
    unit.insert_many(
        "reservation",
        ("id", "product_id", "location", "quantity", "holder", "state", "created_at", "expires_at"),
        [(*reservation[:2], *reservation[3:])],
    )


def lock_reservations(unit: Unit, ids: Sequence[str]) -> dict[str, ReservationRow]:
    """Reservations by id, kept from other writers until the unit ends, always in the order of their ids."""
    found = {}
    for number in sorted(set(ids)):
        if unit.value(f"select 1 from reservation where id = :id {unit.for_update}", id=number):
            row = unit.row(ReservationRow, f"{_RESERVATION} where r.id = :id", id=number)
            assert row is not None
            found[number] = row
    return found


def held(
    unit: Unit,
    *,
    product_id: int | None = None,
    location: str | None = None,
    expired_at: Instant | None = None,
) -> list[ReservationRow]:
    """Reservations nobody has ended, oldest first; with `expired_at` only those whose moment had come by then."""
    where = ["r.state = 'held'"]
    if product_id is not None:
        where.append("r.product_id = :product_id")
    if location is not None:
        where.append("r.location = :location")
    if expired_at is not None:
        where.append("r.expires_at <= :expired_at")
    return unit.rows(
        ReservationRow,
        f"{_RESERVATION} where {' and '.join(where)} order by r.created_at, r.id",
        product_id=product_id,
        location=location,
        expired_at=expired_at,
    )


def held_by(unit: Unit, product_id: int, location: str, holder: str) -> ReservationRow | None:
    """The oldest of a holder's reservations that nobody has ended."""
    return unit.row(
        ReservationRow,
        f"""{_RESERVATION} where r.product_id = :id and r.location = :location and r.state = 'held'
                            and r.holder = :holder order by r.id limit 1""",
        id=product_id,
        location=location,
        holder=holder,
    )


def renew(unit: Unit, reservation: str, *, until: Instant) -> None:
    """Move the moment of a held reservation."""
    unit.execute(
        "update reservation set expires_at = :until where id = :id and state = 'held'", id=reservation, until=until
    )


def set_returned(unit: Unit, reservation: str) -> None:
    """Keep in mind that what was handed out has come back."""
    unit.execute("update reservation set state = 'returned' where id = :id and state = 'fulfilled'", id=reservation)


def end(unit: Unit, reservation: str, state: str, *, now: Instant) -> bool:
    """End a held reservation; the past is told by `expires_at`, which becomes the end where it lay later."""
    return bool(
        unit.execute(
            """update reservation
                  set state = :state, expires_at = case when expires_at > :now then :now else expires_at end
                where id = :id and state = 'held'""",
            id=reservation,
            state=state,
            now=now,
        )
    )
