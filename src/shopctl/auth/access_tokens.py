"""Access tokens (RFC 9068): signed for one audience, verified check by check, and explained where they are refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from shopctl.auth import access_claims
from shopctl.auth.access_claims import AccessClaims
from shopctl.auth.jose import compact, strict_json
from shopctl.auth.jose.errors import TokenRefused, quoted
from shopctl.auth.jose.keys import SigningKey, VerifyingKey
from shopctl.kernel.clock import Instant, show

TYPE = "at+jwt"
_TYPES = frozenset({TYPE, f"application/{TYPE}"})  # RFC 9068, section 4; media types know no case
_SECOND = 1_000_000  # microseconds


@dataclass(frozen=True, slots=True)
class Expected:
    """Whose tokens are taken, for whom, and by how many seconds another machine's clock may differ."""

    issuer: str
    audience: str
    leeway: int = 0


class Check(NamedTuple):
    """One step of a verification, for people; `detail` says what was found."""

    name: str
    outcome: Literal["ok", "failed", "not reached"]
    detail: str


class Explanation(NamedTuple):
    """All steps in their order, and what the token says of itself: unverified unless every step is ok."""

    checks: list[Check]
    header: dict[str, Any] | None
    claims: dict[str, Any] | None

    @property
    def accepted(self) -> bool:
        """Whether `verify` takes the token."""
        return all(check.outcome == "ok" for check in self.checks)


def sign(claims: AccessClaims, key: SigningKey) -> str:
    """The token of these claims, `typ: at+jwt`."""
    return compact.sign(strict_json.write_object(claims.members()), key, typ=TYPE)


def verify(token: str, keys: Mapping[str, VerifyingKey], expected: Expected, now: Instant) -> AccessClaims:
    """The claims of a token that holds at `now`, by a key found under its kid. Revocation is the caller's to look up.

    Raises TokenRefused whose `check` is the first that failed of: form, header, type, algorithm, key, signature,
    payload, issuer, audience, expiry, not_before, issued_at, claims (RFC 9068, section 4; RFC 8725).
    """
    case = _Case(token, keys, expected, now)
    for step in _STEPS:
        step.check(case)
    return access_claims.claims_of(case.members)


def explain(token: str, keys: Mapping[str, VerifyingKey], expected: Expected, now: Instant) -> Explanation:
    """Every check of `verify` with its outcome; it goes on after a failure wherever the rest can still be judged.

    A check is not reached when one that it builds on failed: nothing can be said of a signature without the key.
    """
    case = _Case(token, keys, expected, now)
    checks: list[Check] = []
    passed: set[str] = set()
    for step in _STEPS:
        if missing := [name for name in step.needs if name not in passed]:
            checks.append(Check(step.name, "not reached", f"builds on: {', '.join(missing)}"))
            continue
        try:
            step.check(case)
        except TokenRefused as refused:
            checks.append(Check(step.name, "failed", refused.reason))
        else:
            checks.append(Check(step.name, "ok", step.told(case)))
            passed.add(step.name)
    return Explanation(checks, dict(case.header.members) if case.header else None, case.members or None)


class _Case:
    """What is known of a token so far; a step fills in what later ones build on."""

    __slots__ = ("expected", "header", "key", "keys", "members", "now", "parts", "token")

    def __init__(self, token: str, keys: Mapping[str, VerifyingKey], expected: Expected, now: Instant) -> None:
        self.token = token
        self.keys = keys
        self.expected = expected
        self.now = now
        self.parts: Any = None
        self.header: Any = None
        self.key: Any = None
        self.members: dict[str, Any] = {}


def _form(case: _Case) -> None:
    case.parts = compact.split(case.token)


def _header(case: _Case) -> None:
    case.header = compact.read_header(case.parts.header_text)


