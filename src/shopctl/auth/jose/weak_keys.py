"""Keys that fit their algorithm and still protect nothing: short RSA, bad exponents, ROCA, points of small order."""

from __future__ import annotations

from functools import cache

from shopctl.auth.jose.errors import KeyRefused

MINIMUM_RSA_BITS = 3072  # 128 bits of security beyond 2030 (SP 800-57 part 1, table 2)
MAXIMUM_RSA_BITS = 8192  # a longer one only makes the verifier work
_USUAL_EXPONENT = 65537

FIELD_OF_ED25519 = (1 << 255) - 19
# The y of the eight points whose order divides 8: against such a key a signature of R = kA, S = 0 fits any message.
_Y_OF_ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
SMALL_ORDER = frozenset({0, 1, FIELD_OF_ED25519 - 1, _Y_OF_ORDER_8, FIELD_OF_ED25519 - _Y_OF_ORDER_8})


def check_rsa(modulus: int, exponent: int, minimum_bits: int) -> None:
    """Raise KeyRefused (`rsa_exponent`, `roca`, `rsa_size`) for an RSA key that can be broken."""
    # SP 800-56B, section 6.2.1, allows odd exponents above 65536; below it, forgeries of lax verifiers get cheap.
    if exponent < _USUAL_EXPONENT or exponent % 2 == 0 or exponent.bit_length() > 256:
        raise KeyRefused("rsa_exponent", "its public exponent is not an odd number of 65537 or more")
    if is_roca(modulus):
        raise KeyRefused("roca", "its modulus has the weakness ROCA (CVE-2017-15361) and can be factored")
    bits = modulus.bit_length()
    if not minimum_bits <= bits <= MAXIMUM_RSA_BITS:
        raise KeyRefused("rsa_size", f"an RSA key of {bits} bits is not between {minimum_bits} and {MAXIMUM_RSA_BITS}")
    if modulus % 2 == 0:
        raise KeyRefused("material", "its modulus is even")


def is_roca(modulus: int) -> bool:
    """Whether a modulus has the form that Infineon's library gave it: a power of 65537 modulo every small prime.

    Nemec, Sys, Svenda, Klinec, Matyas: The Return of Coppersmith's Attack (2017), section 3.2. By chance it happens
    to one modulus in 2^27 or fewer.
    """
    return all(modulus % prime in powers for prime, powers in _fingerprint())


@cache
def _fingerprint() -> tuple[tuple[int, frozenset[int]], ...]:
    primes = [number for number in range(3, 168) if all(number % divisor for divisor in range(2, number))]
    return tuple((prime, frozenset(pow(_USUAL_EXPONENT, power, prime) for power in range(prime))) for prime in primes)


def check_ed25519(point: bytes) -> None:
    """Raise KeyRefused (`point`) for an encoding that is not canonical (RFC 8032, 5.1.3) or a point of small order."""
    y = int.from_bytes(point, "little") & ((1 << 255) - 1)
    if y >= FIELD_OF_ED25519:
        raise KeyRefused("point", "its point is not written canonically")
    if y in SMALL_ORDER:
        raise KeyRefused("point", "its point has a small order")
