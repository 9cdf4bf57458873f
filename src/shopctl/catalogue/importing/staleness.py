"""What differs from a plan: which products, and what became of them since it was made."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from shopctl.catalogue.importing.plan_file import Retirement
from shopctl.catalogue.importing.planned import Differs
from shopctl.storage.unit import Unit, json_array

_BATCH = 2000
_SHOWN = 100


class Difference(NamedTuple):
    """A product that is not as it was; `since` (id, version) lets the log tell what was changed."""

    sku: str
    change: str
    since: tuple[int, int] | None = None


def row_difference(found: Differs) -> Difference:
    """What became of the product of a planned row."""
    base, current = found.base, found.current
    if current is None:
        return Difference(found.sku, "was removed")
    if base.id is None:
        return Difference(found.sku, "was created")
    if current.id != base.id or base.version is None:
        return Difference(found.sku, "was removed, and created again")
    if current.version == base.version:
        return Difference(found.sku, "its feed has said another stock")
    return Difference(found.sku, f"is version {current.version}, was {base.version}", (base.id, base.version))


def retirement_differences(unit: Unit, retirements: Iterable[Retirement]) -> Iterator[Difference]:
    """The products to retire that are not what they were."""
    waiting = iter(retirements)
    while batch := list(islice(waiting, _BATCH)):
        present = dict(
            unit.tuples(
                f"""select id, version from product
                     where id in (select cast(value ->> 0 as bigint) from {unit.each("ids")})""",
                ids=json_array(each.id for each in batch),
            )
        )
        for each in batch:
            version = present.get(each.id)
            if version is None:
                yield Difference(each.sku, "was removed")
            elif version != each.version:
                yield Difference(each.sku, f"is version {version}, was {each.version}", (each.id, each.version))


def shown(unit: Unit, differing: Sequence[Difference]) -> list[dict[str, str]]:
    """The first hundred as {"sku","change"}, with the fields that were changed."""
    return [{"sku": each.sku, "change": each.change + _fields(unit, each)} for each in differing[:_SHOWN]]


def _fields(unit: Unit, each: Difference) -> str:
    if each.since is None:
        return ""
    number, version = each.since
    texts = unit.tuples(
        "select previous, kind from change where product_id = :id and version > :version order by version",
        id=number, version=version,
    )  # fmt: skip
    fields = dict.fromkeys(name for text, _ in texts if text for name in json.loads(text))
    return f" ({', '.join(fields)})" if fields else ""
