"""The action `http` against a real server: the effect is once, whatever happens to calls and answers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from email.utils import formatdate
from time import time
from typing import Any
from urllib.parse import quote

import pytest

from shopctl.kernel.redaction import redact
from shopctl.outgoing.client import OutgoingClient
from shopctl.provisioning.actions.http import HttpAction
from shopctl.provisioning.actions.secrets import Secrets
from shopctl.workflow.callbacks import CallbackSigner
from shopctl.workflow.expressions import compiled
from shopctl.workflow.ports import Done, Failed, Unknown, Waiting
from support.calls import Standing, attempts, call, gone_on
from support.downstream import (
    DROPS_AFTER,
    DROPS_BEFORE,
    FAILS,
    FAILS_AFTER,
    FAILS_STORED,
    Answer,
    Downstream,
    closed_port,
    downstream,
)

SIGNER = CallbackSigner(lambda: b"k" * 32, "https://shop.example", Standing())


@pytest.fixture
def other() -> Iterator[Downstream]:
    with downstream() as server:
        yield server


@pytest.fixture
def action() -> HttpAction:
    return HttpAction(OutgoingClient(["127.0.0.1"]), Secrets(), SIGNER)


def ask(other: Downstream, **more: Any) -> dict[str, Any]:
    """A step's `with` that creates an account."""
    return {"url": f"{other.url}/accounts", "body": {"name": "anna"}, **more}


def test_an_expected_answer_is_done_and_keeps_what_output_names(other, action):
    other.script("POST", "/accounts", Answer(201, {"id": "acc_1", "password": "hidden"}, (("X-Region", "eu"),)))

    outcome = action.perform(
        call(
            ask(
                other,
                output={
                    "account_id": "body.id",
                    "region": 'headers."x-region"',
                    "none": "body.none || ''",
                    "s": "status",
                },
            )
        )
    )

    assert outcome == Done({"account_id": "acc_1", "region": "eu", "none": "", "s": 201})
    (request,) = other.received
    assert (request.json, request.key, request.headers["content-type"]) == (
        {"name": "anna"}, "run_1.create.1", "application/json",
    )  # fmt: skip


@pytest.mark.parametrize(
    "trouble", [FAILS, FAILS_AFTER, DROPS_BEFORE, DROPS_AFTER, Answer(201, {"id": 1}, seconds=0.4)]
)
@pytest.mark.parametrize("more", [[], [503], [429]])
def test_the_effect_is_once_whatever_becomes_of_the_first_answer(other, action, trouble, more):
    busy = [Answer(status, {}, (("Retry-After", "1"),), effect=False, store=False) for status in more]
    other.script("POST", "/accounts", trouble, *busy, Answer(201, {"id": 1}))

    outcomes = attempts(action, ask(other), seconds=0.2 if trouble.seconds else 2)

    assert isinstance(outcomes[-1], Done), outcomes
    assert all(isinstance(each, Unknown) for each in outcomes[:-1]), "a definite failure would have earned a new key"
    assert len(other.effects()) == 1
    assert {each.key for each in other.received} == {"run_1.create.1"}


def test_a_refused_connection_after_an_unknown_outcome_earns_no_new_key(action):
    """The connection is refused for sure, but the call before it may have had its effect."""
    values = {"url": f"http://127.0.0.1:{closed_port()}/accounts"}

    first, repeated = action.perform(call(values)), action.perform(call(values, repeated=True))

    assert isinstance(first, Failed)
    assert (first.code, first.retryable) == ("outgoing.no_connection", True)
    assert isinstance(repeated, Unknown)


OUTCOMES = [
    # status, headers, first call, repeated call
    (400, {}, "failed", "failed"),
    (401, {}, "failed", "unknown"),
    (403, {}, "failed", "unknown"),
    (404, {}, "failed", "failed"),
    (407, {}, "failed", "unknown"),
    (408, {}, "retry", "unknown"),
    (409, {}, "failed", "unknown"),
    (410, {}, "failed", "failed"),
    (422, {}, "failed", "failed"),
    (425, {}, "retry", "unknown"),
    (429, {}, "retry", "unknown"),
    (429, {"Retry-After": "7"}, "retry 7", "unknown 7"),
    (500, {}, "unknown", "unknown"),
    (502, {}, "unknown", "unknown"),
    (503, {}, "unknown", "unknown"),
    (503, {"Retry-After": "7"}, "retry 7", "unknown 7"),
    (504, {}, "unknown", "unknown"),
    (501, {}, "failed", "unknown"),
    (301, {"Location": "/x"}, "unknown", "unknown"),
    (303, {"Location": "/x"}, "unknown", "unknown"),
    (307, {"Location": "/x"}, "failed", "unknown"),
    (206, {}, "unknown", "unknown"),
]


