"""Calls of a system that keeps stock or shipping by the contract of docs/warehouses.md; its answers in our words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from shopctl.kernel.errors import ShopctlError, one_line
from shopctl.kernel.redaction import redact
from shopctl.outgoing.client import OutgoingClient
from shopctl.outgoing.response import Response
from shopctl.provisioning.adapters.errors import ServiceBusy, ServiceFailed, ServiceRefuses, ServiceTurnsAway

Words = Mapping[str, Callable[[Mapping[str, Any]], ShopctlError]]
"""The errors that the `code` of a refusal stands for, made of the refusal's body."""

_BUSY = frozenset({408, 425, 429})
# These are said before anybody looks at the request, so they say nothing of an earlier one under the same key.
_AT_THE_DOOR = frozenset({401, 403, 405, 407})
_LONGEST_REASON = 200


class RestService:
    """One such system; `token` fetches what it asks for as a bearer (RFC 6750), for each call anew."""

    def __init__(self, name: str, client: OutgoingClient, url: str, token: Callable[[], str] | None = None) -> None:
        self.name = name
        self._client = client
        self._url = url.rstrip("/")
        self._token = token

    def call(
        self,
        method: str,
        *path: str,
        seconds: float,
        key: str | None = None,
        body: Mapping[str, Any] | None = None,
        query: str = "",
        words: Words | None = None,
    ) -> dict[str, Any]:
        """The object that it answers; an empty one for an answer without a body (204).

        Raises what `words` holds for a refusal's code, ServiceRefuses for other refusals, ServiceTurnsAway, ServiceBusy
        and ServiceFailed, and what the client raises.
        """
        headers = {"accept": "application/json"}
        if key is not None:
            headers["idempotency-key"] = key
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._fetched(self._token)}"
        url = "/".join([self._url, *(quote(part, safe="") for part in path)]) + query
        answer = self._client.request(method, url, headers=headers, json=body, timeout=seconds)
        if 200 <= answer.status < 300:
            return self._object(answer)
        raise self._refusal(answer, words or {})

    def bad_answer(self, what: str) -> ServiceFailed:
        """The error for an answer that lacks what the contract says."""
        return ServiceFailed(service=self.name, reason=f"its answer has no proper {what}")

    def _fetched(self, token: Callable[[], str]) -> str:
        try:
            return token()
        except ShopctlError as error:
            raise ServiceTurnsAway(service=self.name, reason=f"there is no token for it: {error}") from None

    def _object(self, answer: Response) -> dict[str, Any]:
        if answer.status == 204:
            return {}
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self.bad_answer("JSON object")
        return found

    def _refusal(self, answer: Response, words: Words) -> ShopctlError:
        status = answer.status
        try:
            body = answer.json()
        except ValueError:
            body = None
        # Without a code it is not the system that answers, but something on the way to it, such as a proxy.
        code = body.get("code") if isinstance(body, dict) else None
        reason = f"HTTP {status}"
        if isinstance(body, dict) and (said := body.get("message") or code):
            reason += f", {one_line(redact(str(said)))[:_LONGEST_REASON]}"
        if status >= 500:
            return ServiceFailed(service=self.name, reason=reason, seconds=answer.retry_after)
        if code == "in_progress":  # an earlier request under the same key is still being worked on
            return ServiceFailed(service=self.name, reason=reason, seconds=answer.retry_after or 2.0)
        if status in _BUSY:
            return ServiceBusy(service=self.name, reason=reason, seconds=answer.retry_after)
        if not isinstance(code, str) or status in _AT_THE_DOOR or status < 400:
            return ServiceTurnsAway(service=self.name, reason=reason)
        assert isinstance(body, dict)
        return words[code](body) if code in words else ServiceRefuses(service=self.name, reason=reason)
