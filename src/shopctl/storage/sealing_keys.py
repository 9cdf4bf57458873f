"""The keys of a database as they are stored: one row each, wrapped under a key-encryption key."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from typing import NamedTuple

from shopctl.kernel.clock import Clock
from shopctl.storage.key_encryption import KeyEncryptionKey, KeyEncryptionKeys
from shopctl.storage.migrations import Chain
from shopctl.storage.sealed_text import KEY_BYTES, bytes_of, framed, text_of
from shopctl.storage.sealing_errors import SealingKeyDamaged, SealingKeyWrong
from shopctl.storage.unit import Unit

DATA, INDEX = "data", "index"
ACTIVE, RETIRING = "active", "retiring"
HOLD = "sealing"  # held by every unit that seals, together; by one that changes keys, alone
_COLUMNS = "id, purpose, state, kek_id, wrapped"


class KeyRow(NamedTuple):
    """A stored key; `purpose` is `data`, `index` or `secret:NAME`, and each has one active key."""

    id: str
    purpose: str
    state: str
    kek_id: str
    wrapped: str


def keys_for(unit: Unit, *purposes: str) -> list[KeyRow]:
    """The keys for these purposes, or all, the active ones first."""
    chosen = f"where purpose in ({', '.join(f':p{n}' for n in range(len(purposes)))})" if purposes else ""
    named = {f"p{n}": purpose for n, purpose in enumerate(purposes)}
    return unit.rows(KeyRow, f"select {_COLUMNS} from sealing_key {chosen} order by state, purpose, id", **named)


def add_key(unit: Unit, chain: Chain, kek: KeyEncryptionKey, purpose: str) -> None:
    """Make the active key for a purpose from random bytes; nothing happens when there is one."""
    key_id = secrets.token_hex(6)
    unit.execute(
        f"""insert into sealing_key ({_COLUMNS}, created_at)
            values (:id, :purpose, '{ACTIVE}', :kek_id, :wrapped, :now)
            on conflict (purpose) where state = '{ACTIVE}' do nothing""",
        id=key_id,
        purpose=purpose,
        kek_id=kek.id,
        wrapped=wrapped(chain, kek, purpose, key_id, os.urandom(KEY_BYTES)),
        now=Clock().now(),
    )


def wrapped(chain: Chain, kek: KeyEncryptionKey, purpose: str, key_id: str, secret: bytes) -> str:
    """What the row of a key holds of it."""
    return text_of(kek.wrap(secret, _bound_to(chain, purpose, key_id, kek.id)))


class Unwrapping:
    """Unwraps the keys of one database; the key-encryption keys are fetched when the first is needed."""

    def __init__(self, chain: Chain, fetch: Callable[[], KeyEncryptionKeys]) -> None:
        self._chain = chain
        self._source = fetch
        self._keks: KeyEncryptionKeys | None = None

    @property
    def keks(self) -> KeyEncryptionKeys:
        """The key-encryption keys as they were when they were last fetched."""
        return self._keks or self.fetch()

    def fetch(self) -> KeyEncryptionKeys:
        """Fetch them again: another process may have passed to another key since."""
        self._keks = self._source()
        return self._keks

    def secret(self, row: KeyRow) -> bytes:
        """The 32 bytes of a stored key. Raises SealingKeyWrong, SealingKeyDamaged and what fetching raises."""
        kek = self._kek(row)
        try:
            secret = kek.unwrap(bytes_of(row.wrapped), _bound_to(self._chain, row.purpose, row.id, row.kek_id))
        except ValueError:
            secret = b""
        if len(secret) != KEY_BYTES:
            raise SealingKeyDamaged(chain=self._chain, key=row.id, purpose=row.purpose)
        return secret

    def _kek(self, row: KeyRow) -> KeyEncryptionKey:
        if found := self.keks.find(row.kek_id) or self.fetch().find(row.kek_id):
            return found
        at_hand = ", ".join(kek.id for kek in self.keks)
        raise SealingKeyWrong(chain=self._chain, wanted=row.kek_id, found=at_hand)


def _bound_to(chain: str, purpose: str, key_id: str, kek_id: str) -> bytes:
    return framed("shopctl sealing key 1", chain, purpose, key_id, kek_id)
