"""Bytes kept aside in a file without a name, encrypted under a key that only this process has, until it ends.

So what is personal never lies readable in a temporary folder.
"""

from __future__ import annotations

import tempfile

from shopctl.records.outlet import NoRoom


class SealedSpool:
    """Parts of bytes, each sealed with AES-256-GCM and counted; the key encrypts nothing else."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._file = tempfile.TemporaryFile(prefix="shopctl-rows-")  # noqa: SIM115 - closed by `discard`
        self._cipher = AESGCM(AESGCM.generate_key(256))
        self._part = 0
        self._rest = b""

    def write(self, data: bytes) -> None:
        """Keep these bytes too. Raises NoRoom."""
        if not data:
            return
        sealed = self._cipher.encrypt(self._nonce(), data, None)
        try:
            self._file.write(len(sealed).to_bytes(8) + sealed)
        except OSError:
            raise self._no_room() from None

    def rewind(self) -> None:
        """Begin to read what was written. Raises NoRoom."""
        try:
            self._file.seek(0)  # what was not written yet is written now
        except OSError:
            raise self._no_room() from None
        self._part = 0

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, none only at the end."""
        if not self._rest and (length := self._file.read(8)):
            sealed = self._file.read(int.from_bytes(length))
            self._rest = self._cipher.decrypt(self._nonce(), sealed, None)
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def discard(self) -> None:
        """Forget all."""
        self._file.close()

    def close(self) -> None:
        """A reader is done; what was written stays."""

    def _no_room(self) -> NoRoom:
        return NoRoom(path="what a pipe brought, in the temporary folder")

    def _nonce(self) -> bytes:
        self._part += 1
        return self._part.to_bytes(12)
