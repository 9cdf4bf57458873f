"""What all use cases of the Authentication Server share: its database, its sealed columns, its trail and its policy."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shopctl.kernel.clock import Clock
from shopctl.storage.database import Database
from shopctl.storage.sealed_text import codes_of
from shopctl.storage.sealing import Sealer
from shopctl.storage.unit import Unit

if TYPE_CHECKING:
    from shopctl.audit.service import Audit

SECOND = 1_000_000
MACHINE_SECRETS = "machine-secrets"
PEPPER = "pepper"


@dataclass(frozen=True)
class Policy:
    """The settings of the Authentication Server; times are seconds."""

    issuer: str = "urn:shopctl"
    audience: str = "shopctl"
    algorithm: str = "EdDSA"
    access_token_seconds: int = 900
    refresh_token_seconds: int = 14 * 86400
    session_seconds: int = 90 * 86400
    key_rotation_days: int = 90
    password_minimum: int = 15
    password_minimum_with_second_factor: int = 8
    bcrypt_cost: int = 12
    throttle_attempts: int = 5
    throttle_longest_wait: int = 900
    shop_name: str = ""


class AuthSystem:
    """The ground that users, roles, keys, logins and tokens stand on."""

    def __init__(self, database: Database, audit: Audit, clock: Clock, sealer: Sealer, policy: Policy) -> None:
        self.database = database
        self.audit = audit
        self.clock = clock
        self.sealer = sealer
        self.policy = policy

    def code(self, unit: Unit, purpose: str, text: str) -> str:
        """HMAC-SHA-256 of a secret that a machine made, in hexadecimal: what is kept of it.

        The secret has 256 random bits, so no slow hash is needed; the key lies sealed, so that a copy of the database
        cannot even be asked whether a guess is right.
        """
        key = self.sealer.secret(unit, MACHINE_SECRETS)
        return hmac.new(key, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()

    def coding(self, unit: Unit, purpose: str) -> Callable[[Iterable[str]], list[str]]:
        """What makes the codes of many texts, at a fraction of the cost of each; it asks nothing of the unit."""
        key, start = self.sealer.secret(unit, MACHINE_SECRETS), f"{purpose}\0".encode()
        return lambda texts: [code.hex() for code in codes_of(key, start, texts)]

    def password_origin(self, unit: Unit) -> str:
        """What tells a hash made with this database's pepper from one that no login here could verify."""
        pepper = self.sealer.secret(unit, PEPPER)
        return hmac.new(pepper, b"shopctl password origin", hashlib.sha256).hexdigest()[:16]


def random_secret(prefix: str) -> str:
    """A secret of 256 random bits in URL-safe text; the prefix lets scanners of leaked secrets know it."""
    import secrets

    return f"{prefix}_{secrets.token_urlsafe(32)}"
