"""A small hosting service for examples and the demo: it makes accounts, and says so later at the URL it was given.

    python examples/hosting.py READY_FILE

It listens on a free port of this machine and writes its address into READY_FILE.
"""

from __future__ import annotations

import json
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Hosting(BaseHTTPRequestHandler):
    """POST /accounts takes an order and answers at its callback_url; GET …/health answers; DELETE ends an account."""

    accounts: dict[str, str] = {}

    def do_POST(self) -> None:
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers["Idempotency-Key"]
        new = key not in self.accounts
        account = self.accounts.setdefault(key, f"acc-{len(self.accounts) + 1}")
        self._answer(202, {"account_id": account})
        if new and "callback_url" in order:
            threading.Timer(0.3, self._tell, (order["callback_url"], account)).start()

    def do_GET(self) -> None:
        self._answer(200, {"status": "ok"})

    def do_DELETE(self) -> None:
        self._answer(204, None)

    def _tell(self, url: str, account: str) -> None:
        host, port = self.server.server_address[:2]
        body = json.dumps({"account_id": account, "endpoint": f"http://{host}:{port}/{account}"}).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).read()

    def _answer(self, status: int, body: object) -> None:
        text = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        pass


def main() -> None:
    """Listen until the process is ended."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hosting)
    Path(sys.argv[1]).write_text(f"http://127.0.0.1:{server.server_address[1]}\n")
    server.serve_forever()


if __name__ == "__main__":
    main()
