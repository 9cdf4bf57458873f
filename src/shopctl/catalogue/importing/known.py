"""What a feed said before, as hashes of its raw records: an unchanged record needs no parsing."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable


class KnownRecords:
    """A sorted array of 64-bit hashes, with the line where each was met in the file now being read.

    16 bytes a record: a million known records cost 16 MB, where a set of integers would cost 100.
    """

    def __init__(self, hashes: Iterable[int]) -> None:
        self._hashes = array("q", sorted(hashes))
        self._lines = array("q", bytes(8 * len(self._hashes)))
        self._repeats = array("q")  # hash and line of records that were met again further down

    def __len__(self) -> int:
        return len(self._hashes)

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, int):
            return False
        place = bisect_left(self._hashes, value)
        return place < len(self._hashes) and self._hashes[place] == value

    def met(self, value: int, line: int) -> None:
        """Note that the record was met at this line; of several the last counts, the others are repeats."""
        place = bisect_left(self._hashes, value)
        if before := self._lines[place]:
            self._repeats.extend((value, before))
        self._lines[place] = line

    def line_of(self, value: int) -> int:
        """The last line where this record was met; 0 when it was not, or is not known."""
        place = bisect_left(self._hashes, value)
        if place < len(self._hashes) and self._hashes[place] == value:
            return self._lines[place]
        return 0

    def repeats(self) -> list[tuple[int, int]]:
        """Hash and line of each record that stands again further down."""
        return list(zip(self._repeats[::2], self._repeats[1::2], strict=True))

    def notes(self) -> tuple[bytes, bytes]:
        """What was met where, to be sent to the process that holds the same hashes."""
        return self._lines.tobytes(), self._repeats.tobytes()

    def take_notes(self, notes: tuple[bytes, bytes]) -> None:
        """Take over what another process has noted."""
        self._lines, self._repeats = array("q", notes[0]), array("q", notes[1])
