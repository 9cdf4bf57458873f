"""What an asker is told of an error, and what not."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from shopctl.http.errors import BodyTooLarge, Unavailable
from shopctl.http.guard import Guard
from shopctl.http.problems import problem
from shopctl.kernel.errors import ShopctlError
from shopctl.provisioning.errors import DownloadOver, DownloadRefused
from shopctl.storage.errors import DatabaseLocked, DatabaseUnreachable
from shopctl.workflow.answering import NobodyWaits, TooManyAnswers
from shopctl.workflow.callbacks import CallbackRefused
from shopctl.workflow.errors import RunNotFound


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (CallbackRefused(reason="x"), 404),
        (RunNotFound(id="x"), 404),
        (NobodyWaits(id="x", state="failed"), 410),
        (DownloadRefused(reason="x"), 404),
        (DownloadOver(), 410),
        (TooManyAnswers(count=20), 429),
        (BodyTooLarge(largest=1), 413),
        (DatabaseLocked(place="x", seconds=1), 503),
        (Unavailable(), 503),
        (ShopctlError(), 500),
    ],
)
def test_an_error_has_its_status(error: ShopctlError, status: int) -> None:
    answer = problem(error)

    told = json.loads(bytes(answer.body))
    assert answer.status_code == told["status"] == status
    assert answer.media_type == "application/problem+json"
    assert {"type", "title", "detail", "code", "retryable"} <= told.keys()
    assert ("retry-after" in answer.headers) == (status in (429, 503))


def test_a_forged_token_looks_like_a_run_that_is_not_there() -> None:
    assert problem(CallbackRefused(reason="its signature is wrong")).body == problem(RunNotFound(id="run_1")).body


def test_what_is_wrong_inside_stays_inside(capsys: pytest.CaptureFixture[str]) -> None:
    answer = problem(DatabaseUnreachable(place="db.internal", reason="refused"))

    assert b"db.internal" not in bytes(answer.body)
    assert "storage.unreachable" in capsys.readouterr().err


@pytest.mark.parametrize("late", [False, True])
def test_a_failure_nobody_foresaw_says_nothing_of_itself(late: bool, capsys: pytest.CaptureFixture[str]) -> None:
    sent: list[Any] = []

    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        if late:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("the secret of /callbacks/c1.token")

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError

    scope = {"type": "http", "scheme": "https", "path": "/callbacks/c1.token", "headers": []}
    asyncio.run(Guard(broken)(scope, receive, send))

    starts = [message for message in sent if message["type"] == "http.response.start"]
    headers = dict(starts[0]["headers"])
    assert [start["status"] for start in starts] == [200 if late else 500]
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert b"strict-transport-security" in headers
    assert not any(b"secret" in message.get("body", b"") for message in sent)
    assert headers[b"x-request-id"].decode() in capsys.readouterr().err
