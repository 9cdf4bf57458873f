"""A URL with values in it: each is one piece of its path or query, whatever characters it has."""

from __future__ import annotations

from urllib.parse import quote

from shopctl.workflow.expressions import Composed, written


def address(url: Composed) -> str | None:
    """The URL, its values percent-encoded once its host is over; None where a value is missing or leads elsewhere.

    DELETE /accounts/ is not what is meant where the account's id is not known, and neither is /accounts/a/../../all
    where another system has named it so (RFC 3986, sections 2.4 and 5.2.4).
    """
    text = ""
    for before, value in url.pieces:
        text += before
        piece = written(value)
        if value is None or piece in (".", ".."):
            return None
        inside = "/" in text.partition("://")[2]
        text += quote(piece, safe="") if inside else piece
    return text + url.rest
