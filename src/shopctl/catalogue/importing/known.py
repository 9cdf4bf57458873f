"""What a feed said before, as hashes of its raw records: an unchanged record needs no parsing."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence

# A feed mostly comes in the order in which it came before, so a record is expected where the last one was followed by
# it. Elsewhere it is looked for nearby; only when many were not there, all hashes are sorted (0.8 s for a million).
_NEARBY = 2000
_STRAYS = 500  # one of so many


class KnownRecords:
    """Hashes of 64 bits in the order of their records, with the line where each was met in the file now being read.

    16 bytes a record, 28 once they had to be sorted: a set of integers would cost 100.
    """

    def __init__(self, hashes: Iterable[int]) -> None:
        self._hashes = array("q", hashes)
        self._lines = array("q", bytes(8 * len(self._hashes)))
        self._repeats = array("q")  # hash and line of records that were met again further down
        self._next = 0  # the place of the record that is expected
        self._found: dict[int, int] = {}  # hash and place of those found since the last were noted
        self._strays = 0  # records that were neither expected nor nearby
        self._sorted: tuple[array[int], array[int]] | None = None  # hashes, and the place of each

    def __len__(self) -> int:
        return len(self._hashes)

    def unknown(self, hashes: Sequence[int]) -> list[int]:
        """Which of the records read next, by their index, are not known.

        One that is known but not where it could be expected may pass for unknown: it is read and compared in vain.
        """
        start = self._next
        if self._hashes[start : start + len(hashes)] == array("q", hashes):
            self._next += len(hashes)
            self._found.update(zip(hashes, range(start, self._next), strict=True))
            return []
        unknown = []
        for index, value in enumerate(hashes):
            place = self._next
            if place >= len(self._hashes) or self._hashes[place] != value:
                place = self._looked_up(value)
                if place < 0:
                    unknown.append(index)
                    continue
            self._found[value] = place
            self._next = place + 1
        return unknown

    def met(self, known: Sequence[tuple[int, int]]) -> None:
        """Note the (line, hash) of records just found to be known; the last line counts, others are repeats."""
        lines, found = self._lines, self._found
        for line, value in known:
            place = found[value]
            if lines[place]:
                self._repeats.extend((value, lines[place]))
            lines[place] = line
        found.clear()

    def line_of(self, value: int) -> int:
        """The last line where this record was met; 0 when it was not, or is not known."""
        place = self._place(value)
        return self._lines[place] if place >= 0 else 0

    def _looked_up(self, value: int) -> int:
        if self._sorted is None:
            try:
                return self._hashes.index(value, self._next, self._next + _NEARBY)
            except ValueError:
                self._strays += 1
            if self._strays * _STRAYS <= len(self._hashes):
                return -1
        return self._place(value)

    def _place(self, value: int) -> int:
        if self._sorted is None:
            places = array("I", sorted(range(len(self._hashes)), key=self._hashes.__getitem__))
            self._sorted = array("q", map(self._hashes.__getitem__, places)), places
        hashes, places = self._sorted
        index = bisect_left(hashes, value)
        return places[index] if index < len(hashes) and hashes[index] == value else -1

    def repeats(self) -> list[tuple[int, int]]:
        """Hash and line of each record that stands again further down."""
        return list(zip(self._repeats[::2], self._repeats[1::2], strict=True))

    def notes(self) -> tuple[bytes, bytes]:
        """What was met where, to be sent to the process that holds the same hashes."""
        return self._lines.tobytes(), self._repeats.tobytes()

    def take_notes(self, notes: tuple[bytes, bytes]) -> None:
        """Take over what another process has noted."""
        self._lines, self._repeats = array("q", notes[0]), array("q", notes[1])
