"""A file of rows that is read twice, also where it comes from a pipe."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection
from types import TracebackType
from typing import Any, BinaryIO, cast

from shopctl.records.outlet import NoRoom
from shopctl.records.reading import RowFile
from shopctl.records.source import Limits, opened


class Twice:
    """Reads a file once or twice, as a context. A pipe is kept in a file without a name, encrypted under a key that
    is only in memory: what is personal never lies readable in a temporary folder."""

    def __init__(self, path: str, columns: Collection[str], limits: Limits | None = None) -> None:
        """`path` may be `-`, standard input."""
        self._path = path
        self._how = (columns, limits)
        self._kept: _Kept | None = None

    def only(self) -> RowFile:
        """The file, which is not read again. Raises what opening a RowFile raises, as the others do."""
        return RowFile(self._path, *self._how)

    def first(self) -> RowFile:
        """The file for the first time."""
        if os.path.isfile(self._path):
            return self.only()
        file, _ = opened(self._path)
        self._kept = _Kept()
        return RowFile(self._path, *self._how, file=cast("BinaryIO", _Tee(file, self._kept)))

    def again(self) -> RowFile:
        """The same file, when it was read to its end."""
        if self._kept is None:
            return self.only()
        self._kept.rewind()
        return RowFile(self._path, *self._how, file=cast("BinaryIO", self._kept))

    def __enter__(self) -> Twice:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._kept is not None:
            self._kept.discard()


class _Tee:
    def __init__(self, source: BinaryIO, kept: _Kept) -> None:
        self._source = source
        self._kept = kept

    def read(self, size: int) -> bytes:
        data = self._source.read(size)
        self._kept.write(data)
        return data

    def close(self) -> None:
        pass  # as standard input is left open


class _Kept:
    """Parts of bytes, each sealed with AES-256-GCM and counted; the key encrypts nothing else."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._file = tempfile.TemporaryFile(prefix="shopctl-rows-")  # noqa: SIM115 - closed by `discard`
        self._cipher = AESGCM(AESGCM.generate_key(256))
        self._part = 0
        self._rest = b""

    def write(self, data: bytes) -> None:
        if not data:
            return
        sealed = self._cipher.encrypt(self._nonce(), data, None)
        try:
            self._file.write(len(sealed).to_bytes(8) + sealed)
        except OSError:
            raise NoRoom(path="what standard input brought, in the temporary folder") from None

    def rewind(self) -> None:
        self._file.seek(0)
        self._part = 0

    def read(self, size: int) -> bytes:
        if not self._rest and (length := self._file.read(8)):
            sealed = self._file.read(int.from_bytes(length))
            self._rest = self._cipher.decrypt(self._nonce(), sealed, None)
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def discard(self) -> None:
        self._file.close()

    def close(self) -> None:
        pass  # the reader's; `discard` is ours

    def _nonce(self) -> Any:
        self._part += 1
        return self._part.to_bytes(12)
