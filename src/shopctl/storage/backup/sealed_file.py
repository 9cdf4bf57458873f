"""The file of a backup: parts that are packed and encrypted one after another, and at its end what they are.

    shopctl backup 1⏎ | id of the key, 16 digits | salt, 32 bytes | part … | manifest | length of the manifest, 4 bytes

Every file has keys of its own, by HKDF-SHA256 (RFC 5869) from the backup key, the salt and all that stands before the
parts: one for each part, one for the manifest. A part is a raw DEFLATE stream (RFC 1951) in chunks of 64 KiB, each
under AES-256-GCM with its number and a flag of the last one for a nonce: the STREAM construction (Hoang, Reyhanitabar,
Rogaway, Vizár, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015). So no byte can be
altered, and no chunk be exchanged, left out, repeated or cut off. The manifest stands last because only then is it
known, and is found from the end, so that it can be read without the rest.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import IO, Any, NamedTuple

from shopctl.storage.backup.errors import BackupDamaged, BackupKeyWrong, BackupNewer
from shopctl.storage.secret_file import Key, Keys

_FAMILY = b"shopctl backup "
_MAGIC = _FAMILY + b"1\n"
_KEY_ID = 16
_SALT = 32
_HEADER = len(_MAGIC) + _KEY_ID + _SALT
_CHUNK = 64 << 10
_TAG = 16
_TRAILER = 4
_MANIFEST = "manifest"
# Levels 3 and 6 make a catalogue 2 and 5 % smaller than level 1 does, and take 1.5 and 3 times as long.
_LEVEL = 1
_UNPACKED = 1 << 20  # bytes at a time, however well they were packed


class Part(NamedTuple):
    """A part: where it lies in the file (bytes), and the size and the SHA-256 of what was packed."""

    name: str
    offset: int
    length: int
    bytes: int
    sha256: str


class SealedWriter:
    """Writes a backup to an open file, in bounded memory."""

    def __init__(self, file: IO[bytes], key: Key) -> None:
        import os

        self._file = file
        self._key = key
        self._header = _MAGIC + key.id.encode("ascii") + os.urandom(_SALT)
        self._at = _HEADER
        file.write(self._header)

    def part(self, name: str, source: Iterable[bytes]) -> Part:
        """Write all that `source` brings as a part."""
        cipher = _cipher(self._key, self._header, name)
        packer, digest = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15), sha256()
        began, size, number = self._at, 0, 0
        waiting = bytearray()

        def write(least: int) -> None:
            nonlocal number
            while len(waiting) > least:
                self._put(cipher.encrypt(_nonce(number, last=False), bytes(waiting[:_CHUNK]), None))
                del waiting[:_CHUNK]
                number += 1

        for block in source:
            digest.update(block)
            size += len(block)
            waiting += packer.compress(block)
            write(_CHUNK)
        waiting += packer.flush()
        write(_CHUNK)
        self._put(cipher.encrypt(_nonce(number, last=True), bytes(waiting), None))
        return Part(name, began, self._at - began, size, digest.hexdigest())

    def finish(self, manifest: dict[str, Any]) -> None:
        """Write what the backup is; nothing may follow."""
        cipher = _cipher(self._key, self._header, _MANIFEST)
        box = cipher.encrypt(_nonce(0, last=True), json.dumps(manifest, separators=(",", ":")).encode(), None)
        self._put(box + len(box).to_bytes(_TRAILER))

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._at += len(data)


class SealedReader:
    """Reads a backup from a file that can be searched; `path` names it in messages.

    Making one reads the manifest. Raises BackupDamaged, BackupKeyWrong, BackupNewer.
    """

    def __init__(self, file: IO[bytes], keys: Keys, path: str) -> None:
        self._file = file
        self.path = path
        self.size = file.seek(0, 2)
        file.seek(0)
        self._header = file.read(_HEADER)
        self._check_header()
        key_id = self._header[len(_MAGIC) : len(_MAGIC) + _KEY_ID].decode("ascii", "replace")
        key = keys.find(key_id)
        if key is None:
            raise BackupKeyWrong(path=path, wanted=key_id, found=", ".join(keys.ids))
        self._key = key
        self.manifest: dict[str, Any] = self._read_manifest()

    def part(self, part: Part) -> Iterator[bytes]:
        """The content of a part, checked chunk by chunk, and as a whole at its end. Raises BackupDamaged on the way."""
        digest, size, unpacker = sha256(), 0, zlib.decompressobj(-15)
        try:
            for chunk in self._chunks(part):
                block = unpacker.decompress(chunk, _UNPACKED)
                while block:
                    digest.update(block)
                    size += len(block)
                    yield block
                    block = unpacker.decompress(unpacker.unconsumed_tail, _UNPACKED)
        except zlib.error:
            raise self._damaged(f"the part {part.name} cannot be unpacked") from None
        if not unpacker.eof or unpacker.unused_data:
            raise self._damaged(f"the part {part.name} does not end where it should")
        if (size, digest.hexdigest()) != (part.bytes, part.sha256):
            raise self._damaged(f"the part {part.name} is not what its checksum was taken of")

    def _chunks(self, part: Part) -> Iterator[bytes]:
        from cryptography.exceptions import InvalidTag

        cipher = _cipher(self._key, self._header, part.name)
        left, number, at = part.length, 0, part.offset
        while True:
            # Others may read from the same file between two chunks.
            self._file.seek(at)
            size = min(left, _CHUNK + _TAG)
            sealed = self._file.read(size)
            left -= size
            at += size
            try:
                yield cipher.decrypt(_nonce(number, last=left <= 0), sealed, None)
            except (InvalidTag, ValueError):
                raise self._damaged(f"chunk {number} of the part {part.name} was altered or is gone") from None
            if left <= 0:
                return
            number += 1

    def _check_header(self) -> None:
        if self._header.startswith(_MAGIC) and len(self._header) == _HEADER:
            return
        number, end, _ = self._header.removeprefix(_FAMILY).partition(b"\n")
        if self._header.startswith(_FAMILY) and end and number.isdigit() and int(number) > 1:
            raise BackupNewer(path=self.path)
        raise self._damaged("it does not begin as a backup does")

    def _read_manifest(self) -> dict[str, Any]:
        from cryptography.exceptions import InvalidTag

        self._file.seek(max(self.size - _TRAILER, 0))
        length = int.from_bytes(self._file.read(_TRAILER))
        began = self.size - _TRAILER - length
        if not _HEADER <= began <= self.size - _TRAILER - _TAG:
            raise self._damaged("its end is gone")
        self._file.seek(began)
        try:
            cipher = _cipher(self._key, self._header, _MANIFEST)
            found = json.loads(cipher.decrypt(_nonce(0, last=True), self._file.read(length), None))
        except (InvalidTag, ValueError):
            raise self._damaged("its manifest was altered, or its end is gone") from None
        if not isinstance(found, dict):
            raise self._damaged("its manifest is not understood")
        return found

    def _damaged(self, reason: str) -> BackupDamaged:
        return BackupDamaged(path=self.path, reason=reason)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11) + bytes([last])


def _cipher(key: Key, header: bytes, name: str) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    info = b"\0".join((header, name.encode()))
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=header[-_SALT:], info=info).derive(key.secret))
