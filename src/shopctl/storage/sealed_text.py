"""The cryptography of sealed columns: what stands in a cell, and the keys that seal and index it.

A sealed cell is `s1.KEY.` + base64url(nonce, ciphertext, tag): AES-256-GCM with a random nonce of 96 bits (NIST
SP 800-38D, 8.2.2; at most 2^32 cells under one key). The version, the chain, the key and the place are the associated
data, each with its length, so that a cell opens nowhere but where it was sealed. A blind index is `KEY.` +
base64url(HMAC-SHA-256) of the text, keyed and apart for each column: equal texts have equal indexes in one column only.
"""

from __future__ import annotations

import hmac
import os
from base64 import urlsafe_b64decode
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from shopctl.storage.errors import TextInvalid
from shopctl.storage.sealing_errors import SealBroken

KEY_BYTES = 32
_VERSION = "s1"
_NONCE = 12
_TAG = 16
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
# Back again; what is not URL-safe becomes what is no base64 at all.
_USUAL = bytes.maketrans(b"-_+/", b"+/!!")


class Place(NamedTuple):
    """Where a sealed value stands; `row` is the row's key as text."""

    table: str
    column: str
    row: str


def framed(*parts: str) -> bytes:
    """Each part with its length in bytes before it: no two lists of parts give the same bytes."""
    encoded = (part.encode() for part in parts)
    return b"".join(b"%d:%b" % (len(part), part) for part in encoded)


def text_of(data: bytes) -> str:
    """Base64url without padding (RFC 4648, section 5)."""
    return b2a_base64(data, newline=False).translate(_URL_SAFE, b"=").decode("ascii")


def bytes_of(text: str) -> bytes:
    """The bytes of `text_of`. Raises ValueError for any other spelling of them."""
    data = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    if text_of(data) != text:
        raise ValueError("not base64url as it is written here")
    return data


def key_of(sealed: str) -> str | None:
    """The id of the key a cell is sealed under, None for what is no sealed cell."""
    version, _, rest = sealed.partition(".")
    key, dot, _ = rest.partition(".")
    return key if version == _VERSION and dot else None


def prefix_of_cells(key_id: str) -> str:
    """What every cell sealed under this key begins with."""
    return f"{_VERSION}.{key_id}."


def prefix_of_indexes(key_id: str) -> str:
    """What every blind index made with this key begins with."""
    return f"{key_id}."


class DataKey:
    """Seals and opens cells of one database."""

    def __init__(self, chain: str, key_id: str, secret: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self.id = key_id
        self._cipher = AESGCM(secret)
        self._prefix = prefix_of_cells(key_id)
        self._bound_to = framed("shopctl sealed cell 1", chain, key_id)

    def seal(self, place: Place, text: str) -> str:
        """The cell for this text at this place; another one every time. Raises TextInvalid for lone surrogates."""
        nonce = os.urandom(_NONCE)
        return self._prefix + text_of(nonce + self._cipher.encrypt(nonce, _encoded(text), self._associated(place)))

    def seal_all(self, table: str, column: str, cells: Iterable[tuple[str, str]]) -> list[str]:
        """The cells for many texts of one column, given as (row, text). Raises TextInvalid."""
        cells = list(cells)
        encrypt, prefix = self._cipher.encrypt, self._prefix
        bound_to = self._bound_to + _column(table, column)
        nonces = os.urandom(_NONCE * len(cells))
        made = []
        for number, (row, text) in enumerate(cells):
            nonce = nonces[_NONCE * number : _NONCE * (number + 1)]
            key = row.encode()
            associated = b"%b%d:%b" % (bound_to, len(key), key)
            sealed = b2a_base64(nonce + encrypt(nonce, _encoded(text), associated), newline=False)
            made.append(prefix + sealed.translate(_URL_SAFE, b"=").decode("ascii"))  # as `text_of` does
        return made

    def open(self, place: Place, sealed: str) -> str:
        """The text of a cell. Raises SealBroken when it was altered or sealed elsewhere."""
        from cryptography.exceptions import InvalidTag

        try:
            body = bytes_of(sealed[len(self._prefix) :])
            if len(body) < _NONCE + _TAG or not sealed.startswith(self._prefix):
                raise ValueError("no cell of this key")
            return self._cipher.decrypt(body[:_NONCE], body[_NONCE:], self._associated(place)).decode()
        except (InvalidTag, ValueError):
            raise SealBroken(**place._asdict()) from None

    def open_all(self, table: str, column: str, cells: Iterable[tuple[str, str]]) -> list[str]:
        """The texts of many cells of one column, given as (row, cell), at half the cost of each. Raises SealBroken."""
        from cryptography.exceptions import InvalidTag

        decrypt, start = self._cipher.decrypt, len(self._prefix)
        bound_to = self._bound_to + _column(table, column)
        texts = []
        for row, sealed in cells:
            key = row.encode()
            try:
                coded = sealed[start:].encode("ascii").translate(_USUAL)
                body = a2b_base64(coded + b"=" * (-len(coded) % 4))
                if len(body) < _NONCE + _TAG or b2a_base64(body, newline=False).rstrip(b"=") != coded:
                    raise ValueError("no cell as it is written here")
                if not sealed.startswith(self._prefix):
                    raise ValueError("no cell of this key")
                text = decrypt(body[:_NONCE], body[_NONCE:], b"%b%d:%b" % (bound_to, len(key), key)).decode()
            except (InvalidTag, ValueError):
                raise SealBroken(table=table, column=column, row=row) from None
            texts.append(text)
        return texts

    def _associated(self, place: Place) -> bytes:
        row = place.row.encode()
        return b"%b%b%d:%b" % (self._bound_to, _column(place.table, place.column), len(row), row)


class IndexKey:
    """Makes the blind indexes of one database."""

    def __init__(self, chain: str, key_id: str, secret: bytes) -> None:
        self.id = key_id
        self._secret = secret
        self._prefix = prefix_of_indexes(key_id)
        self._bound_to = framed("shopctl blind index 1", chain)

    def index(self, table: str, column: str, text: str) -> str:
        """The index of a text in this column. Raises TextInvalid for lone surrogates."""
        message = self._bound_to + _column(table, column) + _encoded(text)
        return self._prefix + text_of(hmac.digest(self._secret, message, "sha256"))

    def index_all(self, table: str, column: str, texts: Iterable[str]) -> list[str]:
        """The indexes of many texts of one column. Raises TextInvalid."""
        codes = codes_of(self._secret, self._bound_to + _column(table, column), texts)
        return [self._prefix + text_of(code) for code in codes]


def codes_of(key: bytes, start: bytes, texts: Iterable[str]) -> Iterator[bytes]:
    """HMAC-SHA-256 of `start` and each text, at a fraction of the cost of `hmac.digest`. Raises TextInvalid."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.hmac import HMAC

    begun = HMAC(key, SHA256())  # which `hmac.digest` would prepare anew for each text
    begun.update(start)
    for text in texts:
        code = begun.copy()
        code.update(_encoded(text))
        yield code.finalize()


@lru_cache(maxsize=256)
def _column(table: str, column: str) -> bytes:
    return framed(table, column)


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise TextInvalid(reason=error.reason) from None
