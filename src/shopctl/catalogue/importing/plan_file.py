"""A plan as a file: a header that can be read, the planned rows packed, and sums that show damage and forgery.

First line: the header, JSON. Then two gzip streams of JSON lines, products to retire and rows, as long as the header
says. Last line: the SHA-256 of all before it, the id of a key of the shop's audit trail, and its code over the sum.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, Any, NamedTuple, cast

from shopctl.catalogue.feed.row import FIELDS, RULES_VERSION, FeedRow
from shopctl.catalogue.importing.errors import PlanNotFound, PlanOfAnotherShop, PlanUnusable
from shopctl.catalogue.importing.outcome import Outcome
from shopctl.catalogue.importing.planned import Base, with_base
from shopctl.catalogue.importing.prune import Missing
from shopctl.records.outlet import outlet

FORMAT = "shopctl plan 1"
_PIECE = 1 << 20
_LONGEST_HEADER = 16 << 20
_TAIL = 1024  # at most, of the last line
_LEVEL = 3

Sign = Callable[[str, bytes], tuple[str, str]]  # (database, sum) -> (key, code)
Check = Callable[[str, bytes, str, str], bool]  # (database, sum, key, code) -> whether it is the code


class Retirement(NamedTuple):
    """A product to retire, and the version it had when that was planned."""

    id: int
    sku: str
    version: int


class PlanWriter:
    """Watches a survey and keeps what it is told; on disk, for a plan may hold a million rows."""

    def __init__(self) -> None:
        self.unchanged = 0  # rows that change nothing, kept so that they are known the next time
        self._rows = _Stream()
        self._retirements = _Stream()

    def row(self, row: FeedRow, found: Outcome) -> None:
        """Keep a row, with what it was compared with."""
        self.unchanged += not found.changed
        given = {name: value for name, value in zip(FIELDS, row, strict=True) if value is not ...}
        self._rows.write([given, Base.of(found)])

    def gone(self, product: Missing) -> None:
        """Keep a product to retire."""
        self._retirements.write(Retirement(product.id, product.sku, product.version))

    def finish(self, path: str, header: dict[str, Any], sign: Sign) -> None:
        """Write the plan, whole or not at all, of mode 0600; "-" is standard output.

        Raises NothingToWriteTo, NoRoom.
        """
        parts = {"retirements": self._retirements.end(), "rows": self._rows.end()}
        sizes = {name: os.fstat(part.fileno()).st_size for name, part in parts.items()}
        whole = {"format": FORMAT, **header, "rules_version": RULES_VERSION, "packed_bytes": sizes}
        with outlet(path, binary=True, mode=0o600) as file:
            digest = hashlib.sha256()
            for piece in _pieces(io.BytesIO(json.dumps(whole).encode() + b"\n"), *parts.values()):
                digest.update(piece)
                file.write(piece)
            key, code = sign(header["database_id"], digest.digest())
            file.write(f"\n{digest.hexdigest()} {key} {code}\n".encode())


class Plan:
    """An opened plan whose sums are right; `header` says for whom and for what it is."""

    def __init__(self, path: str, file: IO[bytes], header: dict[str, Any], start: int) -> None:
        self.path = path
        self.header = header
        self.file = file
        self._start = start

    def retirements(self) -> Iterator[Retirement]:
        """The products to retire."""
        for values in self._lines(self._start, self.header["packed_bytes"]["retirements"]):
            yield Retirement._make(values)

    def rows(self) -> Iterator[FeedRow]:
        """The planned rows in the order of the file they come from, each with its base (see `planned`)."""
        sizes = self.header["packed_bytes"]
        for given, base in self._lines(self._start + sizes["retirements"], sizes["rows"]):
            for name in ("prices", "stock"):
                if name in given:
                    given[name] = tuple(map(tuple, given[name]))
            yield with_base(tuple(given.get(name, ...) for name in FIELDS), Base._make(base))

    def _lines(self, start: int, size: int) -> Iterator[Any]:
        self.file.seek(start)
        # What was checked is read, not what has the name by now.
        with gzip.open(cast("IO[bytes]", _Part(self.file, size)), "rt", encoding="ascii") as lines:
            yield from map(json.loads, lines)


def read_plan(path: str, *, database_id: str, check: Check) -> Plan:
    """Open a plan ("-": standard input) and check it. Raises PlanNotFound, PlanUnusable, PlanOfAnotherShop."""
    name = "standard input" if path == "-" else path
    file = _opened(path)
    tail, body = _tail(file, name)
    digest = hashlib.sha256()
    file.seek(0)
    for piece in _pieces(_Part(file, body)):
        digest.update(piece)
    if digest.hexdigest() != tail[0]:
        raise PlanUnusable(path=name, reason="it was damaged or edited")
    file.seek(0)
    line = file.readline(_LONGEST_HEADER)
    header = _header(line, name)
    if header["database_id"] != database_id:
        raise PlanOfAnotherShop(planned=header["database_id"], here=database_id)
    if not check(database_id, digest.digest(), tail[1], tail[2]):
        raise PlanUnusable(path=name, reason="its signature is not this shop's")
    if header["rules_version"] != RULES_VERSION:
        raise PlanUnusable(path=name, reason="another release of shopctl made it")
    return Plan(name, file, header, len(line))


def _opened(path: str) -> IO[bytes]:
    if path == "-":
        copy = tempfile.TemporaryFile(prefix="shopctl-plan-")  # noqa: SIM115 - closed with the process
        shutil.copyfileobj(sys.stdin.buffer, copy)
        return copy
    try:
        return open(path, "rb")
    except FileNotFoundError:
        raise PlanNotFound(path=path) from None
    except OSError as error:
        raise PlanUnusable(path=path, reason=(error.strerror or str(error)).lower()) from None


def _tail(file: IO[bytes], name: str) -> tuple[list[str], int]:
    """The last line's words, and how many bytes stand before it."""
    try:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        end = file.read()
    except OSError as error:
        raise PlanUnusable(path=name, reason=(error.strerror or str(error)).lower()) from None
    _, separator, last = end.removesuffix(b"\n").rpartition(b"\n")
    words = last.decode("ascii", "replace").split(" ")
    if not separator or len(words) != 3 or not end.endswith(b"\n"):
        file.seek(0)
        begins = file.read(len(FORMAT) + 20).startswith(f'{{"format": "{FORMAT}"'.encode())
        raise PlanUnusable(path=name, reason="it is not whole" if begins else "it is not a plan of shopctl")
    return words, size - len(last) - 2


def _header(line: bytes, name: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
        if found["format"] == FORMAT:
            return cast("dict[str, Any]", found)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise PlanUnusable(path=name, reason="it is not a plan of this release")


def _pieces(*files: Any) -> Iterator[bytes]:
    for file in files:
        while piece := file.read(_PIECE):
            yield piece


class _Stream:
    """JSON lines, packed, in a file without a name."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="shopctl-plan-")  # noqa: SIM115 - closed with the process
        self._packed = gzip.GzipFile(fileobj=self._file, mode="wb", compresslevel=_LEVEL, mtime=0)

    def write(self, value: object) -> None:
        self._packed.write(json.dumps(value, separators=(",", ":")).encode() + b"\n")

    def end(self) -> IO[bytes]:
        self._packed.close()
        self._file.flush()
        self._file.seek(0)
        return self._file


class _Part(io.RawIOBase):
    """So many bytes of a file from where it stands."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)
