"""What a bundle may hold: products that exist, other bundles too, but never, however deep, itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping

UNKNOWN = "components.unknown"
INVALID = "components.invalid"

Holds = Mapping[str, Collection[str]]
"""SKU of a bundle -> SKUs of its components."""


def held(components: str) -> list[str]:
    """The SKUs in the JSON text of a product's components."""
    return [component["sku"] for component in json.loads(components)]


def circular(holds: Holds) -> set[str]:
    """The bundles that hold themselves through their components, and those that stand between two such circles."""
    return set(_ends_taken_off(_ends_taken_off(holds)))


def _ends_taken_off(holds: Holds) -> dict[str, set[str]]:
    """What is left, turned around, once whatever holds nothing (any more) is taken away again and again."""
    inner = {sku: {part for part in parts if part in holds} for sku, parts in holds.items()}
    holders: dict[str, set[str]] = {sku: set() for sku in inner}
    for sku, parts in inner.items():
        for part in parts:
            holders[part].add(sku)
    ends = [sku for sku, parts in inner.items() if not parts]
    while ends:
        end = ends.pop()
        for holder in holders.pop(end):
            inner[holder].discard(end)
            if not inner[holder]:
                ends.append(holder)
    return {sku: {holder for holder in of if holder in holders} for sku, of in holders.items()}


def completed(holds: Holds, look_up: Callable[[list[str]], Holds]) -> dict[str, Collection[str]]:
    """These bundles with all that they hold, however deep; `look_up` tells what products of these SKUs hold."""
    found = dict(holds)
    wanted = _beyond(holds, found)
    while wanted:
        deeper = {**dict.fromkeys(wanted, ()), **look_up(wanted)}
        found.update(deeper)
        wanted = _beyond(deeper, found)
    return found


def _beyond(holds: Holds, found: Holds) -> list[str]:
    return list(dict.fromkeys(part for parts in holds.values() for part in parts if part not in found))


def not_there(missing: str) -> str:
    """Why a bundle is refused whose component is no product."""
    return f"there is no product {missing!r} to be a component"


def in_itself(sku: str, parts: Iterable[str]) -> str:
    """Why a bundle is refused that holds itself."""
    return "a bundle cannot hold itself" + ("" if sku in parts else ", and one of its components holds it")