@pytest.mark.parametrize(("status", "headers", "first", "repeated"), OUTCOMES)
def test_what_an_answer_means(other, action, status, headers, first, repeated):
    other.script("POST", "/accounts", Answer(status, {"error": {"message": "no"}}, tuple(headers.items()), store=False))
    values = ask(other, expect=[201])

    assert word(action.perform(call(values))) == first
    assert word(action.perform(call(values, repeated=True))) == repeated


def word(outcome: Any) -> str:
    kind = "unknown" if isinstance(outcome, Unknown) else "retry" if outcome.retryable else "failed"
    assert "no" in outcome.message
    assert outcome.code.startswith("http.")
    return kind if outcome.seconds is None else f"{kind} {outcome.seconds:g}"


def test_what_changes_nothing_is_never_unknown(other, action):
    for answer in (500, 503, Answer(drop=True), 429):
        other.script("GET", "/accounts", answer)
        outcome = action.perform(call({"method": "GET", "url": f"{other.url}/accounts"}, repeated=True))
        assert isinstance(outcome, Failed)
        assert outcome.retryable
    assert other.received[0].key is None


def test_a_stored_failure_parks_unless_the_service_undoes_what_it_fails_at(other, action):
    other.script("POST", "/accounts", FAILS_STORED, Answer(201, {}))

    parked = attempts(action, ask(other), most=3)
    assert [type(each) for each in parked] == [Unknown] * 3
    assert "keeps this answer" in parked[-1].message

    other.script("POST", "/accounts", FAILS_STORED, Answer(201, {}))
    other._stored.clear()
    outcomes = attempts(action, ask(other, stored_failure="failed"))
    assert [type(each) for each in outcomes] == [Unknown, Failed, Done]
    assert len(other.effects()) == 1


def test_a_service_without_keys_settles_nothing_by_refusing_a_repetition(other, action):
    other.script("POST", "/accounts", Answer(422, {"error": "taken"}))

    assert isinstance(action.perform(call(ask(other, repeat="at_least_once"), repeated=True)), Unknown)
    assert action.repetition_of(ask(other, repeat="never")) == "never"


def test_retry_after_may_be_a_date_and_is_bounded(other, action):
    for text, least, most in (
        (formatdate(time() + 30, usegmt=True), 27, 31),
        ("999999999999", 86_400, 86_400),
        ("x", None, 0),
    ):
        other.script("POST", "/accounts", Answer(429, {}, (("Retry-After", text),), store=False))
        seconds = action.perform(call(ask(other))).seconds
        assert seconds is None if least is None else least <= seconds <= most


@pytest.mark.assure("S18")
@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"bearer": "env:DOWN"}, "authorization", "Bearer s3cret-value"),
        ({"basic": "env:DOWN", "user": "shop"}, "authorization", "Basic c2hvcDpzM2NyZXQtdmFsdWU="),
        ({"header": "X-Api-Key", "secret": "env:DOWN"}, "x-api-key", "s3cret-value"),
    ],
)
def test_credentials_reach_the_other_side_and_no_message(other, action, monkeypatch, auth, header, value):
    monkeypatch.setenv("DOWN", "s3cret-value")
    other.script("POST", "/accounts", Answer(422, {"error": f"bad: {value} anna@example.com 4111111111111111"}))

    outcome = action.perform(call(ask(other, auth=auth)))

    assert other.received[0].headers[header] == value
    assert isinstance(outcome, Failed)
    for secret in ("s3cret-value", "c2hvcDpzM2NyZXQtdmFsdWU=", "anna@", "4111111111111111"):
        assert secret not in outcome.message
    assert redact("it is s3cret-value") == "it is ****"


def test_a_missing_secret_is_told_before_anything_is_sent(other, action, monkeypatch):
    monkeypatch.delenv("GONE", raising=False)

    outcome = action.perform(call(ask(other, auth={"bearer": "env:GONE"})))

    assert isinstance(outcome, Failed)
    assert (outcome.code, other.received) == ("provisioning.secret_missing", [])


@pytest.mark.assure("S21")
def test_an_address_inside_fails_for_good(other):
    outcome = HttpAction(OutgoingClient(), Secrets()).perform(call(ask(other)))

    assert outcome == Failed("outgoing.address", outcome.message)
    assert other.received == []


