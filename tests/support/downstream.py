"""A real downstream system on loopback: it answers by a script, fails in every way there is, and counts its effects.

A double is an effect that one intention had twice: two entries of the ledger under one key, or, where a system knows no
keys, two with the same body. The crash sweeps read it after everything was resumed.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One scripted answer. `effect`: what was asked for is done, unless it was under this key before."""

    status: int = 200
    body: Any = None  # JSON, or bytes as they are
    headers: tuple[tuple[str, str], ...] = ()
    effect: bool = True
    seconds: float = 0.0  # how long it takes, after the effect
    drop: bool = False  # the connection is closed instead of an answer
    store: bool = True  # whether the same key gets the same answer again, as Stripe does even for a 500
    drip: float = 0.0  # seconds between the bytes of the answer


FAILS = Answer(500, {"error": "broken"}, effect=False, store=False)
FAILS_STORED = Answer(500, {"error": "broken"}, effect=False)
FAILS_AFTER = Answer(500, {"error": "broken"}, store=False)
DROPS_BEFORE = Answer(effect=False, drop=True, store=False)
DROPS_AFTER = Answer(drop=True)


@dataclass(frozen=True)
class Received:
    """A request as it came in."""

    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes
    key: str | None

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Downstream:
    """What the server knows. Scripts are per method and path; after the last answer of one, that is repeated."""

    port: int
    received: list[Received] = field(default_factory=list)
    ledger: list[Received] = field(default_factory=list)
    _scripts: dict[tuple[str, str], list[Answer]] = field(default_factory=dict)
    _stored: dict[tuple[str, str], Answer] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def script(self, method: str, path: str, *answers: Answer | int | Any) -> None:
        """Answer this way, in turn: an Answer, a status, or a body of a 200."""
        self._scripts[method, path] = [_answer(each) for each in answers]

    def effects(self, path: str | None = None) -> list[Received]:
        """What was done, in its order."""
        return [each for each in self.ledger if path in (None, each.path)]

    def doubles(self) -> list[tuple[str, int]]:
        """What was done more than once: its key, or its path and body where it had none."""
        counts = Counter(each.key or f"{each.path} {each.body!r}" for each in self.ledger)
        return [(what, count) for what, count in counts.items() if count > 1]

    def _next(self, request: Received) -> tuple[Answer, bool]:
        """The answer, and whether it is one that was stored."""
        with self._lock:
            self.received.append(request)
            stored = (request.path, request.key or "")
            if request.key and stored in self._stored:
                return self._stored[stored], True
            script = self._scripts.get((request.method, request.path)) or [Answer(404, {"error": "no such thing"})]
            answer = script.pop(0) if len(script) > 1 else script[0]
            done = request.key and any(each.key == request.key for each in self.ledger)
            if answer.effect and answer.status < 600 and request.method not in ("GET", "HEAD") and not done:
                self.ledger.append(request)
            if request.key and answer.store:
                # Whoever was not answered is, the next time.
                kept = Answer(answer.status, answer.body, answer.headers)
                self._stored[stored] = kept
            return answer, False


def _answer(each: Answer | int | Any) -> Answer:
    if isinstance(each, Answer):
        return each
    return Answer(each, {}) if isinstance(each, int) else Answer(200, each)


@contextmanager
def downstream(port: int = 0) -> Iterator[Downstream]:
    """A server that runs meanwhile, on a free port."""

    class Connection(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Received(self.command, self.path, headers, body, headers.get("idempotency-key"))
            answer, again = known._next(request)
            time.sleep(answer.seconds)
            if answer.drop:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            text = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            lines = [f"HTTP/1.1 {answer.status} Scripted", f"Content-Length: {len(text)}"]
            lines += [f"{name}: {value}" for name, value in answer.headers]
            lines += ["Idempotent-Replayed: true"] if again else []
            whole = "\r\n".join(lines).encode() + b"\r\n\r\n" + (b"" if self.command == "HEAD" else text)
            try:
                for piece in [whole] if not answer.drip else [whole[i : i + 1] for i in range(len(whole))]:
                    self.wfile.write(piece)
                    time.sleep(answer.drip)
            except OSError:
                self.close_connection = True

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: Any) -> None:
            pass

    server = Server(("127.0.0.1", port), Connection)
    known = Downstream(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield known
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def closed_port() -> int:
    """A port on loopback where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def statuses(*codes: int) -> Sequence[Answer]:
    """Answers without an effect, one for each status."""
    return [Answer(code, {"error": str(code)}, effect=False, store=False) for code in codes]
