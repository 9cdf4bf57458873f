"""The physical lines of a file one after another; some can be put back and are then given once more."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from shopctl.records.source import Stream

_CHUNK = 64 << 10


class EndlessLine(Exception):
    """A line, or a row of several, exceeds the limit; `line` is where it begins."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class Lines:
    """Lines with their ends; `number` is that of the line given last, from 1."""

    def __init__(self, stream: Stream, limit: int) -> None:
        self.number = 0
        self._stream = stream
        self._limit = limit
        self._rest = b""
        self._waiting: deque[bytes] = deque()
        self._ended = False

    def next(self) -> bytes | None:
        """The next line, None after the last one. Raises EndlessLine."""
        while not self._waiting and not self._ended:
            self._fill()
        if not self._waiting:
            return None
        self.number += 1
        return self._waiting.popleft()

    def put_back(self, lines: Iterable[bytes]) -> None:
        """Give these lines, the last ones that were given, again."""
        lines = list(lines)
        self._waiting.extendleft(reversed(lines))
        self.number -= len(lines)

    def _fill(self) -> None:
        # As much again as waits already: a line of many chunks is looked at a few times, not once a chunk.
        data = self._stream.read(max(_CHUNK, len(self._rest)))
        if not data:
            self._ended = True
            self._waiting.extend([self._rest] * bool(self._rest))
            return
        *whole, self._rest = (self._rest + data).split(b"\n")
        self._waiting.extend(line + b"\n" for line in whole)
        if len(self._rest) > self._limit:
            raise EndlessLine(self.number + len(self._waiting) + 1)
