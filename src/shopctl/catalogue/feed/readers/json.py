"""Reads one JSON document, a list of objects or {"products": [...]}, record by record in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shopctl.catalogue.feed.errors import BadJson
from shopctl.catalogue.feed.records import Record, RecordFeed
from shopctl.catalogue.feed.splitting import POSSESSIVE
from shopctl.records.errors import EndlessRecord, Truncated
from shopctl.records.source import Source, Stream

_CHUNK = 256 << 10
# A lone quote: the string goes on in the next chunk.
_TOKEN = re.compile(rb'"[^"\\]*%(p)b(?:\\.[^"\\]*%(p)b)*%(p)b"|[\[\]{}"]' % {b"p": POSSESSIVE}, re.DOTALL)
_BLANK = re.compile(rb"[ \t\r\n]*")
_LIST_KEY = b'"products"'


class JsonFeed(RecordFeed):
    """Records are the elements of the list; the numbers count them from 1."""

    format = "json"

    def cut(self, stream: Stream) -> Iterator[Record]:
        text = _Text(stream, self.source)
        inside_object = self._enter_list(text)
        number = 0
        while True:
            start = text.skip_blank()
            if start == b"]" and not number:
                text.position += 1
                break
            if start != b"{":
                raise self._bad(f"element {number + 1} is not an object")
            number += 1
            yield number, text.take_value(number)
            separator = text.skip_blank()
            text.position += 1
            if separator == b"]":
                break
            if separator != b",":
                raise self._bad(f"a comma is missing after element {number}")
        if inside_object:
            self._leave_object(text, number)
        elif text.skip_blank(may_end=True):
            raise self._bad("something follows the end of the list")

    def _enter_list(self, text: _Text) -> bool:
        """Go to the first element; is the list a member of an object?"""
        start = text.skip_blank()
        text.position += 1
        if start == b"[":
            return False
        if start != b"{":
            raise self._bad("it begins with neither [ nor {")
        while (start := text.skip_blank()) == b'"':
            key = text.take_value(0)
            if text.skip_blank() != b":":
                raise self._bad("a colon is missing")
            text.position += 1
            start = text.skip_blank()
            if key == _LIST_KEY and start == b"[":
                text.position += 1
                return True
            text.take_value(0)
            if text.skip_blank() != b",":
                break
            text.position += 1
        raise self._bad('it is an object without a list under "products"')

    def _leave_object(self, text: _Text, number: int) -> None:
        while text.skip_blank() == b",":
            text.position += 1
            if text.skip_blank() != b'"':
                break
            text.take_value(number)
            if text.skip_blank() != b":":
                break
            text.position += 1
            text.skip_blank()
            text.take_value(number)
        if text.skip_blank() != b"}":
            raise self._bad("the object is damaged after its list")

    def _bad(self, detail: str) -> BadJson:
        return BadJson(file=self.source.name, detail=detail)


class _Text:
    """A window on the document that moves forward."""

    def __init__(self, stream: Stream, source: Source) -> None:
        self.stream = stream
        self.source = source
        self.buffer = b""
        self.position = 0

    def _more(self) -> bool:
        # As much again as waits already: a long value is scanned a few times, not once a chunk.
        wanted, parts = max(_CHUNK, len(self.buffer) - self.position), [self.buffer[self.position :]]
        while wanted > 0 and (data := self.stream.read(wanted)):
            parts.append(data)
            wanted -= len(data)
        self.buffer, self.position = b"".join(parts), 0
        return len(parts) > 1

    def skip_blank(self, may_end: bool = False) -> bytes:
        """The next byte that is not blank, where the window then stands. Raises Truncated at the end."""
        while True:
            match = _BLANK.match(self.buffer, self.position)
            self.position = match.end() if match else self.position
            if self.position < len(self.buffer):
                return self.buffer[self.position : self.position + 1]
            if not self._more():
                if may_end:
                    return b""
                raise Truncated(file=self.source.name, detail="the JSON document is not complete")

    def take_value(self, number: int) -> bytes:
        """The bytes of the value that begins here: an object or list to its bracket, a string, or a word."""
        if self.buffer[self.position] not in b'{["':
            return self._take_word()
        scanned, depth = self.position, 0
        limit = self.source.limits.record_bytes
        while True:
            end = -1
            for token in _TOKEN.finditer(self.buffer, scanned):
                mark = self.buffer[token.start()]
                if mark == 0x22:
                    if token.end() - token.start() == 1:
                        scanned = token.start()
                        break
                elif mark in b"{[":
                    depth += 1
                else:
                    depth -= 1
                scanned = token.end()
                if not depth:
                    end = scanned
                    break
            else:
                scanned = len(self.buffer)
            if end >= 0:
                value, self.position = self.buffer[self.position : end], end
                return value
            if len(self.buffer) - self.position > limit:
                raise EndlessRecord(file=self.source.name, limit=limit, line=number)
            scanned -= self.position
            if not self._more():
                raise Truncated(file=self.source.name, detail="the JSON document is not complete")

    def _take_word(self) -> bytes:
        match = re.compile(rb"[\w.+-]*").match(self.buffer, self.position)
        end = match.end() if match else self.position
        if end == self.position:
            raise BadJson(file=self.source.name, detail="a value is missing")
        word, self.position = self.buffer[self.position : end], end
        return word
