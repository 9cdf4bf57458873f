"""Tokens: issued to users and services, refreshed, verified against what is true now, revoked.

An access token is signed (RFC 9068) and recorded, so that it can be refused before it expires. A refresh token is 256
random bits, good once; whoever uses one a second time ends the session, since one of the two users stole it (RFC 9700,
section 4.14.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import ref

from shopctl.auth.access import Access, access_of
from shopctl.auth.errors import InvalidAudience, InvalidGrant, LoginRefused, ScopeNotGranted, TokenNotFound
from shopctl.auth.permissions import checked_all, narrowed
from shopctl.auth.personal_tokens import PREFIX as PERSONAL
from shopctl.auth.system import SECOND, AuthSystem, random_secret
from shopctl.authdb import accounts, credentials, personal_tokens, sessions, signing_keys
from shopctl.authdb.sessions import Issued, Refresh, Session
from shopctl.kernel import clock, ids
from shopctl.kernel.clock import Instant
from shopctl.kernel.redaction import remember_secret
from shopctl.storage.unit import Unit

if TYPE_CHECKING:
    from shopctl.auth.jose.keys import SigningKey
    from shopctl.auth.logins import LoginService, Proven

REFRESH = "rt"
GRACE = 10 * SECOND
"""How long a refresh token that was just used is answered without suspicion: two tabs refresh at once."""


def new_refresh_token() -> str:
    """A refresh token that nobody has yet, for `TokenService.refresh` to hand out."""
    token = random_secret(REFRESH)
    remember_secret(token)
    return token


class Tokens(NamedTuple):
    """The answer of a token endpoint (RFC 6749, section 5.1)."""

    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str | None
    scope: str


class TokenService:
    """Use cases about access and refresh tokens."""

    def __init__(self, system: AuthSystem, logins: LoginService) -> None:
        self._system = system
        self._logins = logins
        self._signing: SigningKey | None = None
        self._signing_in: ref[Unit] | None = None

    def issue_to_user(
        self,
        who: str,
        password: str,
        *,
        code: str | None = None,
        scope: Sequence[str] = (),
        audience: str | None = None,
        source: str,
    ) -> Tokens:
        """Log somebody in and begin a session. Raises LoginRefused, Throttled, CodeNeeded, ScopeNotGranted."""
        wanted = checked_all(scope)
        proven = self._logins.prove(who, password, code=code, source=source)
        with self._system.database.unit() as unit:
            account = accounts.need(unit, self._system.sealer, proven.account.id)
            access = access_of(unit, account)
            granted = _granted(access, wanted)
            session = self._begin(unit, proven, wanted, audience)
            issued = self.issue(unit, access, granted, audience=audience, session=session)
            self._system.audit.record(unit, "token.issue", account.name, {"scope": list(wanted), "session": session.id})
        return issued

    def issue_to_client(
        self, client_id: str, secret: str, *, scope: Sequence[str] = (), audience: str | None = None
    ) -> Tokens:
        """A token for a service that shows its secret (RFC 6749, section 4.4). Raises LoginRefused, ScopeNotGranted.

        There is no refresh token, and nothing to throttle: nobody guesses 256 bits.
        """
        wanted = checked_all(scope)
        system = self._system
        with system.database.unit() as unit:
            account = accounts.find(unit, system.sealer, client_id)
            known = account is not None and credentials.has_client_secret(
                unit, account.id, system.code(unit, "client secret", secret)
            )
            if account is None or not known or account.state != "active":
                raise LoginRefused()
            access = access_of(unit, account)
            issued = self.issue(unit, access, _granted(access, wanted), audience=audience)
            accounts.logged_in(unit, account.id, system.clock.now())
            system.audit.record(unit, "token.issue", account.name, {"scope": list(wanted)})
        return issued

    def issue(
        self,
        unit: Unit,
        access: Access,
        scope: Sequence[str],
        *,
        audience: str | None = None,
        session: Session | None = None,
        refresh: str | None = None,
    ) -> Tokens:
        """Sign and record an access token within a unit; with a session, a refresh token too.

        `scope` is what it permits, and no more than its user may. The refresh token is a new one, or `refresh`.
        """
        from shopctl.auth.access_claims import AccessClaims
        from shopctl.auth.access_tokens import sign

        policy, account = self._system.policy, access.account
        audiences = tuple((audience or policy.audience).split(" "))
        if not all(each and each.isprintable() for each in audiences):
            raise InvalidAudience(audience=audience)
        key = self._signing_key(unit)
        seconds = self._system.clock.now() // SECOND
        jti = ids.new("tok")
        claims = AccessClaims(
            iss=policy.issuer,
            sub=account.id,
            aud=audiences,
            client_id=account.id if account.kind == "service" else "shopctl",
            exp=seconds + policy.access_token_seconds,
            iat=seconds,
            jti=jti,
            scope=tuple(scope),
            roles=tuple(access.roles),
            entitlements=tuple(scope),  # our scopes are permissions, so both say the same
            auth_time=session.created_at // SECOND if session else None,
            sid=session.id if session else None,
        )
        session_id = session.id if session else None
        record = Issued(
            jti, account.id, session_id, key.kid, account.token_epoch, seconds * SECOND, claims.exp * SECOND
        )
        sessions.record(unit, record)
        added = self._add_refresh(unit, session, refresh or new_refresh_token()) if session else None
        return Tokens(sign(claims, key), "Bearer", policy.access_token_seconds, added, " ".join(scope))

    def knows_refresh(self, token: str) -> bool:
        """Whether a refresh token was ever handed out here, good or not."""
        with self._system.database.read() as unit:
            return sessions.refresh_of(unit, self._system.code(unit, "refresh", token)) is not None

    def refresh(self, token: str, *, waited: int = 0, successor: str | None = None) -> Tokens:
        """New tokens for a refresh token, which is used up by it. Raises InvalidGrant.

        Of many at once one wins. A loser that was asked for within ten seconds is only refused; later it is taken for
        a theft, and the session ends. `waited` is for how many microseconds the request has been on its way already:
        fifty processes that begin at once do not all come to the database within ten seconds. `successor` is the
        refresh token to hand out, from `new_refresh_token`: whoever keeps it beforehand knows after a crash, by
        `knows_refresh`, whether it was handed out, and never uses one twice. It is for callers in this process, no
        request may name one.
        """
        system = self._system
        problem = stolen = None
        with system.database.unit() as unit:
            now = system.clock.now()
            found = sessions.refresh_of(unit, system.code(unit, "refresh", token))
            session = sessions.locked(unit, found.session_id) if found else None
            account = accounts.find(unit, system.sealer, session.account_id) if session else None
            if found is None or session is None or account is None:
                problem = "it is not known here"
            elif session.ended_at is not None:
                problem = "its session has ended"
            elif account.state != "active":
                problem = "its user is disabled"
            elif min(found.expires_at, session.expires_at) <= now:
                problem = "it has expired"
            elif not sessions.use_refresh(unit, found.hmac, now):
                problem = "it was used before"
                used = sessions.refresh_of(unit, found.hmac)
                # Also when it was used while the clock was ahead, or no theft would be seen until then.
                if used is not None and used.used_at is not None and _gap(now, waited, used.used_at) > GRACE:
                    stolen = session.id
                    sessions.end(unit, session.id, "a refresh token was used twice", now)
                    system.audit.record(unit, "auth.refresh_reused", account.name, {"session": session.id})
            if problem is None and account is not None and session is not None:
                access = access_of(unit, account)
                scope = narrowed(access.permissions, session.scope.split()) if session.scope else access.permissions
                issued = self.issue(unit, access, scope, audience=session.audience, session=session, refresh=successor)
        if problem is not None:
            raise InvalidGrant(reason=f"{problem}, so its session was ended" if stolen else problem)
        return issued

    def revoke(self, token: str) -> dict[str, Any]:
        """Have a token refused from now on: an access token with its session, or a refresh token with its family.

        A personal token too; `token` may be the id of a token or a session as well. Raises TokenNotFound.
        """
        system = self._system
        if token.strip().startswith(("pat_", f"{PERSONAL}_")):
            return self._revoke_personal(token.strip())
        with system.database.unit() as unit:
            now = system.clock.now()
            jti, session_id = self._named(unit, token)
            if session_id is not None and sessions.locked(unit, session_id) is None:
                session_id = None
            if jti is None and session_id is None:
                raise TokenNotFound()
            revoked = jti is not None and sessions.revoke(unit, jti, now)
            ended = session_id is not None and sessions.end(unit, session_id, "revoked", now)
            if revoked or ended:
                system.audit.record(unit, "token.revoke", jti or session_id, {"session": session_id if ended else None})
        return {"token_id": jti, "session_id": session_id, "revoked": revoked or ended}

    def _revoke_personal(self, token: str) -> dict[str, Any]:
        system = self._system
        with system.database.unit() as unit:
            kept = personal_tokens.find(unit, system.code(unit, "personal token", token))
            token_id = kept.id if kept else token
            revoked = personal_tokens.revoke(unit, token_id, system.clock.now())
            if revoked is None:
                raise TokenNotFound()
            if revoked:
                system.audit.record(unit, "token.revoke", token_id, {})
        return {"token_id": token_id, "session_id": None, "revoked": revoked}

    def list(self, who: str | None = None, *, limit: int = 100) -> Iterator[dict[str, Any]]:
        """Access tokens that are good by their time, newest first. Raises UserNotFound."""
        with self._system.database.read() as unit:
            account = accounts.need(unit, self._system.sealer, who) if who else None
            for issued in list(sessions.issued_to(unit, account and account.id, self._system.clock.now(), limit)):
                standing = sessions.standing(unit, issued.jti)
                assert standing is not None
                yield {
                    "token_id": issued.jti,
                    "user": standing.name,
                    "session_id": issued.session_id,
                    "key": issued.kid,
                    "active": standing_problem(standing) is None,
                    "reason": standing_problem(standing),
                    "issued_at": clock.show(issued.issued_at),
                    "expires_at": clock.show(issued.expires_at),
                }

    def _begin(self, unit: Unit, proven: Proven, scope: Sequence[str], audience: str | None) -> Session:
        now = self._system.clock.now()
        session = Session(
            id=ids.new("ses"),
            account_id=proven.account.id,
            methods=proven.methods,
            source_index=proven.source_index,
            scope=" ".join(scope),
            audience=audience or self._system.policy.audience,
            created_at=now,
            expires_at=now + self._system.policy.session_seconds * SECOND,
            ended_at=None,
            ended_because=None,
        )
        sessions.begin(unit, session)
        return session

    def _add_refresh(self, unit: Unit, session: Session, token: str) -> str:
        now = self._system.clock.now()
        lasts = min(now + self._system.policy.refresh_token_seconds * SECOND, session.expires_at)
        sessions.add_refresh(unit, Refresh(self._system.code(unit, "refresh", token), session.id, now, lasts, None))
        return token

    def _signing_key(self, unit: Unit) -> SigningKey:
        from shopctl.auth.jose.keys import SigningKey
        from shopctl.auth.keys import KeyService

        if self._signing is not None and self._signing_in is not None and self._signing_in() is unit:
            return self._signing
        stored = signing_keys.in_state(unit, "active")
        if stored is None:
            KeyService(self._system).begin(unit)
            stored = signing_keys.in_state(unit, "active")
            assert stored is not None
        if self._signing is None or self._signing.kid != stored.kid:
            self._signing = SigningKey.from_private_jwk(
                signing_keys.private_jwk(unit, self._system.sealer, stored), minimum_rsa_bits=3072
            )
        self._signing_in = ref(unit)
        return self._signing

    def _named(self, unit: Unit, token: str) -> tuple[str | None, str | None]:
        """The ids of the access token and of the session that a token, or an id, stands for."""
        token = token.strip()
        if token.startswith("ses_"):
            return None, token
        if token.startswith(f"{REFRESH}_"):
            found = sessions.refresh_of(unit, self._system.code(unit, "refresh", token))
            return None, found.session_id if found else None
        jti = token if token.startswith("tok_") else self._signed_jti(unit, token)
        issued = sessions.issued(unit, jti) if jti else None
        return (issued.jti, issued.session_id) if issued else (None, None)

    def _signed_jti(self, unit: Unit, token: str) -> str | None:
        """The id of an access token that a key of ours signed, expired or not; None of any other.

        Ids of tokens are no secret, so who only knows one could make up a token of it and end somebody's session.
        """
        from shopctl.auth.jose import compact, strict_json
        from shopctl.auth.jose.errors import TokenRefused
        from shopctl.auth.keys import verifying_key

        try:
            kid = compact.read_header(compact.split(token).header_text).kid
            key = next((key for key in signing_keys.listed(unit) if key.kid == kid and key.state != "disabled"), None)
            if key is None:
                return None
            _, payload = compact.verify(token, {kid: verifying_key(unit, self._system.sealer, key)})
            jti = strict_json.read_object(payload).get("jti")
        except (TokenRefused, ValueError):
            return None
        return jti if isinstance(jti, str) else None


def standing_problem(standing: sessions.Standing) -> str | None:
    """Why a token is refused although its signature and times hold; None when it stands."""
    if standing.state != "active":
        return "its user is disabled"
    if standing.revoked_at is not None:
        return "it was revoked"
    if standing.session_ended_at is not None:
        return "its session has ended"
    if standing.token_epoch != standing.epoch_now:
        return "its user's password, roles or permissions were changed since"
    return None


def _granted(access: Access, wanted: Sequence[str]) -> list[str]:
    granted = narrowed(access.permissions, wanted) if wanted else list(access.permissions)
    if wanted and not granted:
        raise ScopeNotGranted(who=access.account.name, scope=" ".join(wanted))
    return granted


def _gap(now: Instant, waited: int, used_at: Instant) -> int:
    """The time between the use of a refresh token and the asking for another, at either side of it."""
    gap = now - used_at
    return max(gap - waited, 0) if gap > 0 else -gap
