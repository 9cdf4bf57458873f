"""The change log: one row for each change of a product, holding the values it replaced."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from shopctl.catalogue import moments, queries
from shopctl.catalogue.feed.row import canonical
from shopctl.catalogue.model import TRACKED, Price, Product, sorted_prices
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit, json_array

COLUMNS = ("product_id", "kind", "at", "version", "import_id", "actor", "previous")

_DUE = ", ".join(f"'{kind}'" for kind in moments.KINDS)


class Change(NamedTuple):
    """One change; `version` is the one it made, `previous` the JSON of what it replaced (None: a creation).

    What fell due made no version: it carries the one that was there, and its moment.
    """

    product_id: int
    kind: str  # create | update | publish | retire | rollback | remove, or one of `moments.KINDS`
    at: Instant
    version: int
    import_id: str | None
    actor: str
    previous: str | None


def edited_sql(alias: str) -> str:
    """The condition that the change `alias` made a version: that it did not just fall due."""
    return f"{alias}.kind not in ({_DUE})"


def undone_sql(alias: str) -> str:
    """The condition that a rollback has undone the change `alias`; a rollback carries the import it undoes."""
    return f"""exists (select 1 from change undoing
                        where undoing.product_id = {alias}.product_id and undoing.import_id = {alias}.import_id
                          and undoing.kind in ('rollback', 'remove'))"""


def changed_since_sql(alias: str) -> str:
    """The condition that the product is not any more as the change `alias` left it.

    Later changes that were undone do not count, nor does their undoing, nor what fell due.
    """
    return f"""exists (select 1 from change later
                        where later.product_id = {alias}.product_id and later.version > {alias}.version
                          and later.kind not in ('rollback', 'remove') and {edited_sql("later")}
                          and not {undone_sql("later")})"""


def record(unit: Unit, changes: Iterable[Change]) -> None:
    """Append to the log."""
    unit.insert_many("change", COLUMNS, changes)


def previous_json(replaced: Mapping[str, Any]) -> str:
    """What a change replaced, as the log keeps it: canonical JSON of the fields by name.

    Lists and objects may be given as values or as stored text; `prices` as prices, or as `{key: (amount, until)}`.
    Stored are prices as lists of currency, amount, list, quantity, from, until in the order of their keys.
    """
    return canonical({name: _plain(name, value) for name, value in replaced.items()})


def replaced_values(before: Product, after: Product) -> dict[str, Any]:
    """The fields that differ, with the values of `before`. True, 1 and 1.0 are three different values."""
    return {
        name: old
        for name in TRACKED
        if (old := getattr(before, name)) is not (new := getattr(after, name)) and canonical(old) != canonical(new)
    }


def undone(product: Product, previous: str | None) -> Product | None:
    """The product before its latest change; None before its creation. Version and time are the caller's to set."""
    if previous is None:
        return None
    values = json.loads(previous)
    if "prices" in values:
        values["prices"] = tuple(map(Price._make, values["prices"]))
    return product._replace(**values)


def of_product(unit: Unit, product_id: int, *, limit: int | None = None) -> list[Change]:
    """The changes of a product, the latest first."""
    return unit.rows(
        Change,
        f"select {', '.join(COLUMNS)} from change where product_id = :id order by version desc, id desc limit :limit",
        id=product_id,
        limit=1 << 40 if limit is None else limit,
    )


class Later(NamedTuple):
    """A change made after a moment, with the time of the change before it."""

    product_id: int
    version: int
    previous: str | None
    earlier_at: Instant | None


# A clock may be set back: a moment shows the state of the highest version made until then, whatever stands after it.
_LATER = f"""select c.product_id, c.version, c.previous,
                    (select e.at from change e
                      where e.product_id = c.product_id and e.version = c.version - 1 and {edited_sql("e")})
               from change c
              where c.at > :at and {edited_sql("c")}
                and c.version > (select coalesce(max(e.version), 0) from change e
                                  where e.product_id = c.product_id and e.at <= :at and {edited_sql("e")})"""


def later(unit: Unit, ids: Sequence[int], at: Instant) -> dict[int, list[Later]]:
    """What was changed after a moment, by product, the latest first."""
    found: dict[int, list[Later]] = {}
    for row in unit.rows(
        Later,
        f"""{_LATER} and c.product_id in (select cast(each.value ->> 0 as bigint) from {unit.each("ids")})
            order by c.product_id, c.version desc""",
        ids=json_array(ids),
        at=at,
    ):
        found.setdefault(row.product_id, []).append(row)
    return found


def changed_between(unit: Unit, since: Instant, until: Instant, *, after: int, limit: int) -> list[int]:
    """Numbers of products, above `after`, that were changed after `since` and not after `until`; rising.

    Also those with a moment until then that nobody has told yet.
    """
    rows = unit.tuples(
        """select product_id from change where at > :since and at <= :until and product_id > :after
            union select id from product where due_at <= :until and id > :after
            order by product_id limit :limit""",
        since=since, until=until, after=after, limit=limit,
    )  # fmt: skip
    return [number for (number,) in rows]


def _plain(name: str, value: Any) -> Any:
    if name == "prices":
        if isinstance(value, Mapping):
            value = sorted_prices(
                Price(currency, amount, price_list, quantity, since, until)
                for (currency, price_list, quantity, since), (amount, until) in value.items()
            )
        return [list(price) for price in value]
    if name in queries.JSON_COLUMNS and isinstance(value, str):
        return json.loads(value)
    return value
