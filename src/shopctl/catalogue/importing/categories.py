"""Categories as feeds bring them: a path, whose ancestors come into being with it."""

from __future__ import annotations

import json
from collections.abc import Iterable

from shopctl.storage.unit import Unit

SEPARATOR = " > "


def category_paths(main: Iterable[object], further: Iterable[object]) -> set[str]:
    """The paths in category cells (text) and in lists of further categories (JSON text)."""
    paths = {value for value in main if isinstance(value, str) and value}
    for text in {value for value in further if isinstance(value, str) and value != "[]"}:
        paths.update(json.loads(text))
    return paths


def add_categories(unit: Unit, paths: Iterable[str]) -> None:
    """Add these categories and their ancestors where they are missing."""
    wanted: dict[str, tuple[str | None, str]] = {}
    for path in paths:
        names = path.split(SEPARATOR)
        for depth in range(1, len(names) + 1):
            parent = SEPARATOR.join(names[: depth - 1]) or None
            wanted[SEPARATOR.join(names[:depth])] = (parent, names[depth - 1])
    if not wanted:
        return
    for row in sorted(wanted):
        parent, name = wanted[row]
        unit.execute(
            "insert into category (path, parent, name) values (:path, :parent, :name) on conflict (path) do nothing",
            path=row, parent=parent, name=name,
        )  # fmt: skip