def test_a_call_that_was_taken_on_is_asked_about_until_it_is_done(other, action):
    other.script("POST", "/accounts", Answer(202, {"id": "a/1"}))
    other.script("GET", "/jobs/a%2F1", {"state": "running"}, 500, Answer(drop=True), {"state": "done", "host": "h1"})
    poll = {"url": f"{other.url}/jobs/{{id}}", "until": "body.state == 'done'", "failed": "body.state == 'failed'",
            "every": 3, "output": {"host": "body.host"}}  # fmt: skip
    values = ask(other, output={"id": "body.id"}, poll=poll)

    outcome = action.perform(call(values))
    seen = []
    while isinstance(outcome, Waiting):
        assert (outcome.seconds, outcome.signal) == (3, None)
        outcome = gone_on(action, values, outcome)
        seen.append(type(outcome))

    assert seen == [Waiting, Waiting, Waiting, Done]
    assert outcome == Done({"id": "a/1", "host": "h1"})
    assert len(other.effects("/accounts")) == 1


def test_a_poll_follows_location_and_tells_a_failure(other, action, monkeypatch):
    monkeypatch.setenv("DOWN", "s3cret-value")
    with downstream() as elsewhere:
        for place, sent in ((other, True), (elsewhere, False)):
            other._stored.clear()
            other.script("POST", "/accounts", Answer(202, {}, (("Location", f"{place.url}/job"),)))
            place.script("GET", "/job", {"state": "failed", "why": "no room"})
            values = ask(other, poll={"until": "body.state == 'done'", "failed": "body.state == 'failed'"},
                         auth={"bearer": "env:DOWN"})  # fmt: skip

            outcome = gone_on(action, values, action.perform(call(values)))

            assert isinstance(outcome, Failed)
            assert outcome.code == "http.poll_failed"
            assert "no room" in outcome.message
            assert ("authorization" in place.received[-1].headers) is sent, "credentials are for their own host"


@pytest.mark.parametrize("where", ["links.callback", {"header": "X-Callback"}, {"field": "callback"}])
def test_a_callback_comes_by_a_signed_url_that_repetitions_do_not_change(other, action, where):
    other.script("POST", "/accounts", Answer(202, {"id": 7}, drop=True))
    values = ask(other, output={"id": "body.id"}, callback=where)

    outcomes = attempts(action, values)

    assert len({(each.body, each.headers.get("x-callback")) for each in other.received}) == 1
    body, headers = other.received[0].json, other.received[0].headers
    found = {"links.callback": lambda: body["links"]["callback"]}.get(
        str(where), lambda: headers.get("x-callback") or body["callback"]
    )()
    assert SIGNER.read(found.rpartition("/")[2]) == ("run_1", "create", 1)
    assert isinstance(outcomes[-1], Waiting)
    assert outcomes[-1].signal == "callback:create:1"
    assert found.rpartition("/")[2] not in str(outcomes[-1].memo)


def test_a_callback_brings_output_or_a_failure_or_is_not_the_last(other, action):
    other.script("POST", "/accounts", Answer(202, {"id": 7}))
    callback = {"field": "callback", "until": "body.state != 'working'", "failed": "body.state == 'failed'",
                "output": {"host": "body.host"}}  # fmt: skip
    values = ask(other, output={"id": "body.id"}, callback=callback)
    waiting = action.perform(call(values))

    assert gone_on(action, values, waiting, signal={"body": {"state": "working"}}) == waiting
    assert gone_on(action, values, waiting, signal={"body": {"state": "ok", "host": "h"}, "headers": {}}) == Done(
        {"id": 7, "host": "h"}
    )
    failed = gone_on(action, values, waiting, signal={"body": {"state": "failed"}})
    assert isinstance(failed, Failed)
    assert failed.code == "http.callback_failed"


def test_an_answer_that_cannot_be_used_does_not_have_it_done_again(other, action):
    for output in ({"x": "abs(body.name)"}, {"x": "body"}):
        other._stored.clear()
        other.script("POST", "/accounts", Answer(201, {"name": "x" * 300_000}))
        assert isinstance(action.perform(call(ask(other, output=output))), Unknown)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(200, {}), "nothing was found by body.id"),
        (Answer(200, b"<html>Welcome</html>"), "its body is no object but a text; nothing was found by body.id"),
    ],
)
def test_an_answer_without_what_output_names_is_no_success(other, action, answer, said):
    other.script("POST", "/accounts", answer)
    other.script("GET", "/accounts", answer)

    done = action.perform(call(ask(other, output={"id": "body.id"})))
    looked = action.perform(call({"url": f"{other.url}/accounts", "method": "GET", "output": {"id": "body.id"}}))

    assert done == Unknown("http.answer_unreadable", f"it was done, but the answer cannot be used: {said}")
    assert looked == Failed("http.answer_unreadable", f"the answer cannot be used: {said}", retryable=True)


