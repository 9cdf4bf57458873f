"""The claims of an access token (RFC 9068, section 2.2): what they are, how they are written, and their types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from shopctl.auth.jose.errors import TokenRefused, quoted

_LATEST = 253_402_300_799  # the last second of the year 9999
_LONGEST = 512  # characters of an identifier


class AccessClaims(NamedTuple):
    """Who may do what, until when; times in whole seconds since the Unix epoch (NumericDate of RFC 7519).

    `jti`, `sub`, `sid` and `iat` are what a revocation is looked up by: this token, all of a user's, all of a session
    or refresh family, all issued before a moment. Lists keep the order of the token.
    """

    iss: str
    sub: str
    aud: tuple[str, ...]
    client_id: str
    exp: int
    iat: int
    jti: str
    scope: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    entitlements: tuple[str, ...] = ()
    nbf: int | None = None
    auth_time: int | None = None
    sid: str | None = None

    def members(self) -> dict[str, Any]:
        """As the payload has them: one audience as text, the scope as words, and nothing that is empty."""
        shown: dict[str, Any] = {
            "iss": self.iss,
            "sub": self.sub,
            "aud": self.aud[0] if len(self.aud) == 1 else list(self.aud),
            "client_id": self.client_id,
            "exp": self.exp,
            "iat": self.iat,
            "jti": self.jti,
        }
        if self.scope:
            shown["scope"] = " ".join(self.scope)
        if self.roles:
            shown["roles"] = list(self.roles)
        if self.entitlements:
            shown["entitlements"] = list(self.entitlements)
        for name in ("nbf", "auth_time", "sid"):
            if (value := getattr(self, name)) is not None:
                shown[name] = value
        return shown


def check_types(members: Mapping[str, Any]) -> None:
    """Raise TokenRefused (claims) unless the claims that say who may do what are there and of their types.

    Claims of other names are none of ours and are left alone (RFC 7519, section 4). Issuer, audience and times have
    checks of their own.
    """
    for name in ("sub", "client_id", "jti"):
        text(members, name)
    if type(members.get("scope", "")) is not str:
        raise _wrong("claims", "scope", "is no text")
    for name in ("roles", "entitlements"):
        if name in members and not _texts(members[name]):
            raise _wrong("claims", name, "is no list of texts")
    if "auth_time" in members:
        moment(members, "auth_time")
    if "sid" in members:
        text(members, "sid")


def claims_of(members: Mapping[str, Any]) -> AccessClaims:
    """The claims of a payload whose every claim was checked."""
    found = members.get
    audiences = members["aud"]
    return AccessClaims(
        members["iss"],
        members["sub"],
        (audiences,) if type(audiences) is str else tuple(audiences),
        members["client_id"],
        members["exp"],
        members["iat"],
        members["jti"],
        tuple(found("scope", "").split()),
        tuple(found("roles", ())),
        tuple(found("entitlements", ())),
        found("nbf"),
        found("auth_time"),
        found("sid"),
    )


def text(members: Mapping[str, Any], name: str, check: str = "claims") -> str:
    """An identifier: text that is neither empty nor without end."""
    value = members.get(name)
    if type(value) is not str or not 0 < len(value) <= _LONGEST:
        raise _wrong(check, name, "is missing" if name not in members else f"is {quoted(value)}, no identifier")
    return value


def moment(members: Mapping[str, Any], name: str, check: str = "claims") -> int:
    """A time in whole seconds; `true` and 1.5 are none."""
    value = members.get(name)
    if type(value) is not int or not 0 <= value <= _LATEST:
        raise _wrong(check, name, "is missing" if name not in members else f"is {quoted(value)}, no whole second")
    return value


def audiences(members: Mapping[str, Any]) -> list[str]:
    """Whom the token is for: a text or a list of them (RFC 7519, section 4.1.3)."""
    value = members.get("aud")
    listed = [value] if type(value) is str else value
    if not listed or not _texts(listed):
        raise _wrong("audience", "aud", "is missing" if "aud" not in members else f"is {quoted(value)}, no audience")
    return cast("list[str]", listed)


def _texts(value: object) -> bool:
    return type(value) is list and all(type(each) is str and each for each in value)


def _wrong(check: str, name: str, what: str) -> TokenRefused:
    return TokenRefused(check, f"its claim {name} {what}", "missing" if what == "is missing" else "malformed")
