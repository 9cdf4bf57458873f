"""Verification of tokens: every check of RFC 9068, then what is true of the token, its session and its user now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from shopctl.auth import personal_tokens as personal
from shopctl.auth.access import Access, access_of
from shopctl.auth.keys import verifying_key
from shopctl.auth.permissions import covered, narrowed
from shopctl.auth.system import SECOND, AuthSystem
from shopctl.auth.tokens import standing_problem
from shopctl.authdb import accounts, sessions, signing_keys
from shopctl.kernel import clock
from shopctl.kernel.clock import Instant
from shopctl.kernel.errors import NotAllowed
from shopctl.storage.unit import Unit

if TYPE_CHECKING:
    from shopctl.auth.access_claims import AccessClaims
    from shopctl.auth.jose.keys import VerifyingKey


class PermissionMissing(NotAllowed):
    """{who} may not do this: the permission {permission} is missing."""

    code = "auth.permission_missing"
    hint = "See why with: shopctl user explain-permission {who} {permission}"

    @property
    def details(self) -> dict[str, object]:
        return {"permission": self.facts["permission"]}


class Caller(NamedTuple):
    """Who acts through a token, and what it lets him do."""

    name: str
    user_id: str
    roles: list[str]
    permissions: list[str]
    token_expires_at: Instant
    session_id: str | None
    session_expires_at: Instant | None

    def require(self, permission: str) -> None:
        """Raise PermissionMissing unless he has this permission."""
        if not covered(permission, self.permissions).allowed:
            raise PermissionMissing(who=self.name, permission=permission)


class VerificationService:
    """Says whether a token holds at this moment."""

    def __init__(self, system: AuthSystem) -> None:
        self._system = system
        self._keys: dict[str, VerifyingKey] = {}

    def verify(self, token: str, *, audience: str | None = None) -> AccessClaims:
        """The claims of a token that holds now; a revocation counts from the next call on. Raises TokenRefused."""
        return self._holding(token, audience)[0]

    def caller(self, token: str) -> Caller:
        """Who acts through a token, with what he may do now, within its scope. Raises TokenRefused."""
        claims, _ = self._holding(token, None)
        with self._system.database.read() as unit:
            access = self._access(unit, claims)
            ends = sessions.expiry(unit, claims.sid) if claims.sid else None
        may = narrowed(access.permissions, claims.scope)
        return Caller(access.account.name, claims.sub, access.roles, may, claims.exp * SECOND, claims.sid, ends)

    def introspect(self, token: str, *, audience: str | None = None) -> dict[str, Any]:
        """What RFC 7662 answers: {"active": true, …claims} or {"active": false, "reason"}."""
        from shopctl.auth.jose.errors import TokenRefused

        try:
            claims, name = self._holding(token, audience)
        except TokenRefused as refused:
            return {"active": False, "reason": refused.reason, "check": refused.check}
        return {"active": True, "username": name, "token_type": "Bearer", **claims.members()}

    def explain(self, token: str, *, audience: str | None = None) -> dict[str, Any]:
        """Every check with its outcome, the header and the claims: {"accepted","checks":[…],"header","claims"}."""
        from shopctl.auth.access_tokens import Check, explain

        if personal.is_personal(token.strip()):
            return self._explain_personal(token.strip(), audience)
        with self._system.database.read() as unit:
            found = explain(token.strip(), self._known_keys(unit), self._expected(audience), self._system.clock.now())
            jti = (found.claims or {}).get("jti")
            standing = sessions.standing(unit, jti) if isinstance(jti, str) else None
        if not found.accepted and standing is None:
            last = Check("revoked", "not reached", "builds on the checks above")
        elif standing is None:
            last = Check("revoked", "failed", "it has no record here")
        else:
            problem = standing_problem(standing)
            last = Check("revoked", "failed" if problem else "ok", problem or "neither it nor its session nor its user")
        checks = [*found.checks, last]
        return {
            "accepted": all(check.outcome == "ok" for check in checks),
            "checks": [check._asdict() for check in checks],
            "header": found.header,
            "claims": found.claims,
        }

    def _explain_personal(self, token: str, audience: str | None) -> dict[str, Any]:
        """As `explain`, of a token that has no header and no signature: what counts is its record."""
        from shopctl.auth.access_tokens import Check
        from shopctl.auth.jose.errors import TokenRefused

        checks, claims = [Check("form", "ok", "a personal token: random, not signed")], None
        try:
            claims = self._personal(token, audience)[0].members()
        except TokenRefused as refused:
            checks.append(Check(refused.check, "failed", refused.reason))
        else:
            checks += [
                Check("expiry", "ok", f"ends at {clock.show(claims['exp'] * SECOND)}"),
                Check("revoked", "ok", "neither it nor its user"),
            ]
        return {
            "accepted": claims is not None,
            "checks": [check._asdict() for check in checks],
            "header": None,
            "claims": claims,
        }

    def keys_now(self) -> dict[str, VerifyingKey]:
        """The keys that verify at this moment, by their ids."""
        with self._system.database.read() as unit:
            return self._known_keys(unit)

    def _holding(self, token: str, audience: str | None) -> tuple[AccessClaims, str]:
        """The claims of a token that holds now, and the name of its user. Raises TokenRefused."""
        token = token.strip()
        if personal.is_personal(token):
            return self._personal(token, audience)
        with self._system.database.read() as unit:
            claims, standing = self._verified(unit, token, audience)
        return claims, standing.name

    def _personal(self, token: str, audience: str | None) -> tuple[AccessClaims, str]:
        from shopctl.auth.access_claims import AccessClaims

        with self._system.database.read() as unit:
            found, owner = personal.read(self._system, unit, token)
            access = access_of(unit, owner)
        personal.note_use(self._system, found)
        scope = tuple(narrowed(access.permissions, found.scope.split()) if found.scope else access.permissions)
        claims = AccessClaims(
            iss=self._system.policy.issuer,
            sub=owner.id,
            aud=(audience or self._system.policy.audience,),
            client_id=owner.id,
            exp=found.expires_at // SECOND,
            iat=found.created_at // SECOND,
            jti=found.id,
            scope=scope,
            roles=tuple(access.roles),
            entitlements=scope,
        )
        return claims, owner.name

    def _verified(self, unit: Unit, token: str, audience: str | None) -> tuple[AccessClaims, sessions.Standing]:
        from shopctl.auth.access_tokens import verify
        from shopctl.auth.jose.errors import TokenRefused

        claims = verify(token, self._known_keys(unit), self._expected(audience), self._system.clock.now())
        standing = sessions.standing(unit, claims.jti)
        if standing is None or standing.account_id != claims.sub:
            raise TokenRefused("revoked", "it has no record here")
        if problem := standing_problem(standing):
            raise TokenRefused("revoked", problem)
        return claims, standing

    def _access(self, unit: Unit, claims: AccessClaims) -> Access:
        return access_of(unit, accounts.need(unit, self._system.sealer, claims.sub))

    def _expected(self, audience: str | None) -> Any:
        from shopctl.auth.access_tokens import Expected

        return Expected(self._system.policy.issuer, audience or self._system.policy.audience)

    def _known_keys(self, unit: Unit) -> dict[str, VerifyingKey]:
        """The keys that verify at this moment; a key is built once, and gone as soon as it is disabled."""
        stored = [key for key in signing_keys.listed(unit) if key.state in ("active", "passive")]
        sealer = self._system.sealer
        self._keys = {key.kid: self._keys.get(key.kid) or verifying_key(unit, sealer, key) for key in stored}
        return self._keys
