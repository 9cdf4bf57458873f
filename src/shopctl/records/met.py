"""Remembers on which line of a file each of many keys was met, in some 20 bytes a key instead of a dictionary's 110."""

from __future__ import annotations

from array import array

_SLOTS = 1 << 12
_WORD = (1 << 64) - 1


class Met:
    """Lines, from 1 to 2^32 - 1, by the hashes of keys: a text's `hash`, which this process alone makes so.

    That among ten million keys two are taken for one has a probability of about one in 400,000.
    """

    def __init__(self) -> None:
        # Open addressing: a hash stands in the first slot from its own on that was free.
        self._hashes = array("Q", bytes(8 * _SLOTS))
        self._lines = array("I", bytes(4 * _SLOTS))  # 0: the slot is free
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def line_of(self, key: str) -> int | None:
        """Where this key was met, None where it was not."""
        return self._lines[self._slot(hash(key) & _WORD)] or None

    def add(self, key: str, line: int) -> None:
        """It was met on this line."""
        if 5 * self._count >= 3 * len(self._lines):
            self._grow()
        code = hash(key) & _WORD
        slot = self._slot(code)
        if not self._lines[slot]:
            self._count += 1
        self._hashes[slot] = code
        self._lines[slot] = line

    def _slot(self, code: int) -> int:
        hashes, lines = self._hashes, self._lines
        last = len(lines) - 1
        slot = code & last
        while lines[slot] and hashes[slot] != code:
            slot = (slot + 1) & last
        return slot

    def _grow(self) -> None:
        hashes, lines = self._hashes, self._lines
        self._hashes, self._lines = array("Q", bytes(16 * len(lines))), array("I", bytes(8 * len(lines)))
        for code, line in zip(hashes, lines, strict=True):
            if line:
                slot = self._slot(code)
                self._hashes[slot], self._lines[slot] = code, line
