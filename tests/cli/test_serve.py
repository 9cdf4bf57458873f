"""`shopctl serve`: a real server on this machine, started once."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import pytest

from shopctl.bootstrap import Services
from shopctl.kernel.clock import Clock
from shopctl.kernel.settings import load_settings
from shopctl.provisioning.downloads import _code
from shopctl.storage.database import Database, open_database
from shopctl.storage.sealed_text import text_of
from shopctl.workflow.model import NewRun
from shopctl.workflow.reading import read_definition
from shopctl.workflow.starting import insert_run, keep
from support.shop import Shop

BOOK = """sku,name,price,currency,kind,download_path
BOOK-1,E-book,5,EUR,digital,manuals/Über uns.html
"""


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: Any


class Server:
    """A running `serve`, and the shop behind it."""

    def __init__(self, shop: Shop, process: subprocess.Popen[bytes], url: str) -> None:
        self.shop, self.process, self.url = shop, process, url
        self.address = urlsplit(url).netloc

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            text = answer.read()
            kept = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, kept, json.loads(text) if text else None)
        finally:
            connection.close()

    def fetch(self, method: str, path: str, **headers: str) -> Answer:
        request = urllib.request.Request(self.url + path, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                kept = {name.lower(): value for name, value in answer.headers.items()}
                return Answer(answer.status, kept, answer.read())
        except urllib.error.HTTPError as refused:
            return Answer(refused.code, {}, refused.read())

    def link(self, path: str, *, end: int = 9_999_999_999) -> str:
        """A link as it would be if it was signed here, also for what gets none."""
        services = Services(load_settings(self.shop.folder, {}))
        with closing(services), services.database.unit() as unit:
            key = services.shop_sealer.secret(unit, "download links")
        signature = text_of(_code(key, path, end))
        return f"/downloads/{quote(path)}?expires={end}&signature={signature}"

    def callback(self, run: str, body: object, *, generation: int = 1) -> Answer:
        data = json.dumps(body).encode()
        return self.ask("POST", self.path(run, generation), data, content_type="application/json")

    def path(self, run: str, generation: int = 1) -> str:
        services = Services(load_settings(self.shop.folder, {}))
        return urlsplit(services.callback_signer.url(run, "call", generation)).path

    @contextmanager
    def database(self) -> Iterator[Database]:
        url = self.shop.database_url or f"sqlite:///{self.shop.folder / '.shopctl' / 'shop.db'}"
        with closing(open_database(url)) as found:
            yield found

    def start_run(self) -> str:
        definition = read_definition({"name": "story", "steps": [{"name": "call", "action": "http"}]})
        now = Clock().now()
        with self.database() as database, database.unit() as unit:
            version = keep(unit, definition, now=now)
            return insert_run(unit, NewRun("story", "test", "thing", {}), now=now, version=version)[0]

    def box(self, run: str) -> list[Any]:
        with self.database() as database, database.read() as unit:
            rows = unit.tuples("select name, payload from workflow_signal where run_id = :run order by number", run=run)
        return [(name, json.loads(payload)) for name, payload in rows]


@contextmanager
def serving(shop: Shop, *flags: str) -> Iterator[Server]:
    ready = shop.home / "ready"
    process = shop.start("serve", "--port", "0", "--ready-file", ready, *flags)
    try:
        deadline = time.monotonic() + 60
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(process.communicate()[1].decode())
            time.sleep(0.02)
        yield Server(shop, process, ready.read_text().strip())
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)


@pytest.fixture(scope="module")
def server(first_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(first_shop.copy(tmp_path_factory.mktemp("serve") / "shop")) as found:
        yield found


def test_it_says_that_it_is_well(server: Server) -> None:
    answer = server.ask("GET", "/healthz")

    assert answer.status == 200
    assert answer.body["status"] == "ok"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


def test_an_answer_reaches_its_run_once(server: Server) -> None:
    run = server.start_run()

    first = server.callback(run, {"state": "ready"})
    again = server.callback(run, {"state": "ready"})

    assert (first.status, first.body) == (200, {"status": "accepted"})
    assert (again.status, again.body) == (200, {"status": "known"})
    [(name, payload)] = server.box(run)
    assert name == "callback:call:1"
    assert payload == {"body": {"state": "ready"}, "headers": {"content-type": "application/json"}}


def test_an_answer_may_be_a_form_and_brings_no_credentials(server: Server) -> None:
    run = server.start_run()

    answer = server.ask(
        "POST", server.path(run), b"state=ready", content_type="application/x-www-form-urlencoded",
        authorization="Bearer x", cookie="y", x_request_id="theirs",
    )  # fmt: skip

    assert answer.status == 200
    [(_, payload)] = server.box(run)
    assert payload["body"] == {"state": "ready"}
    assert payload["headers"].keys() == {"content-type", "x-request-id"}


def test_a_forged_token_is_like_one_of_no_run(server: Server) -> None:
    run = server.start_run()
    forged = server.ask("POST", f"{server.path(run)[:-3]}abc", b"{}", content_type="application/json")
    gone = server.callback("run_none", {})
    nowhere = server.ask("GET", "/nowhere")

    assert [each.status for each in (forged, gone, nowhere)] == [404, 404, 404]
    assert forged.body == gone.body == nowhere.body
    assert forged.headers["content-type"] == "application/problem+json"
    assert server.box(run) == []


def test_a_run_that_has_ended_wants_no_answer(server: Server) -> None:
    run = server.start_run()
    with server.database() as database, database.unit() as unit:
        unit.execute("update workflow_run set state = 'cancelled' where id = :run", run=run)

    answer = server.callback(run, {})

    assert (answer.status, answer.body["code"]) == (410, "workflow.nobody_waits")


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b"{", 400),
        ("text/plain", b"x", 415),
        ("application/json", b'"' + b"x" * 65_536 + b'"', 413),
    ],
)
def test_a_body_that_cannot_be_taken_is_refused(server: Server, kind: str, body: bytes, status: int) -> None:
    run = server.start_run()

    answer = server.ask("POST", server.path(run), body, content_type=kind)

    assert (answer.status, answer.body["status"]) == (status, status)
    assert server.box(run) == []


def test_a_link_to_a_digital_good_opens_it_and_nothing_else(server: Server) -> None:
    folder = server.shop.folder / ".shopctl" / "downloads"
    folder.mkdir(mode=0o700)
    (folder / "manuals").mkdir()
    (folder / "manuals" / "Über uns.html").write_text("<b>0123456789</b>")
    (folder / "inside").symlink_to(folder / "manuals" / "Über uns.html")
    (folder / "out").symlink_to(server.shop.folder / "shopctl.toml")
    server.shop.run("catalogue", "import", "-", "--format", "csv", input=BOOK)
    run = server.shop.run("provision", "start", "BOOK-1", "--customer", "C-1", "-o", "json").json["run_id"]
    steps = server.shop.run("provision", "show", run, "-o", "json").json["steps"]
    [made] = [step["output"]["url"] for step in steps if step["action"] == "download-link"]
    path = made.removeprefix("http://127.0.0.1:8000")

    whole, head = server.fetch("GET", path), server.fetch("HEAD", path)
    part = server.fetch("GET", path, range="bytes=3-6")

    assert (whole.status, whole.body, head.status, head.body) == (200, b"<b>0123456789</b>", 200, b"")
    assert (part.status, part.body) == (206, b"0123")
    assert whole.headers["content-disposition"].startswith("attachment; filename*=utf-8''%C3%9Cber%20uns.html")
    assert (whole.headers["x-content-type-options"], whole.headers["cache-control"]) == ("nosniff", "no-store")
    assert [server.fetch("GET", server.link("inside")).status, server.fetch("GET", server.link(".", end=1)).status] == [
        200, 404,
    ]  # fmt: skip
    elsewhere = (server.link("out"), server.link("manuals"), server.link("gone.pdf"))
    altered = (path[:-3] + "AAA", path.partition("?")[0], path.replace("%20uns", ""), "/downloads/../x?expires=9")
    others = [server.ask("GET", where) for where in (*elsewhere, *altered)]
    assert [each.status for each in others] == [404] * len(others)
    assert len({json.dumps(each.body) for each in others}) == 1
    assert server.ask("GET", server.link("inside", end=1)).status == 410
    assert server.ask("POST", path).status == 405


def test_another_method_is_refused(server: Server) -> None:
    answer = server.ask("GET", server.path("run_1"))

    assert (answer.status, answer.headers["allow"]) == (405, "POST")


def test_a_second_server_does_not_get_the_port(server: Server) -> None:
    port = str(urlsplit(server.url).port)

    refused = server.shop.run("serve", "--port", port, "-o", "json", expect=11)

    assert refused.error["code"] == "http.port_in_use"
    assert server.ask("GET", "/healthz").status == 200


def test_a_request_on_its_way_is_answered_before_it_ends(postgres_shop: Shop) -> None:
    answers: list[Answer] = []
    with serving(postgres_shop, "--workers", "2") as server:
        run = server.start_run()
        with server.database() as database, database.unit() as unit:
            unit.execute("update workflow_run set updated_at = updated_at where id = :run", run=run)  # now it waits
            asking = threading.Thread(target=lambda: answers.append(server.callback(run, "late")))
            asking.start()
            time.sleep(0.5)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            assert server.process.poll() is None
        asking.join()
        assert server.process.wait(timeout=20) == 143
        assert not (postgres_shop.home / "ready").exists()

        assert [(answer.status, answer.body) for answer in answers] == [(200, {"status": "accepted"})]
        assert [payload["body"] for _, payload in server.box(run)] == ["late"]
        with pytest.raises(ConnectionError):
            server.ask("GET", "/healthz")


def test_an_ill_shop_says_so_and_a_killed_server_leaves_nothing_behind(shop: Shop) -> None:
    with serving(shop) as server:
        path = server.path("run_1")
        (shop.folder / ".shopctl/shop.db").rename(shop.folder / ".shopctl/away.db")
        away = server.ask("GET", "/healthz")
        lost = server.ask("POST", path, b"{}", content_type="application/json")
        (shop.folder / ".shopctl/away.db").rename(shop.folder / ".shopctl/shop.db")
        back = server.ask("GET", "/healthz")
        unknown = server.ask("POST", "/callbacks/c1.e30.x")

        server.process.kill()
        server.process.wait()
        deadline = time.monotonic() + 10
        with pytest.raises(ConnectionError):
            while time.monotonic() < deadline:
                server.ask("GET", "/healthz")
                time.sleep(0.05)

    assert (away.status, away.body["code"]) == (503, "http.unavailable")
    assert (lost.status, lost.headers["retry-after"]) == (503, "5")
    assert "shop.db" not in json.dumps(away.body)
    assert (back.status, unknown.status) == (200, 404)
