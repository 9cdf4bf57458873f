"""The action `http`: asks another system for something, once for each key, and waits for what it answers later.

See docs/actions.md for the `with` it takes. Nothing of an answer is kept but what `output` names.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from copy import deepcopy
from json import dumps
from typing import Any, Literal, Protocol
from urllib.parse import quote, urljoin

from shopctl.kernel.clock import Instant
from shopctl.kernel.errors import ShopctlError, UsageError
from shopctl.kernel.redaction import remember_secret
from shopctl.outgoing.client import SAFE, OutgoingClient
from shopctl.outgoing.errors import OutgoingError
from shopctl.outgoing.response import Response
from shopctl.outgoing.targets import target
from shopctl.provisioning.actions import http_answers as answers
from shopctl.provisioning.actions.addresses import address
from shopctl.provisioning.actions.http_request import HttpRequest, Later, read_request
from shopctl.provisioning.actions.outcomes import fit, not_done, not_possible
from shopctl.provisioning.actions.secrets import Secrets
from shopctl.workflow.callbacks import callback_signal
from shopctl.workflow.expressions import Composed
from shopctl.workflow.ports import Call, Done, Failed, Outcome, Repetition, Unknown, Waiting

UNREADABLE = "http.answer_unreadable"
_LARGEST_OUTPUT = 200_000  # characters of JSON; the runner keeps somewhat more


class Callbacks(Protocol):
    """Makes the URLs by which other systems answer later."""

    def url(self, run_id: str, step: str, generation: int, since: Instant = 0) -> str:
        """The URL for one call, the same for its repetitions."""


class HttpAction:
    """One object for all steps and threads; `callbacks` may be missing where nobody can answer later."""

    name = "http"
    place: Literal["outside"] = "outside"
    repetition: Repetition = "keyed"

    def __init__(self, client: OutgoingClient, secrets: Secrets, callbacks: Callbacks | None = None) -> None:
        self._client = client
        self._secrets = secrets
        self._callbacks = callbacks

    def problems(self, values: Mapping[str, Any]) -> list[str]:
        """See `Action`."""
        problems = read_request(values, written=True)[1]
        if "callback" in values and self._callbacks is None:
            problems.append("callback needs an address that others reach this shop at")
        return problems

    def repetition_of(self, values: Mapping[str, Any]) -> Repetition:
        """See `OutsideAction`."""
        request = read_request(values, written=True)[0]
        return "at_least_once" if request.method in SAFE else request.repeat

    def perform(self, call: Call) -> Outcome:
        """See `OutsideAction`."""
        url = call.values.get("url")
        if isinstance(url, Composed):
            url = address(url)
            if url is None:
                return not_done(call, "http.url_gap", fit(f"a value in its url is not there: {call.values['url']}"))
        request, problems = read_request({**call.values, "url": url})
        if problems:
            return not_done(call, "http.with", fit("; ".join(problems)))
        if "output" in call.memo:
            return self._go_on(call, request)
        try:
            headers, body = self._prepared(call, request)
        except ShopctlError as error:
            return not_possible(call, error)
        try:
            response = self._client.request(
                request.method, request.url, headers=headers, json=body, timeout=call.seconds
            )
        except OutgoingError as error:
            return _lost(call, request, error)
        if not request.expected(response.status):
            return answers.refused(call, request, response)
        return self._accepted(call, request, response)

    def _prepared(self, call: Call, request: HttpRequest) -> tuple[dict[str, str], Any]:
        """Header fields and body. A repeated call has the same ones: services compare them under a key."""
        headers = dict(request.headers) | self._credentials(request)
        if request.method not in SAFE:
            headers[request.idempotency_header] = call.key
        body = request.body
        if request.callback is not None:
            if self._callbacks is None:
                raise CallbacksMissing
            url = self._callbacks.url(call.run_id, call.step, call.generation, call.since)
            if request.callback.header:
                headers[request.callback.header] = url
            else:
                body = _with_field(body, request.callback.field, url)
        return headers, body

    def _credentials(self, request: HttpRequest) -> dict[str, str]:
        auth = request.auth
        if auth is None:
            return {}
        secret = self._secrets.get(auth.source)
        if auth.kind == "header":
            return {auth.name: secret}
        if auth.kind == "bearer":
            return {"Authorization": f"Bearer {secret}"}
        encoded = b64encode(f"{auth.name}:{secret}".encode()).decode()
        remember_secret(encoded)
        return {"Authorization": f"Basic {encoded}"}

    def _accepted(self, call: Call, request: HttpRequest, response: Response) -> Outcome:
        try:
            output = answers.found(request.output, answers.scope(response)) or {"status": response.status}
        except ValueError as problem:
            if request.method in SAFE:
                return Failed(UNREADABLE, fit(f"the answer cannot be used: {problem}"), retryable=True)
            return _unreadable(str(problem))
        poll, signal = request.poll, None
        if request.callback is not None:
            signal = callback_signal(call.step, call.generation)
        memo: dict[str, Any] = {"output": output}
        if poll is not None:
            memo["poll"] = _poll_url(poll.url, output, response)
            if not memo["poll"]:
                return Unknown("http.poll_url", "the answer does not say where its state is to be asked for")
        if poll is None and signal is None:
            return _done(output)
        return Waiting(signal, None if poll is None else poll.every, memo)

    def _go_on(self, call: Call, request: HttpRequest) -> Outcome:
        """The call was taken on; what is new of it came by a callback, or is asked for."""
        callback, poll = request.callback, request.poll
        if call.signal is not None and callback is not None:
            seen = {"body": call.signal.get("body"), "headers": call.signal.get("headers") or {}}
            settled = self._settled(call, callback.later, seen, "callback")
            if settled is not None:
                return settled
        elif poll is not None and "poll" in call.memo:
            return self._polled(call, request)
        return self._wait_on(call, request)

    def _polled(self, call: Call, request: HttpRequest) -> Outcome:
        assert request.poll is not None
        url = str(call.memo["poll"])
        try:
            # Credentials are for the host they were given for, wherever an answer points to.
            same = target(url).origin == target(request.url).origin
            headers = dict(request.headers) | self._credentials(request) if same else {}
            response = self._client.request("GET", url, headers=headers, timeout=call.seconds)
        except OutgoingError as error:
            if error.retryable:
                return self._wait_on(call, request)
            return Unknown(error.code, fit(str(error)))
        except ShopctlError as error:
            return Unknown(error.code, fit(str(error)))
        if response.status >= 500 or response.status in (404, 408, 425, 429):
            # 404: many systems know of what they took on only a moment later.
            return self._wait_on(call, request, response.retry_after)
        if response.status >= 300:
            return Unknown(f"http.poll_{response.status}", answers.said(response))
        settled = self._settled(call, request.poll.later, answers.scope(response), "poll")
        return settled or self._wait_on(call, request, response.retry_after)

    def _settled(self, call: Call, later: Later, seen: Mapping[str, Any], how: str) -> Outcome | None:
        if answers.holds(later.failed, seen):
            text = seen["body"] if isinstance(seen["body"], str) else dumps(seen["body"], ensure_ascii=False)
            return Failed(f"http.{how}_failed", fit(f"it was taken on and failed: {text}"))
        if later.until and not answers.holds(later.until, seen):
            return None
        try:
            return _done({**call.memo["output"], **answers.found(later.output or {}, seen)})
        except ValueError as problem:
            return _unreadable(str(problem))

    def _wait_on(self, call: Call, request: HttpRequest, seconds: float | None = None) -> Waiting:
        signal = None if request.callback is None else callback_signal(call.step, call.generation)
        every = None if request.poll is None else max(request.poll.every, seconds or 0.0)
        return Waiting(signal, every, call.memo)


class CallbacksMissing(UsageError):
    """Nobody can answer later: this shop has no address that others reach it at."""

    code = "provisioning.no_callbacks"
    hint = "Set the address under which others reach it."


def _lost(call: Call, request: HttpRequest, error: OutgoingError) -> Failed | Unknown:
    message = fit(str(error))
    if request.method in SAFE:
        return Failed(error.code, message, error.retryable)
    if error.sent:
        return Unknown(error.code, message)
    return not_done(call, error.code, message, retryable=error.retryable)


def _done(output: Mapping[str, Any]) -> Done | Unknown:
    if len(dumps(output)) > _LARGEST_OUTPUT:
        return _unreadable("the output is too large to be kept")
    return Done(output)


def _unreadable(problem: str) -> Unknown:
    # It was done: a failure would have it done again under a new key.
    return Unknown(UNREADABLE, fit(f"it was done, but the answer cannot be used: {problem}"))


def _poll_url(template: str, output: Mapping[str, Any], response: Response) -> str:
    """The template with this step's own output put in, else what Location says; empty where neither helps."""
    if not template:
        location = response.headers.get("location", "")
        return urljoin(response.url, location) if location else ""
    url = template
    for name, value in output.items():
        if f"{{{name}}}" in url:
            if value is None or isinstance(value, dict | list):
                return ""
            url = url.replace(f"{{{name}}}", quote(str(value), safe=""))
    return url


def _with_field(body: Any, path: str, value: str) -> Any:
    whole: dict[str, Any] = deepcopy(body) if isinstance(body, dict) else {}
    *inwards, last = path.split(".")
    place = whole
    for name in inwards:
        inner = place.get(name)
        place[name] = place = inner if isinstance(inner, dict) else {}
    place[last] = value
    return whole
