"""The bytes of a feed: a file or standard input, unpacked on the way if gzipped, with a guard against bombs."""

from __future__ import annotations

import os
import sys
import zlib
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from shopctl.kernel.errors import NotFound
from shopctl.records.errors import Bomb, EmptyFile, NotAFeed, Truncated, UnreadableFile, WrongEncoding

GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"
_RATIO_FROM = 8 << 20  # unpacked bytes from which the ratio is looked at: small files may well pack 500 : 1
_OTHERS = {
    b"%PDF": "a PDF document",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"\xd0\xcf\x11\xe0": "an old Excel (XLS) or Office file",
    b"SQLite format 3\0": "an SQLite database",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"Rar!": "a RAR archive",
    b"\x7fELF": "a program",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a feed may ask of this process; beyond it the file is refused."""

    record_bytes: int = 4 << 20  # one record
    field_characters: int = 1 << 20  # one text field
    unpacked_bytes: int = 64 << 30  # a whole feed after unpacking
    ratio: int = 200  # unpacked : packed, looked at once 8 MiB have come out
    depth: int = 32  # nesting of JSON values
    sheet_bytes: int = 2 << 30  # an XLSX part after unpacking
    shared_strings_bytes: int = 64 << 20  # the table of texts of a workbook, which is held in memory


class Stream(Protocol):
    """Bytes that are read forwards; `read` gives none only at the end."""

    def read(self, size: int, /) -> bytes:
        """Up to about `size` bytes."""
        ...


class Source:
    """An opened feed; `head` are its first unpacked bytes, which `read` gives again."""

    def __init__(self, path: str, limits: Limits, head_bytes: int = 256 << 10, *, file: BinaryIO | None = None) -> None:
        """Open what is at `path`; `file` stands in for it where it was opened already."""
        self.name = "standard input" if path == "-" else path
        self.limits = limits
        self.file, self.size = opened(path) if file is None else (file, None)
        magic = self._peek_raw(8)
        if not magic:
            raise EmptyFile(file=self.name)
        self._unpacker = _Gunzip(self) if magic.startswith(GZIP) else None
        self.packed = self._unpacker is not None
        self._waiting = b""
        self.head = self._fill(head_bytes)
        if not self.head:
            raise EmptyFile(file=self.name)
        self._waiting = self.head
        for start, kind in _OTHERS.items():
            if self.head.startswith(start):
                raise NotAFeed(file=self.name, kind=kind)

    def _peek_raw(self, size: int) -> bytes:
        self.raw_position = 0
        self._raw = b""
        while len(self._raw) < size and (more := self._read_file(size - len(self._raw))):
            self._raw += more
        return self._raw

    def _read_file(self, size: int) -> bytes:
        try:
            return self.file.read(size)
        except OSError as problem:  # a bad disk, a lost share, a file that is none
            raise UnreadableFile(file=self.name, reason=problem.strerror) from None

    def read_raw(self, size: int) -> bytes:
        """Bytes as they lie in the file."""
        if self._raw:
            data, self._raw = self._raw, b""
        else:
            data = self._read_file(size)
        self.raw_position += len(data)
        return data

    def _fill(self, size: int) -> bytes:
        parts = []
        while size > 0 and (data := self.read(size)):
            parts.append(data)
            size -= len(data)
        return b"".join(parts)

    def read(self, size: int) -> bytes:
        """Up to about `size` unpacked bytes; empty at the end. Raises Truncated, Bomb."""
        if self._waiting:
            data, self._waiting = self._waiting[:size], self._waiting[size:]
            return data
        return self._unpacker.read(size) if self._unpacker else self.read_raw(size)

    @property
    def position(self) -> int:
        """Bytes of the file consumed, for progress beside `size`."""
        return self.raw_position

    def spool(self) -> BinaryIO:
        """The unpacked bytes as a file one can seek in: the file itself where that is possible. Raises Bomb."""
        if not self.packed and self.file.seekable():
            self.file.seek(0)
            return self.file
        import tempfile

        copy = tempfile.TemporaryFile(prefix="shopctl-feed-")  # noqa: SIM115 - its reader closes it
        while data := self.read(1 << 20):
            copy.write(data)
        copy.seek(0)
        return copy

    def close(self) -> None:
        if self.file is not getattr(sys.stdin, "buffer", None):
            self.file.close()


def opened(path: str) -> tuple[BinaryIO, int | None]:
    """The bytes at `path` ("-": standard input) and how many, None for a pipe. Raises NotFound, UnreadableFile."""
    if path == "-":
        return standard_input(), None
    try:
        # Unbuffered: chunks are large, and the parent of a forked reader must not share a buffer.
        file = open(path, "rb", buffering=0)  # noqa: SIM115 - closed by Source.close
        return file, os.fstat(file.fileno()).st_size if file.seekable() else None
    except FileNotFoundError:
        raise NotFound(what=f"The file {path}") from None
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else str(problem)
        raise UnreadableFile(file=path, reason=reason) from None


def standard_input() -> BinaryIO:
    """The bytes of standard input. Raises UnreadableFile where it is closed (`<&-`)."""
    if sys.stdin is None:
        raise UnreadableFile(file="standard input", reason="it is closed")
    return sys.stdin.buffer


class _Gunzip:
    """Unpacks gzip (RFC 1952, several members too) in bounded memory."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.inflater = zlib.decompressobj(31)
        self.pending = b""
        self.out = 0

    def read(self, size: int) -> bytes:
        while True:
            if not self.pending:
                self.pending = self.source.read_raw(64 << 10)
                if not self.pending:
                    if self.inflater.eof:
                        return b""
                    raise Truncated(file=self.source.name, detail="the gzip data are incomplete")
            if self.inflater.eof:
                if not self.pending.strip(b"\0"):  # padding after the last member
                    self.pending = b""
                    continue
                self.inflater = zlib.decompressobj(31)
            try:
                data = self.inflater.decompress(self.pending, size)
            except zlib.error as problem:
                raise Truncated(file=self.source.name, detail=f"the gzip data are damaged ({problem})") from None
            self.pending = self.inflater.unused_data if self.inflater.eof else self.inflater.unconsumed_tail
            self.out += len(data)
            self._guard()
            if data:
                return data

    def _guard(self) -> None:
        limits = self.source.limits
        packed = self.source.raw_position
        if self.out > _RATIO_FROM and self.out > packed * limits.ratio:
            raise Bomb(file=self.source.name, detail=f"more than {limits.ratio} : 1")
        if self.out > limits.unpacked_bytes:
            raise Bomb(file=self.source.name, detail=f"more than {limits.unpacked_bytes} bytes")


class Transcoded:
    """A stream of UTF-16 read as UTF-8: the readers below know only encodings that contain ASCII."""

    def __init__(self, source: Source, encoding: str) -> None:
        import codecs

        self.source = source
        self.encoding = encoding
        self.decoder = codecs.getincrementaldecoder(encoding)()
        self.offset = 0

    def read(self, size: int) -> bytes:
        while True:
            data = self.source.read(size)
            try:
                text = self.decoder.decode(data, final=not data)
            except UnicodeDecodeError as problem:
                raise WrongEncoding(
                    file=self.source.name, encoding=self.encoding, offset=self.offset + problem.start
                ) from None
            self.offset += len(data)
            if text or not data:
                return text.encode("utf-8", "surrogatepass")