def test_what_is_sent_later_must_have_what_output_names(other, action):
    other.script("POST", "/accounts", Answer(202, {"id": 7}))
    values = ask(other, callback={"field": "callback", "output": {"host": "body.host"}})
    waiting = action.perform(call(values))

    settled = gone_on(action, values, waiting, signal={"body": {"state": "ok"}, "headers": {}})

    assert isinstance(settled, Unknown)
    assert settled.code == "http.answer_unreadable"


WRONG = [
    ({}, "url is missing"),
    ({"url": "ftp://x/"}, "url cannot be called"),
    ({"url": "http://0x7f.1/"}, "url cannot"),
    ({"url": "http://x/", "method": "BREW"}, "method must be one of"),
    ({"url": "http://x/", "metod": "GET"}, "there is no metod"),
    ({"url": "http://x/", "headers": {"Authorization": "Bearer x"}}, "give its source as auth"),
    ({"url": "http://x/", "auth": {"bearer": "s3cret"}}, "must say where the secret comes from"),
    ({"url": "http://x/", "auth": {"basic": "env:A"}}, "auth is one of"),
    ({"url": "http://x/", "auth": {}}, "auth is one of"),
    ({"url": "http://x/", "output": {"a": "]["}}, "output.a is no JMESPath"),
    ({"url": "http://x/", "expect": "200"}, "expect must be"),
    ({"url": "http://x/", "poll": {"url": "http://x/"}}, "poll.until is missing"),
    ({"url": "http://x/", "callback": {}}, "callback names either"),
    ({"url": "http://x/", "callback": "c", "body": [1]}, "names a field"),
]


@pytest.mark.parametrize(("values", "problem"), WRONG)
def test_a_fault_in_a_definition_is_named(action, values, problem):
    problems = action.problems(values)

    assert any(problem in line for line in problems), problems
    assert "s3cret" not in " ".join(problems)


def test_expressions_may_stand_anywhere(action):
    written = {"url": "${input.url}", "method": "${input.method}", "expect": "${input.expect}", "body": "${input}",
               "poll": {"url": "${input.url}/{id}", "until": "body", "every": "${input.every}"}}  # fmt: skip

    assert action.problems(written) == []


def test_a_resolved_value_of_a_wrong_kind_fails_before_anything_is_sent(action):
    outcome = action.perform(call({"url": "http://127.0.0.1/", "expect": "${x}"}))

    assert outcome == Failed("http.with", "expect must be a list of whole numbers")


@pytest.mark.parametrize("undoing", [False, True])
def test_an_address_with_a_gap_is_never_called(other, action, undoing):
    written = {"method": "DELETE", "url": other.url + "/accounts/${steps.account.id}"}

    outcome = action.perform(call(compiled(written)({"steps": {"account": {"id": None}}}), undoing=undoing))

    assert isinstance(outcome, Failed)
    assert (outcome.code, outcome.retryable) == ("http.url_gap", False)
    assert not other.received


@pytest.mark.assure("S21")
@pytest.mark.parametrize("id_", ["a/../../all", "a?b#c", "ä %2F", "..", "."])
def test_a_value_in_an_address_leads_nowhere_else(other, action, id_):
    written = {"method": "GET", "url": "${base}/accounts/${id}/host", "output": {"id": "body.id"}}
    other.script("GET", f"/accounts/{quote(id_, safe='')}/host", {"id": "m-1"})

    outcome = action.perform(call(compiled(written)({"base": other.url, "id": id_})))

    assert isinstance(outcome, Failed) if id_.strip(".") == "" else outcome == Done({"id": "m-1"})


def test_no_order_of_faults_has_an_effect_twice(other, action, scale):
    faults = [FAILS, FAILS_AFTER, DROPS_BEFORE, DROPS_AFTER, Answer(429, {}, effect=False, store=False),
              Answer(503, {}, (("Retry-After", "0"),), effect=False, store=False),
              Answer(409, {}, effect=False, store=False)]  # fmt: skip
    orders = itertools.product(faults, repeat=scale(2, 4))
    for order in orders:
        other.script("POST", "/accounts", *order, Answer(201, {}))
        other.received.clear()
        other.ledger.clear()
        other._stored.clear()
        outcomes = attempts(action, ask(other), most=8)
        # 409 to the first call is a refusal: nothing was done, and nothing is to be.
        done = isinstance(outcomes[-1], Done)
        assert done or outcomes[-1].code == "http.409"
        assert len(other.effects()) == done, order
