"""The hosting service of the demo answers all that the template `hosted-service` asks of it."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from shopctl.cli.demo_hosting import hosting


def ask(method: str, url: str, body: object = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, {"Idempotency-Key": "k-1"}, method=method)
    try:
        with urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except HTTPError as refused:
        return refused.code, json.loads(refused.read())


def test_an_account_is_made_suspended_resumed_changed_and_ended() -> None:
    with hosting() as address:
        status, made = ask("POST", f"{address}/accounts", {"plan": "standard"})
        account = f"{address}/accounts/{made['account_id']}"

        assert status == 202
        assert ask("POST", f"{account}/suspend") == (200, {**made, "state": "suspended"})
        assert ask("POST", f"{account}/resume") == (200, {**made, "state": "active"})
        assert ask("PATCH", account, {"plan": "large"}) == (200, {**made, "plan": "large"})
        assert ask("POST", f"{address}/accounts/acc-none/suspend")[0] == 404
        assert ask("DELETE", account) == (204, None)
        assert ask("POST", f"{address}/accounts", {})[1] == made, "the same key makes no second account"
