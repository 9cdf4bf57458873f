"""The use cases of stock: count it, promise it to somebody until a moment, hand it out; never more than there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from shopctl.catalogue import edits, queries, stock_queries
from shopctl.catalogue.errors import (
    BelowReserved,
    InsufficientStock,
    InvalidQuantity,
    ReservationEnded,
    ReservationNotFound,
    ReservationOver,
)
from shopctl.catalogue.model import DEFAULT_LOCATION
from shopctl.catalogue.shapes import shown_stock
from shopctl.catalogue.stock_queries import ReservationRow
from shopctl.kernel import clock, ids
from shopctl.kernel.clock import Clock, Instant
from shopctl.storage.database import Database
from shopctl.storage.unit import Unit

if TYPE_CHECKING:
    from shopctl.audit.service import Audit

LARGEST = 10**15  # pieces; sums of many stay within 64 bits


class StockService:
    """Stock and reservations of one shop.

    Methods that take a unit are for use cases of other systems and work in theirs; the others open one.
    A reservation past its moment counts no longer, whether or not anybody has released it.
    """

    def __init__(self, database: Database, audit: Audit, clock: Clock) -> None:
        self.database = database
        self.audit = audit
        self.clock = clock

    def show(self, sku: str, *, location: str | None = None) -> dict[str, Any]:
        """{"sku","on_hand","reserved","available","locations":[…]}. Raises ProductNotFound."""
        with self.database.read() as unit:
            return _shown(unit, sku, _number(unit, sku), location, self.clock.now())

    def set(self, sku: str, quantity: int, *, location: str | None = None, dry_run: bool = False) -> dict[str, Any]:
        """Write down a count. Returns what `show` does, for the location (None: the default one).

        Raises ProductNotFound, InvalidQuantity, BelowReserved.
        """
        if quantity < 0:
            raise InvalidQuantity(quantity=quantity, reason="nothing can lie there less than not at all")
        return self._change(sku, quantity, location, cause="set", dry_run=dry_run)

    def adjust(self, sku: str, delta: int, *, location: str | None = None, dry_run: bool = False) -> dict[str, Any]:
        """Add pieces, or take some away. Returns what `show` does, for the location (None: the default one).

        Raises ProductNotFound, InvalidQuantity, InsufficientStock, BelowReserved.
        """
        return self._change(sku, delta, location, cause="adjust", dry_run=dry_run)

    def reserve(
        self, unit: Unit, sku: str, quantity: int, *, holder: str, until: Instant, location: str = DEFAULT_LOCATION
    ) -> ReservationRow:
        """Promise pieces to `holder` until a moment to come.

        Raises ProductNotFound, InvalidQuantity, InsufficientStock, ReservationOver, TextInvalid.
        """
        if until <= self.clock.now():
            raise ReservationOver(until=clock.show(until))
        if quantity < 1:
            raise InvalidQuantity(quantity=quantity, reason="a reservation is of one piece or more")
        if quantity > LARGEST:
            raise InvalidQuantity(quantity=quantity, reason="it is too large")
        _check_texts(holder=holder, location=location)
        product = _number(unit, sku)
        on_hand = stock_queries.lock_on_hand(unit, product, location) or 0
        now = self.clock.now()
        available = on_hand - stock_queries.reserved(unit, product, location, now=now)
        if quantity > available:
            raise InsufficientStock(sku=sku, location=location, available=max(0, available), wanted=quantity)
        # The clock is asked again after the reservations were read: one of those may have been released in between, and
        # the past must not show both at once.
        created_at = self.clock.now()
        made = ReservationRow(ids.new("rsv"), product, sku, location, quantity, holder, "held", created_at, until)
        stock_queries.add(unit, made)
        return made

    def release(self, unit: Unit, reservations: Sequence[str]) -> list[ReservationRow]:
        """Give back what was promised; those released before stay so. The ones released now, as they were.

        Raises ReservationNotFound naming every missing id, ReservationEnded for one that was fulfilled.
        """
        found = stock_queries.lock_reservations(unit, reservations)
        if missing := [number for number in dict.fromkeys(reservations) if number not in found]:
            raise ReservationNotFound(ids=", ".join(map(repr, missing)))
        for row in found.values():
            if row.state == "fulfilled":
                raise ReservationEnded(id=row.id, state=row.state)
        now = self.clock.now()
        return [row for row in found.values() if stock_queries.end(unit, row.id, "released", now=now)]

    def fulfil(self, unit: Unit, reservation: str) -> ReservationRow:
        """Hand out what was promised: it leaves the stock. Doing it again changes nothing.

        One past its moment is still fulfilled while nobody else was promised the pieces. Raises ReservationNotFound,
        ReservationEnded for one that was released, InsufficientStock.
        """
        row = stock_queries.lock_reservations(unit, [reservation]).get(reservation)
        if row is None:
            raise ReservationNotFound(ids=repr(reservation))
        if row.state == "fulfilled":
            return row
        if row.state != "held":
            raise ReservationEnded(id=row.id, state=row.state)
        on_hand = stock_queries.lock_on_hand(unit, row.product_id, row.location) or 0
        now = self.clock.now()
        expired = row.expires_at <= now
        promised = stock_queries.reserved(unit, row.product_id, row.location, now=now) if expired else 0
        if on_hand - promised < row.quantity:
            available = max(0, on_hand - promised)
            raise InsufficientStock(sku=row.sku, location=row.location, available=available, wanted=row.quantity)
        now = self.clock.now()  # again, for the reason in `reserve`
        stock_queries.end(unit, row.id, "fulfilled", now=now)
        stock_queries.move(
            unit,
            row.product_id,
            row.location,
            before=on_hand,
            after=on_hand - row.quantity,
            cause="fulfilled",
            reference=row.id,
            now=now,
        )
        return row._replace(state="fulfilled", expires_at=min(row.expires_at, now))

    def renew(self, unit: Unit, reservation: str, *, until: Instant) -> ReservationRow:
        """Promise the same pieces until another moment to come.

        Raises ReservationNotFound, ReservationOver, and ReservationEnded also for one past its moment: somebody else
        may have been promised the pieces in between.
        """
        row = stock_queries.lock_reservations(unit, [reservation]).get(reservation)
        if row is None:
            raise ReservationNotFound(ids=repr(reservation))
        now = self.clock.now()
        if row.state != "held" or row.expires_at <= now:
            raise ReservationEnded(id=row.id, state="expired" if row.state == "held" else row.state)
        if until <= now:
            raise ReservationOver(until=clock.show(until))
        stock_queries.renew(unit, row.id, until=until)
        return row._replace(expires_at=until)

    def take_back(self, unit: Unit, reservation: str) -> bool:
        """Put what was handed out back into the stock, once; whether it was out. Raises ReservationNotFound."""
        row = stock_queries.lock_reservations(unit, [reservation]).get(reservation)
        if row is None:
            raise ReservationNotFound(ids=repr(reservation))
        if row.state != "fulfilled":
            return False
        stock_queries.ensure(unit, row.product_id, row.location)
        on_hand = stock_queries.lock_on_hand(unit, row.product_id, row.location) or 0
        stock_queries.set_returned(unit, row.id)
        stock_queries.move(
            unit,
            row.product_id,
            row.location,
            before=on_hand,
            after=on_hand + row.quantity,
            cause="returned",
            reference=row.id,
            now=self.clock.now(),
        )
        return True

    def held_by(self, unit: Unit, sku: str, *, holder: str, location: str = DEFAULT_LOCATION) -> ReservationRow | None:
        """What is promised to a holder and has not ended, None where nothing is. Raises ProductNotFound."""
        return stock_queries.held_by(unit, _number(unit, sku), location, holder)

    def available(self, unit: Unit, sku: str, *, location: str | None = None) -> int | None:
        """How many may be promised, at a location or at all of them; None for a product that was never counted.

        Raises ProductNotFound.
        """
        number = _number(unit, sku)
        levels = queries.stock_of(unit, [number], now=self.clock.now()).get(number, ())
        return sum(level.available for level in levels if location in (None, level.location)) if levels else None

    def places(self, unit: Unit, sku: str, quantity: int) -> list[str]:
        """The locations that have so many to promise: the default one, then the fullest. Raises ProductNotFound."""
        number = _number(unit, sku)
        levels = queries.stock_of(unit, [number], now=self.clock.now()).get(number, ())
        enough = [level for level in levels if level.available >= quantity]
        enough.sort(key=lambda level: (level.location != DEFAULT_LOCATION, -level.available, level.location))
        return [level.location for level in enough]

    def reservations(self, sku: str | None = None, *, location: str | None = None) -> list[dict[str, Any]]:
        """Reservations nobody has ended, oldest first, as rows (see `_shown_reservation`). Raises ProductNotFound."""
        now = self.clock.now()
        with self.database.read() as unit:
            product_id = None if sku is None else _number(unit, sku)
            rows = stock_queries.held(unit, product_id=product_id, location=location)
        return [_shown_reservation(row, now) for row in rows]

    def release_by_hand(
        self,
        reservations: Sequence[str] = (),
        *,
        expired: bool = False,
        location: str | None = None,
        dry_run: bool = False,
    ) -> list[dict[str, Any]]:
        """Release these reservations, or all that are past their moment; with `location` only those kept there.

        All or none. The rows released. Raises ReservationNotFound, ReservationEnded.
        """
        with self.database.unit(dry_run=dry_run) as unit:
            now = self.clock.now()
            wanted = [row.id for row in stock_queries.held(unit, location=location, expired_at=now)] if expired else []
            wanted += reservations
            if location is not None and reservations:
                found = stock_queries.lock_reservations(unit, reservations)
                elsewhere = [number for number, row in found.items() if row.location != location]
                if elsewhere:
                    raise ReservationNotFound(ids=f"{', '.join(map(repr, elsewhere))} at {location}")
            released = self.release(unit, wanted)
            if released:
                facts = {"pieces": sum(row.quantity for row in released), "ids": [row.id for row in released[:100]]}
                self.audit.record(
                    unit, "stock.release", released[0].id if len(released) == 1 else None, facts, count=len(released)
                )
        return [_shown_reservation(row._replace(state="released"), now) for row in released]

    def _change(self, sku: str, number: int, location: str | None, *, cause: str, dry_run: bool) -> dict[str, Any]:
        location = DEFAULT_LOCATION if location is None else location
        if abs(number) > LARGEST:
            raise InvalidQuantity(quantity=number, reason="it is too large")
        _check_location(location)
        with self.database.unit(dry_run=dry_run) as unit:
            product = _number(unit, sku)
            stock_queries.ensure(unit, product, location)
            before = stock_queries.lock_on_hand(unit, product, location) or 0
            now = self.clock.now()
            reserved = stock_queries.reserved(unit, product, location, now=now)
            after = number if cause == "set" else before + number
            if after < 0:
                available = max(0, before - reserved)
                raise InsufficientStock(sku=sku, location=location, available=available, wanted=-number)
            if after < reserved and after < before:
                raise BelowReserved(sku=sku, location=location, reserved=reserved, wanted=after)
            if after > LARGEST:
                raise InvalidQuantity(quantity=after, reason="it is too large")
            now = self.clock.now()  # again, for the reason in `reserve`
            if after != before:
                stock_queries.move(
                    unit, product, location, before=before, after=after, cause=cause, reference="", now=now
                )
                facts = {"location": location, "from": before, "to": after}
                self.audit.record(unit, f"stock.{cause}", sku, facts)
            return _shown(unit, sku, product, location, now)


def _number(unit: Unit, sku: str) -> int:
    number = queries.number_of(unit, sku)
    if number is None:
        raise edits.not_found(unit, [sku])
    return number


def _check_texts(**texts: str) -> None:
    """Refuse on both databases what one of them could not keep. Raises TextInvalid."""
    from shopctl.catalogue.assignments import check_storable
    from shopctl.catalogue.feed.validate import Bad
    from shopctl.storage.errors import TextInvalid

    for name, text in texts.items():
        try:
            check_storable(text, name)
        except Bad as problem:
            raise TextInvalid(reason=problem.message) from None


def _check_location(location: str) -> None:
    from shopctl.catalogue.assignments import check_storable
    from shopctl.catalogue.errors import InvalidField
    from shopctl.catalogue.feed import validate

    try:
        check_storable(validate.word(location, "location", validate.WORD_LENGTH), "location")
    except validate.Bad as problem:
        raise InvalidField(
            sku="--location", field=problem.field, reason_code=problem.code, reason=problem.message
        ) from None


def _shown(unit: Unit, sku: str, product: int, location: str | None, now: Instant) -> dict[str, Any]:
    levels = queries.stock_of(unit, [product], now=now).get(product, ())
    return {"sku": sku, **shown_stock(level for level in levels if location in (None, level.location))}


def _shown_reservation(row: ReservationRow, now: Instant) -> dict[str, Any]:
    """{"reservation_id","sku","location","quantity","holder","state","created_at","expires_at"}; held ones past their
    moment are shown as expired."""
    return {
        "reservation_id": row.id,
        "sku": row.sku,
        "location": row.location,
        "quantity": row.quantity,
        "holder": row.holder,
        "state": "expired" if row.state == "held" and row.expires_at <= now else row.state,
        "created_at": clock.show(row.created_at),
        "expires_at": clock.show(row.expires_at),
    }
