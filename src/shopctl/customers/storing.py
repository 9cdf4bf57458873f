"""Customers as rows: storing new ones and what differs of others, sealed, and erasing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from shopctl.customers.model import ADDRESS_FIELDS, Address, Customer, Profile
from shopctl.customers.queries import ADDRESS, COLUMNS, CUSTOMER, METHOD, SEALED
from shopctl.kernel.clock import Instant
from shopctl.storage.sealing import Place, Sealer
from shopctl.storage.unit import Unit

_WRITTEN = [name for name in ADDRESS_FIELDS if name != "country"]


class Storing:
    """Writes customers in one unit."""

    def __init__(self, unit: Unit, sealer: Sealer) -> None:
        self._unit = unit
        self._sealer = sealer

    def add_bare(self, customer: Customer) -> bool:
        """Store a customer of whom nothing is known, unless there is one of this id; whether there was none."""
        return bool(
            self._unit.execute(
                """insert into customer (id, state, version, created_at, updated_at)
                   values (:id, :state, :version, :created_at, :updated_at) on conflict do nothing""",
                id=customer.id,
                state=customer.state,
                version=customer.version,
                created_at=customer.created_at,
                updated_at=customer.updated_at,
            )
        )

    def store(self, changes: Sequence[tuple[Profile | None, Profile]]) -> None:
        """Store new customers (nothing before) and what became of others, which this unit has locked."""
        new = [after for before, after in changes if before is None]
        columns = (*COLUMNS, "email_index")
        rows = [{**each.customer._asdict(), **self._sealed(each.customer)} for each in new]
        self._unit.insert_many(CUSTOMER, columns, [[row[name] for name in columns] for row in rows])
        for before, after in changes:
            if before is not None and before.customer != after.customer:
                self._update(before.customer, after.customer)
        pairs = [(before or Profile(after.customer), after) for before, after in changes]
        self._store_addresses(pairs)
        self._store_methods(pairs)

    def erase(self, customer_id: str, now: Instant) -> None:
        """Take away all that is personal; the id, the country and the dates stay."""
        for table in (ADDRESS, METHOD):
            self._unit.execute(f"delete from {table} where customer_id = :id", id=customer_id)
        self._unit.execute(
            """update customer set state = 'erased', name = null, email = null, email_index = null, phone = null,
                                   language = null, user_id = null, version = version + 1, updated_at = :now
                where id = :id""",
            id=customer_id,
            now=now,
        )

    def _update(self, before: Customer, after: Customer) -> None:
        # What did not change is not sealed anew.
        changed = {name: value for name, value in after._asdict().items() if value != getattr(before, name)}
        sealed = self._sealed(after)
        changed |= {name: sealed[name] for name in SEALED if name in changed}
        if "email" in changed:
            changed["email_index"] = sealed["email_index"]
        self._unit.execute(
            f"update customer set {', '.join(f'{name} = :{name}' for name in changed)} where id = :key",
            key=before.id,
            **changed,
        )

    def _store_addresses(self, pairs: Iterable[tuple[Profile, Profile]]) -> None:
        new: list[list[object]] = []
        for before, after in pairs:
            present = {each.id: each for each in before.addresses}
            for each in after.addresses:
                if each.id not in present:
                    lines = self._sealed_lines(each)
                    owner = after.customer
                    moment = owner.updated_at
                    new.append([each.id, owner.id, each.kind, lines, each.country, int(each.default), moment])
                elif each != present[each.id]:
                    self._change(ADDRESS, each.id, lines=self._sealed_lines(each), country=each.country,
                                 is_default=int(each.default))  # fmt: skip
            self._remove(ADDRESS, present.keys() - {each.id for each in after.addresses})
        columns = ("id", "customer_id", "kind", "lines", "country", "is_default", "created_at")
        self._unit.insert_many(ADDRESS, columns, new)

    def _store_methods(self, pairs: Iterable[tuple[Profile, Profile]]) -> None:
        for before, after in pairs:
            present = {each.id: each for each in before.payment_methods}
            for each in after.payment_methods:
                label = None if each.label is None else self._seal(METHOD, "label", each.id, each.label)
                changeable = {"label": label, "expires": each.expires, "is_default": int(each.default)}
                if each.id in present:
                    if each != present[each.id]:
                        self._change(METHOD, each.id, **changeable)
                    continue
                row = {
                    "id": each.id,
                    "customer_id": after.customer.id,
                    "gateway": each.gateway,
                    "token": self._seal(METHOD, "token", each.id, each.token),
                    "token_index": self._sealer.index(self._unit, METHOD, "token", each.token),
                    "kind": each.kind,
                    "created_at": after.customer.updated_at,
                    **changeable,
                }
                self._unit.insert_many(METHOD, list(row), [list(row.values())])
            self._remove(METHOD, present.keys() - {each.id for each in after.payment_methods})

    def _change(self, table: str, row: str, **values: object) -> None:
        sets = ", ".join(f"{name} = :{name}" for name in values)
        self._unit.execute(f"update {table} set {sets} where id = :key", key=row, **values)

    def _remove(self, table: str, ids: Iterable[str]) -> None:
        for each in ids:
            self._unit.execute(f"delete from {table} where id = :id", id=each)

    def _sealed(self, customer: Customer) -> dict[str, str | None]:
        sealed: dict[str, str | None] = {
            name: None if (text := getattr(customer, name)) is None else self._seal(CUSTOMER, name, customer.id, text)
            for name in SEALED
        }
        email = customer.email
        return sealed | {
            "email_index": None if email is None else self._sealer.index(self._unit, CUSTOMER, "email", email)
        }

    def _sealed_lines(self, address: Address) -> str:
        written = {name: value for name in _WRITTEN if (value := getattr(address, name)) is not None}
        return self._seal(ADDRESS, "lines", address.id, json.dumps(written, ensure_ascii=False))

    def _seal(self, table: str, column: str, row: str, text: str) -> str:
        return self._sealer.seal(self._unit, Place(table, column, row), text)
