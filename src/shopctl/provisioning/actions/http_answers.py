"""What the answer to a call says of its effect: done, taken on, certainly not done, or unknown (decision 4).

A definite failure earns the next attempt a new key, so nothing may count as one that could have had its effect:

- 408, 425, 429, and 503 with Retry-After: the server says that it did not begin (RFC 9110, 15.5.9 and 15.6.4; RFC 8470;
  RFC 6585). It is tried again, when the server says.
- Other 5xx: the request may have been carried out before something broke. Unknown; the same key again.
- A 5xx that was stored under the key and comes again (`Idempotent-Replayed`, as Stripe has it): the same key will never
  bring anything else. Whether it had its effect is no clearer for that, so it stays unknown and parks in the end,
  unless the definition says that this service undoes what it fails at (`stored_failure = "failed"`): then a new key
  is due.
- 409 to a repeated call: the first is still being worked on (draft-ietf-httpapi-idempotency-key-header, 2.7). Unknown.
- Other 4xx: refused. A service that keeps keys would give the first answer again had it been another, so this settles
  a repeated call too; but 401, 403 and 407 are given before a key is looked at, and settle nothing.
- 301, 302, 303 to what changes something are what web forms answer after they did it. Unknown.
- A call that changes nothing (GET, HEAD) has no effect to be unsure of.
"""

from __future__ import annotations

from collections.abc import Mapping
from json import dumps
from typing import Any

from shopctl.outgoing.client import SAFE
from shopctl.outgoing.response import Response
from shopctl.provisioning.actions.http_request import HttpRequest
from shopctl.provisioning.actions.outcomes import fit, not_done
from shopctl.workflow.ports import Call, Failed, Unknown

_NOT_BEGUN = frozenset({408, 425, 429})
_NOT_LOOKED_AT = frozenset({401, 403, 407})
_NEVER = frozenset({501, 505})  # not implemented


def refused(call: Call, request: HttpRequest, response: Response) -> Failed | Unknown:
    """What an answer means that was not the expected one."""
    status, code = response.status, f"http.{response.status}"
    message, seconds = said(response), response.retry_after
    if request.method in SAFE:
        again = status >= 500 or status in _NOT_BEGUN
        return Failed(code, message, again and status not in _NEVER, seconds)
    if status in _NOT_BEGUN or (status == 503 and seconds is not None):
        return not_done(call, code, message, retryable=True, seconds=seconds)
    if status >= 500:
        if status in _NEVER:
            return not_done(call, code, message)
        if response.headers.get("idempotent-replayed", "").lower() == "true":
            if request.stored_failure == "failed":
                return Failed(code, message, retryable=True)
            message = fit(f"it keeps this answer for the key: {message}")
        return Unknown(code, message, seconds)
    if status in _NOT_LOOKED_AT or status == 409:
        return not_done(call, code, message)
    if 400 <= status <= 499 and request.repeat == "keyed":
        return Failed(code, message)
    if status >= 400 or status in (307, 308):
        return not_done(call, code, message)
    return Unknown(code, message)


def said(response: Response) -> str:
    """What the other side says is wrong: the usual fields of an error (also RFC 9457), else how the body begins."""
    status = f"the answer was {response.status}"
    try:
        body = response.json()
    except ValueError:
        body = response.body[:400].decode("utf-8", "replace")
    text = _text_of(body)
    return fit(f"{status}: {text}" if text else status)


def scope(response: Response) -> dict[str, Any]:
    """What expressions see: {"status", "headers", "body"}; a body that is no JSON is its text."""
    try:
        body = response.json() if response.body else None
    except ValueError:
        body = response.body.decode("utf-8", "replace")
    return {"status": response.status, "headers": dict(response.headers), "body": body}


def found(expressions: Mapping[str, str], seen: Mapping[str, Any]) -> dict[str, Any]:
    """What each expression finds. Raises ValueError where one cannot be applied, or finds nothing: whoever reads it
    later would go on without it."""
    from jmespath import search
    from jmespath.exceptions import JMESPathError

    try:
        output = {name: search(expression, seen) for name, expression in expressions.items()}
    except JMESPathError as problem:
        raise ValueError(str(problem)) from None
    missing = [expressions[name] for name, value in output.items() if value is None]
    if missing:
        kind = "its body is no object but a text; " if isinstance(seen.get("body"), str) else ""
        raise ValueError(f"{kind}nothing was found by {', '.join(missing)}")
    return output


def holds(expression: str, seen: Mapping[str, Any]) -> bool:
    """Whether a condition holds; one that cannot be applied does not."""
    from shopctl.workflow.expressions import condition

    try:
        return bool(expression) and bool(condition(expression)(seen))
    except ValueError:  # what JMESPath raises for an operand of a wrong kind is one
        return False


def _text_of(body: Any) -> str:
    if isinstance(body, str):
        return body
    if not isinstance(body, dict):
        return "" if body is None else dumps(body, ensure_ascii=False)[:400]
    for name in ("error", "errors", "detail", "message", "error_description", "title", "reason", "code"):
        value = body.get(name)
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, dict):
            value = _text_of(value)
        if isinstance(value, str) and value:
            return value
    return dumps(body, ensure_ascii=False)[:400]
