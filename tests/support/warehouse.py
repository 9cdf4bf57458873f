"""A warehouse on this machine: stock and shipments by the contract of docs/warehouses.md, with faults on demand."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "tok-warehouse"
Said = tuple[int, Any]


class Warehouse:
    """The server, its shelves and its ledger.

    `faults` are taken one a request: `500` and `silence` without an effect, `500 after`, `silence after`, `slow` and
    `garbage` after it, `in_progress`, `429`, `page` (a proxy's) and `401` at the door.
    """

    def __init__(self, now: Callable[[], int]) -> None:
        self.now = now
        self.stock: dict[str, int | None] = {}  # None: not counted
        self.reservations: dict[str, dict[str, Any]] = {}
        self.shipments: dict[str, dict[str, Any]] = {}
        self.effects: list[tuple[str, str]] = []  # what was done to what, in order
        self.requests: list[tuple[str, str, Any, str | None]] = []  # method, path, body, key
        self.faults: list[str] = []
        self._answers: dict[str, tuple[Any, Said]] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Warehouse:
        answering = type("Answering", (_Answering,), {"warehouse": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), answering)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/api"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fault(self) -> str | None:
        with self._lock:
            return self.faults.pop(0) if self.faults else None

    def answer(self, method: str, path: str, query: Mapping[str, list[str]], body: Any, key: str | None) -> Said:
        """What the contract says; the same key with the same request is answered the same."""
        with self._lock:
            self.requests.append((method, path, body, key))
            if key in self._answers:
                known, said = self._answers[key]
                return said if known == (path, body) else (409, {"code": "key_reused"})
            said = self._said(method, [unquote(part) for part in path.split("/")], query, body)
            if key is not None:
                self._answers[key] = ((path, body), said)
            return said

    def _said(self, method: str, path: list[str], query: Mapping[str, list[str]], body: Any) -> Said:
        reference = query.get("reference", [""])[0]
        match method, path:
            case "GET", ["stock", sku]:
                if sku not in self.stock:
                    return 404, {"code": "not_found"}
                return 200, {"sku": sku, "available": self._available(sku)}
            case "POST", ["reservations"]:
                return self._reserve(body)
            case "DELETE", ["reservations"]:
                found = [r for r in self.reservations.values() if r["reference"] == reference and r["state"] == "held"]
                for reservation in found:
                    self._end(reservation, "released")
                return 200, {"released": len(found)}
            case _, ["reservations", id_, *what] if id_ in self.reservations:
                return self._of_reservation(method, what, self.reservations[id_], body)
            case "POST", ["shipments"]:
                id_ = f"S{len(self.shipments) + 1}"
                self.shipments[id_] = {"id": id_, "state": "picking", "carrier": None, "tracking": None, **body}
                self.effects.append(("order", id_))
                return 201, self.shipments[id_]
            case "DELETE", ["shipments"]:
                found = [s for s in self.shipments.values() if s["reference"] == reference]
                return 200, {"shipments": [self._cancelled(shipment) for shipment in found]}
            case "GET", ["shipments", id_] if id_ in self.shipments:
                return 200, self.shipments[id_]
            case "DELETE", ["shipments", id_] if id_ in self.shipments:
                return 200, self._cancelled(self.shipments[id_])
        return 404, {"code": "not_found"}

    def _available(self, sku: str) -> int | None:
        on_hand = self.stock[sku]
        return None if on_hand is None else on_hand - sum(
            r["quantity"] for r in self.reservations.values()
            if r["sku"] == sku and r["state"] == "held" and r["until"] > self.now()
        )  # fmt: skip

    def _reserve(self, body: Any) -> Said:
        sku, quantity = body["sku"], body["quantity"]
        if sku not in self.stock:
            return 404, {"code": "not_found", "message": f"no {sku} here"}
        available = self._available(sku)
        if available is None:
            return 200, {"id": None}
        if quantity > available:
            return 409, {"code": "insufficient_stock", "available": available, "wanted": quantity}
        id_ = f"R/{len(self.reservations) + 1}"
        until = self.now() + body["seconds"] * 1_000_000
        self.reservations[id_] = {**body, "id": id_, "state": "held", "until": until}
        self.effects.append(("reserve", id_))
        return 201, {"id": id_, "location": body.get("location", "hall 1")}

    def _of_reservation(self, method: str, what: list[str], found: dict[str, Any], body: Any) -> Said:
        over = 409, {"code": "reservation_ended", "state": found["state"]}
        match method, what:
            case "DELETE", []:
                if found["state"] == "fulfilled":
                    return over
                return 200, {"released": self._end(found, "released") if found["state"] == "held" else False}
            case "POST", ["renew"]:
                if found["state"] != "held" or found["until"] <= self.now():
                    return over
                found["until"] = self.now() + body["seconds"] * 1_000_000
                return 200, {}
            case "POST", ["fulfil"]:
                if found["state"] == "fulfilled":
                    return 200, {}
                if found["state"] != "held":
                    return over
                missing = self._available(found["sku"]) + (found["quantity"] if found["until"] > self.now() else 0)
                if missing < found["quantity"]:
                    said = {"sku": found["sku"], "available": missing, "wanted": found["quantity"]}
                    return 409, {"code": "insufficient_stock", **said}
                self.stock[found["sku"]] -= found["quantity"]
                return 200, {"fulfilled": self._end(found, "fulfilled")}
            case "POST", ["return"]:
                if found["state"] != "fulfilled":
                    return 200, {"returned": False}
                self.stock[found["sku"]] += found["quantity"]
                return 200, {"returned": self._end(found, "returned")}
        return 404, {"code": "not_found"}

    def _end(self, reservation: dict[str, Any], state: str) -> bool:
        reservation["state"] = state
        self.effects.append((state, reservation["id"]))
        return True

    def _cancelled(self, shipment: dict[str, Any]) -> dict[str, Any]:
        if shipment["state"] not in ("lost", "cancelled", "returned"):
            shipment["state"] = "returned" if shipment["state"] in ("shipped", "delivered") else "cancelled"
            self.effects.append((shipment["state"], shipment["id"]))
        return shipment


class _Answering(BaseHTTPRequestHandler):
    warehouse: ClassVar[Warehouse]
    protocol_version = "HTTP/1.1"

    def _do(self) -> None:
        fault = self.warehouse.fault()
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        parts = urlsplit(self.path)
        if fault == "silence":
            self.close_connection = True
            return
        if self.headers.get("authorization") != f"Bearer {TOKEN}" or fault == "401":
            self._answer(401, {"code": "unauthorized"})
            return
        if fault in ("500", "429", "in_progress", "page"):
            status = {"500": 500, "429": 429, "in_progress": 409, "page": 403}[fault]
            self._answer(status, "<html>" if fault == "page" else {"code": fault})
            return
        status, said = self.warehouse.answer(
            self.command, parts.path.removeprefix("/api/"), parse_qs(parts.query),
            json.loads(body) if body else None, self.headers.get("idempotency-key"),
        )  # fmt: skip
        if fault == "silence after":
            self.close_connection = True
        elif fault == "slow":
            time.sleep(0.5)
            self.close_connection = True
        elif fault == "500 after":
            self._answer(500, {"code": "oops"})
        else:
            self._answer(status, "{" if fault == "garbage" else said)

    do_GET = do_POST = do_DELETE = _do  # noqa: N815 - named by the standard library

    def _answer(self, status: int, said: Any) -> None:
        body = said.encode() if isinstance(said, str) else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        if status == 429:
            self.send_header("retry-after", "7")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *said: Any) -> None:
        """Nothing: tests look at the ledger."""
