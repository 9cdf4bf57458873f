"""Why a key or a token is refused: one error each, with the check that failed and the reason in words."""

from __future__ import annotations

from shopctl.kernel.errors import InvalidData, NotAllowed

_LONGEST = 60  # characters of foreign text in a reason


class KeyRefused(InvalidData):
    """The key cannot be used: {reason}."""

    code = "key.refused"
    hint = "Use a key made by: shopctl key rotate, or a public set written by: shopctl key jwks"

    def __init__(self, why: str, reason: str) -> None:
        """`why` is a word for programs, such as `curve`; `reason` says the same to people."""
        self.why = why
        self.reason = reason
        super().__init__(why=why, reason=reason)

    @property
    def details(self) -> dict[str, object]:
        return {"why": self.why, "reason": self.reason}


class TokenRefused(NotAllowed):
    """The token is refused: {reason}."""

    code = "token.refused"
    hint = "See every check with: shopctl token explain -"

    def __init__(self, check: str, reason: str, why: str = "") -> None:
        """`check` is the step that failed, `reason` says it to people, `why` tells cases of one check apart.

        Checks: form, header, type, algorithm, key, signature, payload, issuer, audience, expiry, not_before,
        issued_at, claims, and for whoever knows of more: revoked.
        """
        self.check = check
        self.reason = reason
        self.why = why or check
        super().__init__(check=check, reason=reason, why=self.why)

    @property
    def details(self) -> dict[str, object]:
        return {"check": self.check, "reason": self.reason}


def quoted(value: object) -> str:
    """Foreign data for a reason: in quotation marks, escaped, and cut where it is long."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
