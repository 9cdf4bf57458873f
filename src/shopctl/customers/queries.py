"""Customers as rows: reading them with their sealed columns opened."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from shopctl.customers.errors import CustomerNotFound
from shopctl.customers.model import Address, Customer, PaymentMethod, Profile
from shopctl.kernel.email import email_key
from shopctl.storage.sealing import Place, Sealer
from shopctl.storage.unit import Unit, json_array

CUSTOMER, ADDRESS, METHOD = "customer", "customer_address", "customer_payment_method"
COLUMNS = Customer._fields
SEALED = ("name", "email", "phone")


class Filters(NamedTuple):
    """Which customers to list; None means any."""

    state: str | None = None
    country: str | None = None
    email: str | None = None


class Customers:
    """The customers of one unit."""

    def __init__(self, unit: Unit, sealer: Sealer) -> None:
        self._unit = unit
        self._sealer = sealer

    def need(self, who: str, *, lock: bool = False) -> Profile:
        """The customer of this id or e-mail address. Raises CustomerNotFound."""
        found = self.by_ids([who], lock=lock)
        if not found and "@" in who:
            found = self.by_ids(self.ids_by_email([who]).values(), lock=lock)
        for profile in found.values():
            return profile
        raise CustomerNotFound(who=who)

    def by_ids(self, ids: Iterable[str], *, lock: bool = False) -> dict[str, Profile]:
        """Customers with all that belongs to them, by id."""
        wanted = json_array(ids)
        tail = self._unit.for_update if lock else ""
        sql = f"""select {", ".join(COLUMNS)} from customer
                   where id in (select value ->> 0 from {self._unit.each("ids")}) order by id {tail}"""
        customers = [self._opened(row) for row in self._unit.tuples(sql, ids=wanted)]
        return {profile.customer.id: profile for profile in self._with_belongings(customers)}

    def listed(self, filters: Filters, *, limit: int | None, offset: int = 0) -> Iterator[Customer]:
        """Customers in the order of their ids, as a stream."""
        conditions = {"state": "state = :state", "country": "country = :country"}
        given: dict[str, object] = {
            name: value for name, value in filters._asdict().items() if name in conditions and value is not None
        }
        where = [conditions[name] for name in given]
        if filters.email is not None:
            where.append(f"email_index in (select value ->> 0 from {self._unit.each('emails')})")
            given["emails"] = json_array(self._sealer.indexes(self._unit, CUSTOMER, "email", filters.email))
        sql = f"""select {", ".join(COLUMNS)} from customer where {" and ".join(where) or "1 = 1"}
                   order by id limit :limit offset :offset"""
        limit = 2**62 if limit is None else limit
        return map(self._opened, self._unit.stream(sql, limit=limit, offset=offset, **given))

    def with_belongings(self, customers: Iterable[Customer], together: int = 500) -> Iterator[Profile]:
        """The same customers with their addresses and payment methods, as a stream."""
        part: list[Customer] = []
        for customer in customers:
            part.append(customer)
            if len(part) == together:
                yield from self._with_belongings(part)
                part = []
        yield from self._with_belongings(part)

    def ids_by_email(self, emails: Iterable[str]) -> dict[str, str]:
        """Whose these addresses are: `email_key` of each to the customer's id."""
        keys = {
            index: email_key(email)
            for email in emails
            for index in self._sealer.indexes(self._unit, CUSTOMER, "email", email)
        }
        return self._ids_by("email_index", keys)

    def ids_by_user(self, users: Iterable[str]) -> dict[str, str]:
        """Which customers these users are: the user's id to the customer's."""
        return self._ids_by("user_id", {user: user for user in users})

    def id_by_token(self, token: str) -> str | None:
        """Whose payment method this is."""
        for index in self._sealer.indexes(self._unit, METHOD, "token", token):
            sql = "select customer_id from customer_payment_method where token_index = :index"
            if (found := self._unit.value(sql, index=index)) is not None:
                return str(found)
        return None

    def _ids_by(self, column: str, keys: Mapping[str, str]) -> dict[str, str]:
        if not keys:
            return {}
        sql = f"select {column}, id from customer where {column} in (select value ->> 0 from {self._unit.each('keys')})"
        return {keys[key]: customer_id for key, customer_id in self._unit.tuples(sql, keys=json_array(keys))}

    def _opened(self, row: tuple[Any, ...]) -> Customer:
        stored = Customer._make(row)
        opened: dict[str, Any] = {
            name: self._open(CUSTOMER, name, stored.id, sealed)
            for name in SEALED
            if (sealed := getattr(stored, name)) is not None
        }
        return stored._replace(**opened)

    def _with_belongings(self, customers: Sequence[Customer]) -> Iterator[Profile]:
        if not customers:
            return
        ids = json_array(customer.id for customer in customers)
        addresses = self._belonging(ADDRESS, "customer_id, id, kind, lines, country, is_default", ids, self._address)
        methods = self._belonging(
            METHOD, "customer_id, id, gateway, token, kind, label, expires, is_default", ids, self._method
        )
        for customer in customers:
            yield Profile(customer, tuple(addresses.get(customer.id, ())), tuple(methods.get(customer.id, ())))

    def _belonging(self, table: str, columns: str, ids: str, make: Callable[..., Any]) -> dict[str, list[Any]]:
        sql = f"""select {columns} from {table} where customer_id in (select value ->> 0 from {self._unit.each("ids")})
                   order by id"""
        found: dict[str, list[Any]] = {}
        for customer_id, *values in self._unit.tuples(sql, ids=ids):
            found.setdefault(customer_id, []).append(make(*values))
        return found

    def _address(self, id: str, kind: str, lines: str, country: str | None, is_default: int) -> Address:
        written = json.loads(self._open(ADDRESS, "lines", id, lines))
        return Address(id, kind, country=country, default=bool(is_default), **written)

    def _method(
        self, id: str, gateway: str, token: str, kind: str, label: str | None, expires: str | None, is_default: int
    ) -> PaymentMethod:
        label = None if label is None else self._open(METHOD, "label", id, label)
        return PaymentMethod(
            id, gateway, self._open(METHOD, "token", id, token), kind, label, expires, bool(is_default)
        )

    def _open(self, table: str, column: str, row: str, sealed: str) -> str:
        return self._sealer.open(self._unit, Place(table, column, row), sealed)
