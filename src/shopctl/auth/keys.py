"""Signing keys: one signs, the next one is announced, former ones verify until what they signed has expired.

A key is `next`, then `active`, then `passive`, then `disabled`. The key set shows the first three, so that verifiers
know a key before it signs. Disabling takes the private half away and refuses all that the key signed, at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from shopctl.auth.errors import KeyInUse
from shopctl.auth.system import SECOND, AuthSystem
from shopctl.authdb import sessions, signing_keys, throttles
from shopctl.authdb.signing_keys import Outstanding, StoredKey
from shopctl.kernel import clock
from shopctl.kernel.clock import Instant
from shopctl.storage.sealing import Sealer
from shopctl.storage.unit import Unit

if TYPE_CHECKING:
    from shopctl.auth.jose.keys import VerifyingKey

DAY = 86400 * SECOND
_SHORT = 12  # characters that name a key among the few there are
_NONE = Outstanding(0, None)
_KEPT_FOR = 7 * DAY  # tokens, sessions and counters, for whoever looks into what happened
_FORGOTTEN_AT_ONCE = 20_000


def verifying_key(unit: Unit, sealer: Sealer, key: StoredKey) -> VerifyingKey:
    """What verifies the signatures of a key that is not disabled."""
    from shopctl.auth.jose.keys import SigningKey, VerifyingKey, parse_jwk

    if key.public:
        return VerifyingKey.from_jwk(parse_jwk(key.public))
    return SigningKey.from_private_jwk(signing_keys.private_jwk(unit, sealer, key)).verifying()


class Rotation(NamedTuple):
    """What a rotation did, or would do: kids, None where there is none."""

    rotated: bool
    active: str | None
    passive: str | None
    next: str | None


class KeyService:
    """Use cases about signing keys."""

    def __init__(self, system: AuthSystem) -> None:
        self._system = system

    def begin(self, unit: Unit) -> None:
        """Make the first keys where there are none yet."""
        signing_keys.lock(unit)
        if signing_keys.in_state(unit, "active") is None:
            now = self._system.clock.now()
            first = signing_keys.in_state(unit, "next") or self._make(unit, now)
            signing_keys.become(unit, first.kid, "active", now)
        if signing_keys.in_state(unit, "next") is None:
            self._make(unit, self._system.clock.now())

    def list(self) -> list[dict[str, Any]]:
        """All keys, newest first, with the tokens they signed that are still good, and when they may be retired."""
        now = self._system.clock.now()
        with self._system.database.read() as unit:
            tokens = signing_keys.outstanding(unit, now)
            return [self._listed(key, tokens.get(key.kid, _NONE), now) for key in signing_keys.listed(unit)]

    def jwks(self) -> dict[str, Any]:
        """The key set for verifiers (RFC 7517): public members of all keys but the disabled; none of HS256 keys."""
        import json

        with self._system.database.read() as unit:
            keys = [key for key in signing_keys.listed(unit) if key.state != "disabled" and key.public]
        return {"keys": [json.loads(key.public) for key in reversed(keys)]}

    def rotate(self, *, due: bool = False, dry_run: bool = False) -> Rotation:
        """Have the next key sign, and announce another; with `due` only when the signing key is old enough.

        Passive keys whose tokens have all expired are disabled on the way, and what expired a week ago is forgotten.
        """
        with self._system.database.unit(dry_run=dry_run) as unit:
            self.begin(unit)
            now = self._system.clock.now()
            active = signing_keys.in_state(unit, "active")
            following = signing_keys.in_state(unit, "next")
            assert active is not None
            assert following is not None
            retired = self._disable_expired(unit, now)
            sessions.forget_expired(unit, now - _KEPT_FOR, _FORGOTTEN_AT_ONCE)
            throttles.forget_old(unit, now - _KEPT_FOR)
            if due and not self._is_due(active, now):
                if retired:
                    self._system.audit.record(unit, "key.retire", None, {"kids": retired}, count=len(retired))
                return Rotation(False, active.kid, None, following.kid)
            if following.algorithm != self._system.policy.algorithm:
                # Another algorithm was chosen since: better a key that was not announced than one nobody wants.
                self._disable(unit, following.kid, now)
                following = self._make(unit, now)
            signing_keys.become(unit, active.kid, "passive", now)
            signing_keys.become(unit, following.kid, "active", now)
            made = self._make(unit, now)
            facts = {"active": following.kid, "passive": active.kid, "next": made.kid, "retired": retired}
            self._system.audit.record(unit, "key.rotate", following.kid, facts)
        return Rotation(True, following.kid, active.kid, made.kid)

    def retire(self, kid: str) -> dict[str, Any]:
        """Disable a passive key that nothing depends on any more. Raises KeyNotFound, KeyInUse."""
        with self._system.database.unit() as unit:
            signing_keys.lock(unit)
            now = self._system.clock.now()
            key = signing_keys.need(unit, kid)
            tokens = signing_keys.outstanding(unit, now).get(key.kid, _NONE)
            if key.state in ("active", "next"):
                remedy = f"Rotate first: shopctl key rotate; in an emergency: shopctl key revoke {key.kid}"
                raise KeyInUse(kid=key.kid, reason=f"it is the {key.state} key", remedy=remedy)
            if tokens.last_expiry is not None:
                until = clock.show(tokens.last_expiry)
                remedy = f"Wait until {until}, or refuse them all at once: shopctl key revoke {key.kid}"
                raise KeyInUse(
                    kid=key.kid, reason=f"{tokens.tokens} token(s) of it are good until {until}", remedy=remedy
                )
            if key.state != "disabled":
                self._disable(unit, key.kid, now)
                self._system.audit.record(unit, "key.retire", key.kid, {})
            return self._listed(signing_keys.need(unit, key.kid), _NONE, now)

    def revoke(self, kid: str) -> dict[str, Any]:
        """Disable a key at once: all it signed is refused, and if it was signing another does. Raises KeyNotFound."""
        with self._system.database.unit() as unit:
            signing_keys.lock(unit)
            now = self._system.clock.now()
            key = signing_keys.need(unit, kid)
            tokens = signing_keys.outstanding(unit, now).get(key.kid, _NONE)
            if key.state != "disabled":
                self._disable(unit, key.kid, now)
                self.begin(unit)
                self._system.audit.record(unit, "key.revoke", key.kid, {"refused": tokens.tokens})
            return self._listed(signing_keys.need(unit, key.kid), _NONE, now) | {"refused": tokens.tokens}

    def revoke_all(self, unit: Unit) -> int:
        """Disable every key and make others; how many there were to disable."""
        signing_keys.lock(unit)
        now = self._system.clock.now()
        enabled = [key.kid for key in signing_keys.listed(unit) if key.state != "disabled"]
        for kid in enabled:
            self._disable(unit, kid, now)
        self.begin(unit)
        return len(enabled)

    def _make(self, unit: Unit, now: Instant) -> StoredKey:
        import json

        from shopctl.auth.jose.keys import SigningKey

        made = SigningKey.generate(self._system.policy.algorithm)
        while made.kid.startswith("-"):  # an id is an argument of commands
            made = SigningKey.generate(self._system.policy.algorithm)
        public = "" if made.alg == "HS256" else json.dumps(made.public_jwk(), separators=(",", ":"))
        stored = StoredKey(made.kid, made.alg, "next", None, public, now, None, None, None)
        signing_keys.add(unit, self._system.sealer, stored, made.private_jwk())
        return stored

    def _disable_expired(self, unit: Unit, now: Instant) -> Sequence[str]:
        """Disable the passive keys whose tokens have expired; their ids."""
        tokens = signing_keys.outstanding(unit, now)
        over = [
            key.kid
            for key in signing_keys.listed(unit)
            if key.state == "passive" and key.kid not in tokens and self._is_over(key, now)
        ]
        for kid in over:
            self._disable(unit, kid, now)
        return over

    def _disable(self, unit: Unit, kid: str, now: Instant) -> None:
        signing_keys.become(unit, kid, "disabled", now)

    def _is_over(self, key: StoredKey, now: Instant) -> bool:
        # A unit that was open while the keys changed places may yet record a token of the former one.
        return key.passive_at is not None and key.passive_at + self._system.policy.access_token_seconds * SECOND <= now

    def _is_due(self, key: StoredKey, now: Instant) -> bool:
        began = key.activated_at or key.created_at
        return now - began >= self._system.policy.key_rotation_days * DAY

    def _listed(self, key: StoredKey, tokens: Outstanding, now: Instant) -> dict[str, Any]:
        safe = tokens.last_expiry
        if key.state == "passive" and key.passive_at is not None:
            safe = max(safe or 0, key.passive_at + self._system.policy.access_token_seconds * SECOND)
        elif key.state in ("active", "next"):
            safe = None
        return {
            "kid": key.kid,
            "key": key.kid[:_SHORT],
            "algorithm": key.algorithm,
            "state": key.state,
            "tokens": tokens.tokens,
            "last_token_expires_at": clock.show(tokens.last_expiry),
            "retirable_at": clock.show(safe) if key.state == "passive" else None,
            "created_at": clock.show(key.created_at),
            "activated_at": clock.show(key.activated_at),
            "passive_at": clock.show(key.passive_at),
            "disabled_at": clock.show(key.disabled_at),
        }
