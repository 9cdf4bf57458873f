"""Which cases of a table a run takes: all under `make assure`, else a part in which each kind still occurs."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from typing import Any

FULL = os.environ.get("SHOPCTL_ASSURE") == "full"


def crossed(*axes: Sequence[Any], every: int) -> list[tuple[Any, ...]]:
    """Every combination; in short each `every`-th, on diagonals, so that every value of every axis stays in.

    Where an axis has a multiple of `every` values, every pair of values of the others stays in too.
    """
    return [
        tuple(axis[place] for axis, place in zip(axes, places, strict=True))
        for places in itertools.product(*(range(len(axis)) for axis in axes))
        if FULL or sum(places) % every == 0
    ]
