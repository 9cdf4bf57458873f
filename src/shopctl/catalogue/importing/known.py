"""What a feed said before, as hashes of its raw records: an unchanged record needs no parsing."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence

_SHIFT = 48
_MIDDLE = 1 << 15  # the stretch that begins with zero


class KnownRecords:
    """A sorted array of 64-bit hashes, with the line where each was met in the file now being read.

    16 bytes a record: a million known records cost 16 MB, where a set of integers would cost 100. The upper 16 bits of
    a hash name the short stretch of the array that is looked at.
    """

    def __init__(self, hashes: Iterable[int]) -> None:
        self._hashes = array("q", sorted(hashes))
        self._lines = array("q", bytes(8 * len(self._hashes)))
        self._repeats = array("q")  # hash and line of records that were met again further down
        firsts = range(-(1 << 63), 1 << 63, 1 << _SHIFT)
        self._starts = array("q", [bisect_left(self._hashes, first) for first in firsts])
        self._starts.append(len(self._hashes))
        self._found: dict[int, int] = {}  # hash and place of those found since the last were noted

    def __len__(self) -> int:
        return len(self._hashes)

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, int) or (place := self._place(value)) < 0:
            return False
        self._found[value] = place
        return True

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

    def _place(self, value: int) -> int:
        stretch = (value >> _SHIFT) + _MIDDLE
        end = self._starts[stretch + 1]
        place = bisect_left(self._hashes, value, self._starts[stretch], end)
        return place if place < end and self._hashes[place] == value else -1

    def repeats(self) -> list[tuple[int, int]]:
        """Hash and line of each record that stands again further down."""
        return list(zip(self._repeats[::2], self._repeats[1::2], strict=True))

    def notes(self) -> tuple[bytes, bytes]:
        """What was met where, to be sent to the process that holds the same hashes."""
        return self._lines.tobytes(), self._repeats.tobytes()

    def take_notes(self, notes: tuple[bytes, bytes]) -> None:
        """Take over what another process has noted."""
        self._lines, self._repeats = array("q", notes[0]), array("q", notes[1])
