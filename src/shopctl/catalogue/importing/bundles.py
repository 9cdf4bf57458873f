"""Bundles of a file: their components must be products of the shop or of the file, and none may hold itself."""

from __future__ import annotations

import marshal
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from shopctl.catalogue import bundles
from shopctl.catalogue.feed.row import COMPONENTS
from shopctl.catalogue.importing.journal import json_rows
from shopctl.storage.unit import Unit

_BATCH = 2000

Rejected = tuple[int, str, str, str, str, object]


class Bundles:
    """The bundles among the staged rows of an import, by SKU."""

    def __init__(self, unit: Unit, import_id: str) -> None:
        self.unit = unit
        self.import_id = import_id
        self.lines: dict[str, int] = {}
        self.holds: dict[str, Collection[str]] = {}

    def add(self, line: int, sku: str, components: object) -> None:
        """Take note of a staged row and the components its feed gives, as JSON text; `...` where it gives none."""
        if isinstance(components, str) and components != "[]":
            self.lines[sku] = line
            self.holds[sku] = bundles.held(components)

    def rejected(self) -> list[Rejected]:
        """Those that cannot go in, and those that hold such a one where the shop does not have it yet."""
        if not self.holds:
            return []
        self._forget_unstaged()
        everything = bundles.completed(self.holds, self._look_up)
        wanted = {part for parts in self.holds.values() for part in parts}
        staged, stored = set(self._staged(wanted)), set(self._stored(wanted))
        found: list[Rejected] = []
        staged -= self._in_themselves(everything, found)
        while refused := self._unknown(staged | stored, found):
            staged -= refused  # what is rejected may have been a component of others
        return sorted(found)

    def _in_themselves(self, everything: bundles.Holds, found: list[Rejected]) -> set[str]:
        refused = bundles.circular(everything) & self.holds.keys()
        for sku in refused:
            self._reject(sku, bundles.INVALID, bundles.in_itself(sku, self.holds[sku]), found)
        return refused

    def _unknown(self, known: Collection[str], found: list[Rejected]) -> set[str]:
        missing = {
            sku: next(part for part in parts if part not in known)
            for sku, parts in self.holds.items()
            if not all(part in known for part in parts)
        }
        for sku, part in missing.items():
            reason = f"there is no product {part!r} in the shop or in this file"
            self._reject(sku, bundles.UNKNOWN, reason, found)
        return set(missing)

    def _reject(self, sku: str, code: str, reason: str, found: list[Rejected]) -> None:
        found.append((self.lines.pop(sku), sku, "components", code, reason, []))
        del self.holds[sku]

    def _forget_unstaged(self) -> None:
        for sku in self.holds.keys() - self._staged(self.holds).keys():
            del self.holds[sku], self.lines[sku]

    def _look_up(self, skus: list[str]) -> dict[str, Collection[str]]:
        """What these products will hold: what the file says of them, else what the shop does."""
        found = {sku: bundles.held(components) for sku, components in self._stored(skus).items()}
        for sku, components in self._staged(skus).items():
            if isinstance(components, str):
                found[sku] = bundles.held(components)
        return {sku: parts for sku, parts in found.items() if parts}

    def _staged(self, skus: Iterable[str]) -> dict[str, object]:
        # Looked up by its line in a left join, for SQLite would read the whole stage for each portion otherwise. A SKU
        # has one row there by now.
        rows = self._among(
            """select r.sku, r.row from {each} left join import_row r
                   on r.import_id = :id and r.sku = each.value ->> 0
                  and r.line = (select o.line from import_row o
                                                       where o.import_id = :id and o.sku = each.value ->> 0)""",
            skus,
            id=self.import_id,
        )
        return {sku: marshal.loads(row)[COMPONENTS] for sku, row in rows if sku is not None}

    def _stored(self, skus: Iterable[str]) -> dict[str, str]:
        return dict(
            self._among("select p.sku, p.components from {each} join product p on p.sku = each.value ->> 0", skus)
        )

    def _among(self, sql: str, skus: Iterable[str], **params: object) -> Iterator[tuple[Any, ...]]:
        wanted = list(skus)
        for start in range(0, len(wanted), _BATCH):
            portion = json_rows([sku] for sku in wanted[start : start + _BATCH])
            yield from self.unit.tuples(sql.format(each=self.unit.each("skus")), skus=portion, **params)
