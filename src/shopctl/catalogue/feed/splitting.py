"""Cuts a CSV stream into raw records at full speed, and exactly where speed would guess wrong.

The fast cut counts quotes: a line with an odd number of them opens or closes a quoted field. That is right for every
file a program wrote, and wrong for a stray quote in an unquoted field (`5" pipe`), which joins lines. The reader
notices (such a record does not parse as one) and asks for the same bytes again, cut by the rules of the csv module.
"""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from shopctl.catalogue.feed.dialect import Dialect, is_preamble
from shopctl.records.source import Stream

_LONG = 1 << 20


class Piece(NamedTuple):
    """Some consecutive records."""

    records: list[bytes]  # without the line end
    lines: list[int]  # the physical line on which each starts
    exact: bool  # cut by the rules of the csv module
    torn: frozenset[int]  # indices of lines that open a quote which is never properly closed; only in exact pieces
    next_line: int  # the first line after them


class EndlessLine(Exception):
    """A record exceeds the limit; `line` is where it starts."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class Splitter:
    """Iterates over the pieces of a stream; `again()` gives the records of the last piece anew, cut exactly."""

    def __init__(self, stream: Stream, dialect: Dialect, limit: int, fits: Callable[[bytes], bool], chunk: int) -> None:
        self.stream = stream
        self.limit = limit
        self.fits = fits  # does this make a sound record, with as many cells as there are columns?
        self.chunk = chunk  # bytes to read at a time
        self.line = 1  # of the first byte of `buffer`
        self.nul = False  # has a NUL been seen?
        self.carriage_return = False
        self.skip = 0  # bytes to leave out at the start: a byte order mark
        self.quote = dialect.quote.encode()
        self.end = dialect.line_end
        self.always_exact = dialect.escape is not None
        self.buffer = b""
        self.ended = False
        self._put_back: deque[bytes] = deque()  # read already, for the next pieces
        self._last: Piece | None = None
        self._open_long = False  # a quoted field has been open for so long that lines are not worth counting any more
        self._record = _record_pattern(dialect)

    def take_header(self) -> bytes:
        """The first record that is not blank, no `sep=` line and no comment; b"" where there is none."""
        while not self.ended or self.buffer:
            match = self._record.match(self.buffer)
            if match is None:
                if self.ended or len(self.buffer) > self.limit:
                    raise EndlessLine(self.line)
                self.fill()
                continue
            record = match[0].rstrip(b"\r\n")
            self.line += match[0].count(self.end)
            self.buffer = self.buffer[match.end() :]
            if not is_preamble(record.decode("utf-8", "replace")):
                return record
        return b""

    def __iter__(self) -> Iterator[Piece]:
        while not self.ended or self.buffer:
            self.fill()
            piece = self._exact() if self.always_exact or self._open_long else self._fast()
            if piece.records:
                self._last = piece
                yield piece

    def again(self) -> Piece:
        """The last piece cut exactly; what it leaves over stays in the buffer for the next pieces."""
        assert self._last is not None
        self.buffer = self.end.join([*self._last.records, self.buffer])
        self.line = self._last.lines[0]
        while True:
            piece = self._exact()
            if piece.records:
                self._last = piece
                return piece
            self.fill()

    def fill(self) -> None:
        """Fill the buffer; at the end of the stream the last line gets the end it may lack."""
        if self.ended:
            return
        # As much again as waits already: a record of many chunks is looked at a few times, not once a chunk.
        wanted, parts = max(self.chunk, len(self.buffer)), []
        while wanted > 0 and (data := self._put_back.popleft() if self._put_back else self.stream.read(wanted)):
            parts.append(data[self.skip :])
            self.skip = 0
            wanted -= len(data)
            self.nul = self.nul or b"\0" in data
            self.carriage_return = self.carriage_return or b"\r" in data
        if parts:
            self.buffer = b"".join([self.buffer, *parts])
            return
        self.ended = True
        if self.buffer and not self.buffer.endswith(self.end):
            self.buffer += self.end

    def _fast(self) -> Piece:
        lines = self.buffer.split(self.end)
        rest = lines.pop()
        start = line = self.line
        if self.quote not in self.buffer:
            self._keep(rest, start + len(lines))
            return Piece(lines, list(range(start, start + len(lines))), False, frozenset(), self.line)
        records: list[bytes] = []
        starts: list[int] = []
        quote = self.quote
        opened = -1
        for index, text in enumerate(lines):
            if text.count(quote) & 1:
                if opened < 0:
                    opened = index
                else:
                    records.append(self.end.join(lines[opened : index + 1]))
                    starts.append(start + opened)
                    opened = -1
            elif opened < 0:
                records.append(text)
                starts.append(line)
            line += 1
        if opened >= 0:
            rest = self.end.join([*lines[opened:], rest])
            line = start + opened
            if self.ended or len(rest) > _LONG:  # perhaps it never closes: only the exact cut can go on
                self._open_long = True
                self.buffer, self.line = rest, line
                return Piece(records, starts, False, frozenset(), line)
        self._keep(rest, line)
        return Piece(records, starts, False, frozenset(), line)

    def _keep(self, rest: bytes, line: int) -> None:
        if len(rest) > self.limit:
            raise EndlessLine(line)
        self.buffer, self.line = rest, line

    def _exact(self) -> Piece:
        """Records as the csv module cuts them.

        A line whose quote swallows whole records is torn: it stands alone, and the next line starts afresh.
        """
        buffer, end = self.buffer, self.end
        records: list[bytes] = []
        starts: list[int] = []
        torn: set[int] = set()
        position, line = 0, self.line
        while position < len(buffer) and position <= 2 * self.chunk:
            stop = buffer.find(end, position)
            match = self._record.match(buffer, position) if stop >= 0 else None
            if match is None:
                if stop < 0 or not self.ended and len(buffer) - position <= self.limit:
                    break
                torn.add(len(records))
            elif match.end() - 1 > stop:
                if match.end() - position > self.limit or self._swallows(buffer[position : match.end() - 1], stop + 1):
                    torn.add(len(records))
                else:
                    stop = match.end() - 1
            records.append(buffer[position:stop])
            starts.append(line)
            line += 1 + records[-1].count(end)
            position = stop + 1
        rest = buffer[position:]
        self._open_long = not records and not self.ended
        if len(rest) > self.limit and rest.find(end) < 0:
            raise EndlessLine(line)
        self.buffer, self.line = rest, line
        if records and len(rest) > 4 * self.chunk:
            blocks = (rest[start : start + self.chunk] for start in range(0, len(rest), self.chunk))
            self._put_back.extendleft(reversed(list(blocks)))
            self.buffer, self.ended = b"", False
        return Piece(records, starts, True, frozenset(torn), line)

    def _swallows(self, record: bytes, second_line: int) -> bool:
        """Does this record of several lines make no sense as one, while its second line does?"""
        if self.fits(record):
            return False
        match = self._record.match(self.buffer, second_line)
        return match is not None and self.fits(self.buffer[second_line : match.end() - 1])


# Giving nothing back saves memory on long records; before Python 3.11.5 such patterns match wrongly (cpython#106052).
POSSESSIVE = b"+" if sys.version_info >= (3, 11, 5) else b""


def _record_pattern(dialect: Dialect) -> re.Pattern[bytes]:
    """One record with its line end."""
    d, q, e = (re.escape(part) for part in (dialect.delimiter.encode(), dialect.quote.encode(), dialect.line_end))
    if dialect.escape is None:
        inside = rb"[^%(q)b]*%(p)b(?:%(q)b%(q)b[^%(q)b]*%(p)b)*%(p)b"
        bare = rb"[^%(d)b%(e)b]*%(p)b"
        close = q + b"(?!" + q + b")"
    else:
        inside = rb"[^%(q)b%(x)b]*%(p)b(?:%(x)b.[^%(q)b%(x)b]*%(p)b)*%(p)b"
        bare = rb"[^%(d)b%(e)b%(x)b]*%(p)b(?:%(x)b.[^%(d)b%(e)b%(x)b]*%(p)b)*%(p)b"
        close = q
    x = re.escape((dialect.escape or "\\").encode())
    facts = {b"d": d, b"q": q, b"e": e, b"x": x, b"p": POSSESSIVE}
    inside, bare = inside % facts, bare % facts
    field = b"(?:" + q + inside + close + bare + b"|(?!" + q + b")" + bare + b")"
    return re.compile(field + b"(?:" + d + field + b")*" + POSSESSIVE + e, re.DOTALL)
