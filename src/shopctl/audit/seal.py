"""The cryptography of the trail: canonical bytes, message authentication codes, and the hash over a batch.

Every field is written with its type and length (netstrings), every message begins with what it is for, and entries and
seals carry the identity of their database: no two different rows have the same bytes, and none passes for another's.
HMAC is RFC 2104 with SHA-256.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from shopctl.audit.model import Checkpoint, Entry, Seal, Trail
from shopctl.storage.secret_file import Key


class Scribe:
    """Writes and recomputes the codes of one trail: that of `database_id` in the database called `system`."""

    def __init__(self, system: str, database_id: str) -> None:
        self.database_id = database_id
        self._trail = encode("shopctl audit trail 1", system, database_id)
        self._entry = encode("shopctl audit entry 1", system, database_id)
        self._rows = encode("shopctl audit rows 1", system, database_id)
        self._seal = encode("shopctl audit seal 1", system, database_id)
        self._checkpoint = encode("shopctl audit checkpoint 1", system, database_id)
        self._document = encode("shopctl document 1", system, database_id)

    def trail_code(self, key: Key, trail: Trail) -> str:
        """The code of the row that names the trail."""
        return _code(key, self._trail + encode(trail.created_at, trail.key_id))

    def entry_bytes(self, entry: Entry) -> bytes:
        """The canonical bytes of an entry: all fields but its seal, which is given later, and its code."""
        return self._entry + encode(entry.id, *entry[2:-1])

    def entry_code(self, key: Key, content: bytes) -> str:
        """The code of an entry from its canonical bytes."""
        return _code(key, content)

    def batch(self, previous: str) -> Batch:
        """A hash over a batch of entries that follows the seal with the code `previous`."""
        return Batch(self._rows + encode(previous))

    def hash_of(self, entries: Iterable[Entry], previous: str) -> str:
        """The hash over a whole batch, in the order of ids."""
        batch = self.batch(previous)
        for entry in entries:
            batch.add(self.entry_bytes(entry), entry.mac)
        return batch.hash

    def seal_code(self, key: Key, seal: Seal) -> str:
        """The code of a seal: over all its fields, so over its entries and every seal before."""
        return _code(key, self._seal + encode(*seal[:-1]))

    def checkpoint_code(self, key: Key, checkpoint: Checkpoint) -> str:
        """The code of a checkpoint."""
        return _code(key, self._checkpoint + encode(*checkpoint[1:-1]))

    def document_code(self, key: Key, kind: str, content: bytes) -> str:
        """The code of a document that another system signs as this database's."""
        return _code(key, self._document + encode(kind, content))


class Batch:
    """A running hash over entries."""

    def __init__(self, start: bytes) -> None:
        self._hash = hashlib.sha256(start)

    def add(self, content: bytes, code: str) -> None:
        """Add an entry's canonical bytes and its code."""
        self._hash.update(encode(content, code))

    @property
    def hash(self) -> str:
        return self._hash.hexdigest()


def encode(*fields: object) -> bytes:
    """Fields as bytes that can be read back in one way only: a letter for the type, the length, the content."""
    parts = []
    for value in fields:
        if type(value) is str:
            content = value.encode("utf-8", "surrogatepass")
            parts.append(b"s%d:%b" % (len(content), content))
        elif type(value) is int:
            content = b"%d" % value
            parts.append(b"i%d:%b" % (len(content), content))
        elif value is None:
            parts.append(b"n")
        elif type(value) is bytes:
            parts.append(b"b%d:%b" % (len(value), value))
        else:  # SQLite keeps any type in any column; nothing we write gets here
            content = repr(value).encode()
            parts.append(b"x%d:%b" % (len(content), content))
    return b"".join(parts)


def same(code: object, other: object) -> bool:
    """Compare codes in constant time; what is not text is the same as nothing."""
    if not isinstance(code, str) or not isinstance(other, str):
        return False
    return hmac.compare_digest(code.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def _code(key: Key, message: bytes) -> str:
    return hmac.digest(key.secret, message, "sha256").hex()
