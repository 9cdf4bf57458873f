"""The four algorithms offered: the key that each needs, and the form of a signature before it is computed."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from shopctl.auth.jose.base64url import number
from shopctl.auth.jose.errors import TokenRefused

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT = "EdDSA"
SECRET = "HS256"  # the one whose verifying key is a secret  # noqa: S105

ORDER_OF_ED25519 = (1 << 252) + 27742317777372353535851937790883648493  # RFC 8032, section 5.1
ORDER_OF_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # SP 800-186, section 3.2.1.3


class Kind(NamedTuple):
    """The key type and curve of RFC 7518, section 6, and RFC 8037, section 2."""

    kty: str
    crv: str | None = None

    def __str__(self) -> str:
        return f"{self.kty} key on {self.crv}" if self.crv else f"{self.kty} key"


KINDS = {"EdDSA": Kind("OKP", "Ed25519"), "ES256": Kind("EC", "P-256"), "RS256": Kind("RSA"), SECRET: Kind("oct")}
OFFERED = tuple(KINDS)
ALGORITHM_OF = {kind: name for name, kind in KINDS.items()}


@cache
def primitive(alg: str) -> Any:
    """PyJWT's object that signs and verifies bytes for an algorithm; its import waits until a token is at hand."""
    from jwt import get_algorithm_by_name

    return get_algorithm_by_name(alg)


def check_form(alg: str, signature: bytes, key: Any) -> None:
    """Raise TokenRefused for a signature that no signer of this algorithm writes, whatever a library makes of it."""
    if not signature:
        raise TokenRefused("signature", "it is not signed", "missing")
    _FORMS[alg](signature, key)


def _eddsa(signature: bytes, key: Any) -> None:
    _of_length(signature, 64)
    # RFC 8032, section 5.1.7: S + L would verify too, and give one token two signatures.
    if int.from_bytes(signature[32:], "little") >= ORDER_OF_ED25519:
        raise _out_of_range("S")


def _es256(signature: bytes, key: Any) -> None:
    _of_length(signature, 64)  # RFC 7518, section 3.4: R and S, 32 bytes each
    for name, value in (("r", number(signature[:32])), ("s", number(signature[32:]))):
        if not 0 < value < ORDER_OF_P256:
            raise _out_of_range(name)


def _rs256(signature: bytes, key: Any) -> None:
    _of_length(signature, (key.key_size + 7) // 8)  # RFC 8017, section 8.2.2
    if number(signature) >= key.public_numbers().n:
        raise _out_of_range("it")


def _hs256(signature: bytes, key: Any) -> None:
    _of_length(signature, 32)  # a shortened HMAC is easier to guess


_FORMS: dict[str, Callable[[bytes, Any], None]] = {"EdDSA": _eddsa, "ES256": _es256, "RS256": _rs256, SECRET: _hs256}


def _of_length(signature: bytes, length: int) -> None:
    if len(signature) != length:
        found = len(signature)
        raise TokenRefused("signature", f"its signature has {found} bytes, not {length}", "length")


def _out_of_range(what: str) -> TokenRefused:
    return TokenRefused("signature", f"its signature holds a number out of range ({what})", "range")
