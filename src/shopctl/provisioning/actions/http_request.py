"""A step's `with` for the action `http`, read: what is asked, how an answer is understood, and what is waited for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shopctl.kernel.redaction import is_secret_name
from shopctl.outgoing.errors import UrlRefused
from shopctl.outgoing.targets import target
from shopctl.provisioning.actions.secrets import is_source
from shopctl.workflow.ports import Repetition
from shopctl.workflow.step_values import StepValues

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
REPETITIONS: tuple[Repetition, ...] = ("keyed", "at_least_once", "never")


@dataclass(frozen=True, slots=True)
class Later:
    """What finishes a call that was only accepted: conditions and values, all JMESPath over the later answer."""

    until: str = ""
    failed: str = ""
    output: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Poll:
    """Where the state of an accepted call is asked for; without a URL where its answer's Location says."""

    url: str
    every: float
    later: Later


@dataclass(frozen=True, slots=True)
class Callback:
    """Where the URL for a later answer is put: a field of the body (dots lead inwards) or a header."""

    field: str
    header: str
    later: Later


@dataclass(frozen=True, slots=True)
class Auth:
    """Credentials by their sources: a bearer token, a password with its user, or a header."""

    kind: str  # bearer, basic, header
    source: str
    name: str = ""  # the user, or the header's name


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What one step asks for."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Any
    auth: Auth | None
    expect: tuple[int, ...]  # none: any of 200 to 299
    output: Mapping[str, str]
    poll: Poll | None
    callback: Callback | None
    idempotency_header: str
    repeat: Repetition
    stored_failure: str

    def expected(self, status: int) -> bool:
        """Whether this status says that it was done, or taken on."""
        return status in self.expect if self.expect else 200 <= status <= 299


def read_request(values: Mapping[str, Any], *, written: bool = False) -> tuple[HttpRequest, list[str]]:
    """The request, and a line for all that is wrong with it; `written`: expressions are not resolved yet."""
    read = StepValues(values, written=written)
    url = read.text("url", needed=True)
    _check_url(read, "url", url, written)
    headers = read.pairs("headers")
    for name in headers:
        if is_secret_name(name) or name.lower() in ("cookie", "x-api-key"):
            read.wrong("headers", f"hold {name}, a secret: give its source as auth")
    body = read.data("body")
    request = HttpRequest(
        read.text("method", "POST", choices=METHODS),
        url,
        headers,
        body,
        _auth(read),
        tuple(read.numbers("expect")),
        _expressions(read, "output"),
        _poll(read, written),
        _callback(read, body),
        read.text("idempotency_header", "Idempotency-Key"),
        read.text("repeat", "keyed", choices=REPETITIONS),  # type: ignore[arg-type]
        read.text("stored_failure", "unknown", choices=("unknown", "failed")),
    )
    read.end()
    return request, read.problems


def _auth(read: StepValues) -> Auth | None:
    table = read.table("auth")
    if table is None:
        return None
    sources = {kind: table.text(kind) for kind in ("bearer", "basic", "secret")}
    user, header = table.text("user"), table.text("header")
    table.end()
    given = [kind for kind, source in sources.items() if source]
    if len(given) != 1 or bool(user) != bool(sources["basic"]) or bool(header) != bool(sources["secret"]):
        read.wrong("auth", "is one of { bearer }, { basic, user } and { header, secret }")
        return None
    kind = given[0]
    if not is_source(sources[kind]):
        read.wrong(f"auth.{kind}", "must say where the secret comes from: env:NAME, file:PATH or keyring:SERVICE/NAME")
    return Auth("header" if kind == "secret" else kind, sources[kind], user or header)


def _poll(read: StepValues, written: bool) -> Poll | None:
    table = read.table("poll")
    if table is None:
        return None
    url = table.text("url")
    if url and "{" not in url:
        _check_url(table, "url", url, written)
    poll = Poll(url, table.number("every", 5.0, least=0.01, most=86_400), _later(table, needed=True))
    table.end()
    return poll


def _callback(read: StepValues, body: Any) -> Callback | None:
    if isinstance(read.data("callback"), str):
        callback = Callback(read.text("callback"), "", Later())
    else:
        table = read.table("callback")
        if table is None:
            return None
        callback = Callback(table.text("field"), table.text("header"), _later(table))
        table.end()
    if bool(callback.field) == bool(callback.header):
        read.wrong("callback", "names either a field of the body or a header")
    if callback.field and not isinstance(body, dict | None):
        read.wrong("callback", "names a field, but the body has none")
    return callback


def _later(table: StepValues, *, needed: bool = False) -> Later:
    until, failed = table.text("until", needed=needed), table.text("failed")
    _check_expression(table, "until", until)
    _check_expression(table, "failed", failed)
    return Later(until, failed, _expressions(table, "output"))


def _expressions(table: StepValues, name: str) -> dict[str, str]:
    found = table.pairs(name)
    for key, text in found.items():
        _check_expression(table, f"{name}.{key}", text)
    return found


def _check_expression(table: StepValues, name: str, text: str) -> None:
    if not text:
        return
    from shopctl.workflow.expressions import ExpressionInvalid, condition

    try:
        condition(text)
    except ExpressionInvalid as problem:
        table.wrong(name, f"is no JMESPath: {problem}")


def _check_url(table: StepValues, name: str, url: str, written: bool) -> None:
    if not url or (written and "${" in url):
        return
    try:
        target(url)
    except UrlRefused as problem:
        table.wrong(name, f"cannot be called: {problem.facts['reason']}")