def _type(case: _Case) -> None:
    # An ID token, a logout token or a token of another system has another type (RFC 8725, section 3.11).
    typ = case.header.typ
    if typ not in _TYPES and typ.lower() not in _TYPES:
        raise TokenRefused("type", f"its type is {quoted(typ) if typ else 'missing'}, not {TYPE!r}")


def _algorithm(case: _Case) -> None:
    compact.check_algorithm(case.header)


def _key(case: _Case) -> None:
    case.key = compact.find_key(case.header, case.keys)


def _signature(case: _Case) -> None:
    compact.check_signature(case.parts, case.key)


def _payload(case: _Case) -> None:
    try:
        case.members = strict_json.read_object(case.parts.payload)
    except ValueError as error:
        raise TokenRefused("payload", f"its payload is not as it must be: {error}") from None


def _issuer(case: _Case) -> None:
    issuer = access_claims.text(case.members, "iss", "issuer")
    if issuer != case.expected.issuer:
        raise TokenRefused("issuer", f"it was issued by {quoted(issuer)}, not by {quoted(case.expected.issuer)}")


def _audience(case: _Case) -> None:
    audiences = access_claims.audiences(case.members)
    if case.expected.audience not in audiences:
        shown = ", ".join(map(quoted, audiences[:3]))
        raise TokenRefused("audience", f"it is meant for {shown}, not for {quoted(case.expected.audience)}")


def _expiry(case: _Case) -> None:
    ends = access_claims.moment(case.members, "exp", "expiry")
    if case.now >= (ends + case.expected.leeway) * _SECOND:
        raise TokenRefused("expiry", f"it expired at {_shown(ends)}", "expired")


def _not_before(case: _Case) -> None:
    if "nbf" not in case.members:
        return
    begins = access_claims.moment(case.members, "nbf", "not_before")
    if case.now < (begins - case.expected.leeway) * _SECOND:
        raise TokenRefused("not_before", f"it is not valid before {_shown(begins)}", "early")


def _issued_at(case: _Case) -> None:
    issued = access_claims.moment(case.members, "iat", "issued_at")
    if case.now < (issued - case.expected.leeway) * _SECOND:
        raise TokenRefused("issued_at", f"it says that it was issued in the future, at {_shown(issued)}", "future")


def _claims(case: _Case) -> None:
    access_claims.check_types(case.members)


def _shown(seconds: int) -> str:
    return str(show(seconds * _SECOND))


class _Step(NamedTuple):
    """A check: what it is called, what it does, what it builds on, and what there is to tell when it passed."""

    name: str
    check: Callable[[_Case], None]
    needs: tuple[str, ...]
    told: Callable[[_Case], str]


_STEPS = (
    _Step("form", _form, (), lambda case: "three parts in canonical base64url"),
    _Step("header", _header, ("form",), lambda case: f"members: {', '.join(case.header.members)}"),
    _Step("type", _type, ("header",), lambda case: case.header.typ),
    _Step("algorithm", _algorithm, ("header",), lambda case: case.header.alg),
    _Step("key", _key, ("algorithm",), lambda case: case.key.kid),
    _Step("signature", _signature, ("key",), lambda case: f"made by this key with {case.key.alg}"),
    _Step("payload", _payload, ("form",), lambda case: f"{len(case.members)} claims"),
    _Step("issuer", _issuer, ("payload",), lambda case: case.members["iss"]),
    _Step("audience", _audience, ("payload",), lambda case: case.expected.audience),
    _Step("expiry", _expiry, ("payload",), lambda case: f"ends at {_shown(case.members['exp'])}"),
    _Step(
        "not_before",
        _not_before,
        ("payload",),
        lambda case: f"since {_shown(case.members['nbf'])}" if "nbf" in case.members else "has no beginning",
    ),
    _Step("issued_at", _issued_at, ("payload",), lambda case: f"at {_shown(case.members['iat'])}"),
    _Step("claims", _claims, ("payload",), lambda case: f"subject {case.members['sub']}"),
)
