"""A small hosting service for the demo and the examples: it makes accounts, and says so later at the URL it was given.

    python -m shopctl.cli.demo_hosting READY_FILE

It listens on a free port of this machine and writes its address into READY_FILE.
"""

from __future__ import annotations

import json
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

STATES = {"suspend": "suspended", "resume": "active"}


class Hosting(BaseHTTPRequestHandler):
    """POST /accounts takes an order and answers at its callback_url; an account is suspended and resumed by POST
    /accounts/ID/suspend and …/resume, changed by PATCH, ended by DELETE; GET …/health answers.
    """

    accounts: ClassVar[dict[str, str]] = {}

    def do_POST(self) -> None:
        """Take an order: 202, and the answer later; or suspend or resume an account."""
        order = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        state = STATES.get(self.path.rpartition("/")[2])
        if state is not None:
            self._account({"state": state})
            return
        key = self.headers["Idempotency-Key"]
        new = key not in self.accounts
        account = self.accounts.setdefault(key, f"acc-{len(self.accounts) + 1}")
        self._answer(202, {"account_id": account})
        if new and "callback_url" in order:
            threading.Timer(0.3, self._tell, (order["callback_url"], account)).start()

    def do_GET(self) -> None:
        """Answer that an account is well."""
        self._answer(200, {"status": "ok"})

    def do_PATCH(self) -> None:
        """Change an account as the body says."""
        self._account(json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}"))

    def do_DELETE(self) -> None:
        """End an account."""
        self._answer(204, None)

    def _account(self, facts: dict[str, object]) -> None:
        account = self.path.removeprefix("/accounts/").partition("/")[0]
        known = account in self.accounts.values()
        self._answer(200 if known else 404, {**facts, "account_id": account} if known else {"error": "no such account"})

    def _tell(self, url: str, account: str) -> None:
        body = json.dumps({"account_id": account, "endpoint": f"http://{self.headers['Host']}/{account}"}).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - the shop's own
        urllib.request.urlopen(request, timeout=10).read()  # noqa: S310

    def _answer(self, status: int, body: object) -> None:
        text = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of requests."""


@contextmanager
def hosting() -> Iterator[str]:
    """The service, running meanwhile; its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hosting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()


def main() -> None:
    """Listen until the process is ended."""
    with hosting() as address:
        Path(sys.argv[1]).write_text(f"{address}\n")
        threading.Event().wait()


if __name__ == "__main__":
    main()
