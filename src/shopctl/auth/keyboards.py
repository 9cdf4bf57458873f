"""Walks over keyboards: how cheaply a stretch of a text is told as neighbouring keys, on the layouts people use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import NamedTuple

_LAYOUTS = {
    "qwerty": ("`1234567890-=", "qwertyuiop[]\\", "asdfghjkl;'", "zxcvbnm,./"),
    "qwertz": ("^1234567890ß´", "qwertzuiopü+", "asdfghjklöä#", "yxcvbnm,.-"),
    "azerty": ("²&é\"'(-è_çà)=", "azertyuiop^$", "qsdfghjklmù*", "wxcvbn,;:!"),
    "dvorak": ("`1234567890[]", "',.pyfgcrl/=\\", "aoeuidhtns-", ";qjkxbmwvz"),
    "colemak": ("`1234567890-=", "qwfpgjluy;[]\\", "arstdhneio'", "zxcvbkm,./"),
    "йцукен": ("ё1234567890-=", "йцукенгшщзхъ\\", "фывапролджэ", "ячсмитьбю."),
    "keypad": ("789", "456", "123", "0"),
}
_SHIFTED_RIGHT = (0.0, 1.5, 1.75, 2.25)  # keys; how far each row of a keyboard is shifted, a keypad's is not
_UNSHIFTED = str.maketrans('!@#$%^&*()_+{}|:"<>?~', "1234567890-=[]\\;',./`")
_SHORTEST = 4  # keys, 3 straight ones
_LONGEST = 40
# Powers of ten: the key to begin with, a step that turns, one that goes straight on, and the leap from the end of a
# column to the beginning of the next one, as in 1qaz2wsx.
_START, _TURN, _ON, _LEAP = 1.6, 0.8, 0.1, 0.4

Step = tuple[float, float]
_STAY: Step = (1.0, 0.0)


class Walk(NamedTuple):
    """So many characters, told as a walk over the keys."""

    length: int
    cost: float


def unshifted(text: str) -> str:
    """The keys that were pressed, as far as a shift tells them: `!QAZ` is `1qaz`."""
    return text.translate(_UNSHIFTED)


def walks(keys: str, start: int) -> Iterator[Walk]:
    """The walks that begin here, each with its power of ten of guesses; a turn costs more than going straight on."""
    best: dict[int, float] = {}
    for steps in _steps():
        for length, cost in _walked(keys[start : start + _LONGEST], steps):
            best[length] = min(cost, best.get(length, cost))
    return (Walk(length, cost) for length, cost in best.items())


def _walked(keys: str, steps: Mapping[tuple[str, str], Step]) -> Iterator[Walk]:
    cost, before, column, straight = _START, None, 0, 1
    for at, (here, there) in enumerate(pairwise(keys), 1):
        if step := steps.get((here, there)):
            on = step == before
            cost += _ON if on else _TURN
            if before is not None and not on:
                column, straight = at - 1, 1
            before = step
            straight += 1
        elif straight >= 3 and before and before[0] and steps.get((keys[column], there), _STAY)[0] == 0:
            cost += _LEAP
            column, straight = at, 1
        else:
            return
        if at + 1 >= _SHORTEST or straight == 3:
            yield Walk(at + 1, cost)


@cache
def _steps() -> list[dict[tuple[str, str], Step]]:
    """For each layout the direction from one key to its neighbours, and to itself."""
    found = []
    for name, rows in _LAYOUTS.items():
        shifts = (0.0,) * len(rows) if name == "keypad" else _SHIFTED_RIGHT
        places = {key: (y, x + shifts[y]) for y, row in enumerate(rows) for x, key in enumerate(row)}
        found.append(
            {
                (here, there): (float(v - y), float((u > x) - (u < x)))
                for here, (y, x) in places.items()
                for there, (v, u) in places.items()
                if abs(v - y) <= 1 and abs(u - x) <= 1
            }
        )
    return found
