"""Taking secrets and personal data out of text before it is shown or logged."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

MASK = "****"
_SECRET_PARAMETERS = frozenset({"password", "sslpassword", "passfile", "token", "secret", "api_key", "key"})
_SECRET_WORDS = (
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "authorization",
    "api_key",
    "apikey",
    "credential",
)

# Shorter ones are words that stand in ordinary text too.
_SHORTEST_LITERAL = 6
_literals: set[str] = set()


def mask_url(text: str) -> str:
    """A URL without its password, also where that stands in the query; any other text unchanged.

    A password that was not percent-encoded may hold `/` or `@`, so all up to the last `@` is taken for it: masking
    too much is harmless.
    """
    scheme, separator, rest = text.partition("://")
    if not separator or scheme == "sqlite":
        return text
    before, at, after = rest.rpartition("@")
    if at:
        user, colon, _ = before.partition(":")
        before = f"{user}:{MASK}" if colon else before
    address, question, query = after.partition("?")
    if question:
        parameters = (parameter.partition("=") for parameter in query.split("&"))
        query = "&".join(
            name + equals + (MASK if name.lower() in _SECRET_PARAMETERS else value)
            for name, equals, value in parameters
        )
    return scheme + separator + before + at + address + question + query


def password_of(url: str) -> str | None:
    """The password that `mask_url` would hide before the host, None when there is none."""
    before, at, _ = url.partition("://")[2].rpartition("@")
    return before.partition(":")[2] or None if at else None


def remember_secret(text: str | None) -> None:
    """Hide this very text wherever `redact` meets it, in whatever shape; for secrets that are known to the process."""
    if text and len(text) >= _SHORTEST_LITERAL:
        _literals.add(text)


def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds a secret, such as `client_secret` or `Authorization`."""
    lowered = name.lower().replace("-", "_")
    return any(word in lowered for word in _SECRET_WORDS)


def redact(text: str) -> str:
    """The text without passwords, tokens, keys, card numbers and e-mail addresses.

    Known are: passwords in URLs and `password=…`; Authorization and Cookie fields; JWTs (RFC 7519) and our own tokens
    and secrets; Stripe keys, webhook and client secrets; PEM private keys (RFC 7468); card numbers by issuer range and
    Luhn; what was given to `remember_secret`.
    """
    for literal in sorted(_literals, key=len, reverse=True):
        text = text.replace(literal, MASK)
    for pattern, replacement in _patterns():
        text = pattern.sub(replacement, text)
    if any(character.isdigit() for character in text):
        from shopctl.kernel.cards import without_card_numbers

        text = without_card_numbers(text)
    return text


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]:
    """Compiled on first use, for a command that logs nothing. Their repeats are bounded or cannot overlap."""
    import re

    value = r"""("(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[^\s,;&"'})\]]+)"""
    return (
        (
            re.compile(
                r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)", re.DOTALL
            ),
            MASK,
        ),
        (re.compile(r"://([^\s:/@]{0,256}):\S+@"), rf"://\1:{MASK}@"),
        (
            re.compile(
                r"""(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)(["']?\s*[:=]\s*)("[^"]*"?|'[^']*'?|[^\r\n]+)"""
            ),
            rf"\1\2{MASK}",
        ),
        (re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}"), rf"\1 {MASK}"),
        (re.compile(r"\beyJ[\w-]{4,}(?:\.[\w-]*){2,4}"), MASK),
        (re.compile(r"\b(?:rt|cs|spt)_[\w-]{43}"), MASK),  # our own: shopctl.auth.system.random_secret
        (re.compile(r"\bc1\.[\w-]{8,1000}\.[\w-]{43}"), MASK),  # our own: shopctl.workflow.callbacks
        (re.compile(r"\b(signature=)[\w-]{43}"), rf"\1{MASK}"),  # our own: shopctl.provisioning.downloads
        (re.compile(r"\b(?:sk|rk)_(?:live|test)_\w{4,}|\bwhsec_[\w+/=-]{4,}|\b[a-z]{2,5}_\w{4,64}_secret_\w+"), MASK),
        (
            re.compile(
                rf"""(?i)(password|passwd|passphrase|secret|token|api[_-]?key|credential)(s?\\?["']?\s*[:=]\s*)(?!(?<=token:)(?:read|write|\*)(?![\w+/=.-])){value}"""
            ),
            rf"\1\2{MASK}",
        ),
        (
            re.compile(
                r"""(://[^\s/@]{0,256}@|\bname@example\.org\b)|[^\s@<>"',;:()/=\[\]]{1,64}@[^\s@<>"',;:()/=\[\]]{1,255}\.[^\W\d_]{2,63}"""
            ),
            lambda match: match[1] or "[e-mail]",
        ),
    )
