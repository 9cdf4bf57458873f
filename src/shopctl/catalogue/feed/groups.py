"""Feeds with one row a variant, as web shops write them: what a product's first row says holds for the rows below it.

Rows belong together while their handle is the same or blank. Blank cells of the product (title, description, brand …)
are filled from its first row. A row that adds nothing but an image is folded into the first. A row without SKU is known
by the source's variant id, else by handle and options, so that it gets the same SKU at every import.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

from shopctl.catalogue.feed.columns import Target, squeeze
from shopctl.catalogue.feed.validate import SKU_LENGTH

_OF_THE_PRODUCT = frozenset(
    {
        "name",
        "description",
        "brand",
        "category",
        "categories",
        "tags",
        "tag",
        "tax_class",
        "status",
        "kind",
        "option_name",
        "option_names",
    }
)
_OF_THE_VARIANT = frozenset({"sku", "variant_id", "price", "stock", "option_value", "option_values", "prices"})
_OTHERS = ("variant", "image", "cost")  # unknown columns that start so do not belong to the product
_MOST_ROWS = 2000
_MOST_BYTES = 16 << 20


class Line(NamedTuple):
    """A record read into cells."""

    line: int
    raw: bytes
    cells: list[str]


class Groups:
    """Gathers the rows of a product and completes them."""

    def __init__(self, header: Sequence[str], targets: Sequence[Target]) -> None:
        def columns(*fields: str) -> list[int]:
            return [index for index, target in enumerate(targets) if target.field in fields]

        self.handle = next(iter(columns("handle")), None)
        self.sku = next(iter(columns("sku")), len(targets))
        self.variant_id = next(iter(columns("variant_id")), None)
        self.of_the_variant = columns(*_OF_THE_VARIANT)
        self.images = columns("media")
        self.choices = columns("option_value", "option_values")
        self.carried = [
            index
            for index, (name, target) in enumerate(zip(header, targets, strict=True))
            if target.field in _OF_THE_PRODUCT or target.field == "attribute" and not squeeze(name).startswith(_OTHERS)
        ]
        self.gathered: list[Line] = []
        self.bytes = 0
        self.current = ""

    @staticmethod
    def needed(targets: Sequence[Target]) -> bool:
        return any(target.field in ("handle", "variant_id") for target in targets)

    @staticmethod
    def completed(targets: Sequence[Target]) -> list[Target]:
        """The targets of the completed cells: handle and variant id become attributes, and there is always a SKU."""
        kept = {"handle": Target("attribute", "handle"), "variant_id": Target("attribute", "variant_id")}
        out = [kept.get(target.field, target) for target in targets]
        return out if any(target.field == "sku" for target in out) else [*out, Target("sku")]

    def add(self, line: Line) -> list[Line]:
        """The rows of the previous product when this one begins another, else none."""
        handle = line.cells[self.handle].strip() if self.handle is not None else ""
        finished: list[Line] = []
        full = len(self.gathered) >= _MOST_ROWS or self.bytes > _MOST_BYTES
        if self.gathered and (full or handle != self.current and (handle or not self.current)):
            finished = self.finish()
        if not self.gathered:
            self.current = handle
        self.gathered.append(line)
        self.bytes += len(line.raw)
        return finished

    def finish(self) -> list[Line]:
        """The completed rows gathered so far; their raw bytes begin with a digest of the whole product's."""
        gathered, self.gathered, self.bytes = self.gathered, [], 0
        if not gathered:
            return []
        first = gathered[0].cells
        rows = [gathered[0]] + [
            line for line in gathered[1:] if any(line.cells[index].strip() for index in self.of_the_variant)
        ]
        if len(rows) < len(gathered):
            self._fold_images(rows, gathered)
        product = (
            blake2b(b"\n".join(line.raw for line in gathered), digest_size=16).digest() if len(gathered) > 1 else b""
        )
        return [Line(line.line, product + line.raw, self._complete(line.cells, first)) for line in rows]

    def _fold_images(self, rows: list[Line], gathered: list[Line]) -> None:
        links = dict.fromkeys(
            line.cells[index].strip()
            for line in gathered
            if line in rows[:1] or line not in rows
            for index in self.images
        )
        if self.images and any(links):
            first = list(rows[0].cells)
            first[self.images[0]] = json.dumps([link for link in links if link], ensure_ascii=False)
            for index in self.images[1:]:
                first[index] = ""
            rows[0] = rows[0]._replace(cells=first)

    def _complete(self, cells: list[str], first: list[str]) -> list[str]:
        out = list(cells)
        for index in self.carried:
            if not out[index].strip():
                out[index] = first[index]
        if self.handle is not None:
            out[self.handle] = self.current
        if self.sku == len(out):
            out.append("")
        if not out[self.sku].strip():
            out[self.sku] = out[self.variant_id].strip() if self.variant_id is not None else ""
        if not out[self.sku]:
            out[self.sku] = generated_sku(
                self.current, [out[index].strip() for index in self.choices if out[index].strip()]
            )
        return out


def generated_sku(handle: str, choices: Sequence[str]) -> str:
    """`mug` and ["Large", "Dark blue"] -> `mug-Large-Dark-blue`; "" without a handle.

    Where characters had to be replaced, a digest of the exact handle and options keeps different variants apart.
    """
    if not handle or choices == ["Default Title"]:
        return handle
    exact = "-".join([handle, *choices])
    plain = re.sub(r"\s+", "-", exact)
    safe = re.sub(r"[^\w.+-]+", "-", plain)
    if safe == plain and len(safe) <= SKU_LENGTH:
        return safe
    digest = blake2b("\0".join([handle, *choices]).encode(), digest_size=4).hexdigest()
    return f"{safe[: SKU_LENGTH - 9]}-{digest}"
