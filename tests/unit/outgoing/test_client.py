"""Calls reach what was checked and nothing else, end in time, and tell whether they were received (S21)."""

from __future__ import annotations

import gzip
import os
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shopctl.kernel.errors import ShopctlError
from shopctl.outgoing import errors
from shopctl.outgoing.client import OutgoingClient
from support.downstream import Answer, Downstream, closed_port, downstream

GOOD = "93.184.216.34"


class Names:
    """A name server that tests write: each look-up of a name takes its next answer."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = {name.replace("_", "."): list(lists) for name, lists in answers.items()}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        found = self.answers.get(host)
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return found.pop(0) if len(found) > 1 else found[0]


@pytest.fixture
def other() -> Iterator[Downstream]:
    with downstream() as server:
        yield server


def client(server: Downstream | None = None, **options: object) -> OutgoingClient:
    """One that may call this server by its address."""
    allowed = () if server is None else (f"127.0.0.1:{server.port}",)
    return OutgoingClient(allowed, **options)  # type: ignore[arg-type]


@pytest.mark.assure("S21")
@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "localhost.", "LOCALHOST", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0",
     "[::]", "127.127.127.127", "127。0。0。1", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ"],
)  # fmt: skip
def test_no_spelling_reaches_a_server_on_loopback(other, host):
    other.script("GET", "/", {"inside": True})

    with pytest.raises(errors.AddressRefused) as refused:
        client().request("GET", f"http://{host}:{other.port}/")

    assert not refused.value.sent
    assert other.received == []


@pytest.mark.assure("S21")
@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1"])
def test_a_name_for_an_inner_address_is_refused_also_beside_a_good_one(other, address):
    for answers in ([address], [GOOD, address], [address, GOOD]):
        with pytest.raises(errors.AddressRefused, match=r"rebound\.example is at"):
            client(resolve=Names(rebound_example=[answers])).request("GET", f"http://rebound.example:{other.port}/")
    assert other.received == []


@pytest.mark.assure("S21")
def test_a_name_is_asked_for_once_and_its_answer_is_what_is_connected_to(other):
    """The second answer, which a program would get that checks first and connects afterwards, is never heard."""
    other.script("GET", "/", {})
    names = Names(shop_example=[["127.0.0.1"], ["169.254.169.254"]])
    calls = OutgoingClient([f"127.0.0.1:{other.port}"], resolve=names)

    assert calls.request("GET", f"http://shop.example:{other.port}/").status == 200

    assert names.asked == ["shop.example"]
    assert other.received[0].headers["host"] == f"shop.example:{other.port}"


@pytest.mark.assure("S21")
@pytest.mark.parametrize(
    "location", ["http://127.0.0.1:{port}/in", "http://2130706433/", "file:///etc/passwd", "//[::1]/"]
)
def test_a_redirect_inwards_is_refused(other, location):
    """The first hop is allowed by its name alone."""
    other.script("GET", "/", Answer(302, {}, (("Location", location.format(port=other.port)),)))
    other.script("GET", "/in", {"inside": True})
    calls = OutgoingClient(["front.example"], resolve=Names(front_example=[["127.0.0.1"]]))

    with pytest.raises((errors.AddressRefused, errors.UrlRefused)):
        calls.request("GET", f"http://front.example:{other.port}/")

    assert [each.path for each in other.received] == ["/"]


@pytest.mark.assure("S21")
@pytest.mark.parametrize("entry", ["127.0.0.1", "127.0.0.0/8", "127.0.0.1:{port}", "erp.example", "erp.example:{port}"])
def test_what_is_allowed_is_called(other, entry):
    other.script("GET", "/", {})
    calls = OutgoingClient([entry.format(port=other.port)], resolve=Names(erp_example=[["127.0.0.1"]]))

    assert calls.request("GET", f"http://erp.example:{other.port}/").status == 200


@pytest.mark.assure("S21")
@pytest.mark.parametrize(
    "entry", ["127.0.0.1:1", "erp.example:1", "other.example", "10.0.0.0/8", "127.0.0.2", "example"]
)
def test_what_is_allowed_is_no_more_than_it_says(other, entry):
    calls = OutgoingClient([entry], resolve=Names(erp_example=[["127.0.0.1"]]))

    with pytest.raises(errors.AddressRefused):
        calls.request("GET", f"http://erp.example:{other.port}/")


@pytest.mark.assure("S21")
@pytest.mark.parametrize(
    "address", ["169.254.169.254", "0.0.0.0", "fe80::1", "fd00:ec2::254", "168.63.129.16", "224.0.0.1"]
)
def test_the_name_of_an_allowed_host_does_not_reach_a_metadata_service(address):
    calls = OutgoingClient(["erp.example"], resolve=Names(erp_example=[[address]]))

    with pytest.raises(errors.AddressRefused):
        calls.request("GET", "http://erp.example/", timeout=1)


def test_the_base_of_a_gateway_is_allowed_with_its_port_alone(other):
    other.script("GET", "/v1/x", {})
    calls = OutgoingClient(allowed_bases=[f"{other.url}/v1"])

    assert calls.request("GET", f"{other.url}/v1/x").status == 200
    with pytest.raises(errors.AddressRefused):
        calls.request("GET", f"http://127.0.0.1:{closed_port()}/")


@pytest.mark.parametrize("entry", ["", "http://erp/", "erp internal", "10.0.0.0/99", "a/b", "0x7f.1"])
def test_an_allowance_that_says_nothing_is_refused(entry):
    with pytest.raises(errors.AllowanceInvalid):
        OutgoingClient([entry])


def test_proxies_and_credentials_of_the_environment_are_not_heeded(other, monkeypatch, tmp_path):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    (tmp_path / ".netrc").write_text("default login anna password secret\n")
    monkeypatch.setenv("NETRC", os.fspath(tmp_path / ".netrc"))
    other.script("GET", "/", {})

    assert client(other).request("GET", other.url).status == 200
    assert "authorization" not in other.received[0].headers


def test_a_redirect_is_followed_and_credentials_stay_at_home(other):
    with downstream() as elsewhere:
        other.script("GET", "/", Answer(302, {}, (("Location", "/next"),)))
        other.script("GET", "/next", Answer(307, {}, (("Location", f"{elsewhere.url}/"),)))
        elsewhere.script("GET", "/", {"here": True})
        calls = OutgoingClient(["127.0.0.1"])
        answer = calls.request("GET", other.url, headers={"Authorization": "Bearer x", "X-Api-Key": "y", "Accept": "z"})

        assert (answer.json(), answer.url) == ({"here": True}, f"{elsewhere.url}/")
        assert other.received[1].headers["x-api-key"] == "y"
        sent = elsewhere.received[0].headers
        assert (sent.get("authorization"), sent.get("x-api-key"), sent["accept"]) == (None, None, "z")


def test_a_redirect_of_a_call_that_changes_something_is_an_answer(other):
    other.script("POST", "/", Answer(307, {}, (("Location", "/next"),)))

    assert client(other).request("POST", other.url).status == 307
    assert len(other.received) == 1


def test_redirects_in_a_circle_end(other):
    other.script("GET", "/", Answer(302, {}, (("Location", "/"),)))

    with pytest.raises(errors.RedirectRefused):
        client(other).request("GET", other.url)
    assert len(other.received) == 6


def test_nothing_was_sent_where_nobody_listens_or_the_name_is_unknown():
    port = closed_port()
    for url, kind in ((f"http://127.0.0.1:{port}", errors.NoConnection), ("http://gone.example", errors.NameUnknown)):
        with pytest.raises(kind) as failed:
            OutgoingClient(["127.0.0.1"], resolve=Names()).request("POST", url, json={})
        assert not failed.value.sent
        assert failed.value.retryable


@pytest.mark.parametrize("answer", [Answer(drop=True), Answer(200, {}, seconds=2), Answer(200, b"x" * 100, drip=0.1)])
def test_what_may_have_been_received_is_told_and_the_time_is_kept(other, answer):
    other.script("POST", "/", answer)
    began = time.monotonic()

    with pytest.raises(errors.NoAnswer) as failed:
        client(other).request("POST", other.url, json={"a": 1}, timeout=0.3)

    assert failed.value.sent
    assert time.monotonic() - began < 1
    assert len(other.effects()) == 1


def test_a_server_that_accepts_nothing_costs_no_more_than_the_time():
    """Nobody takes the body out of the socket, so that sending it never ends."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        began = time.monotonic()
        with pytest.raises(errors.NoAnswer):
            OutgoingClient(["127.0.0.1"]).request(
                "POST", f"http://127.0.0.1:{port}", content=b"x" * 50_000_000, timeout=0.4
            )
        assert time.monotonic() - began < 2


def test_a_name_server_that_does_not_answer_costs_no_more_than_the_time():
    released = threading.Event()

    def resolve(host: str, port: int) -> list[str]:
        released.wait(5)
        return []

    began = time.monotonic()
    with pytest.raises(errors.NameUnknown):
        OutgoingClient(resolve=resolve).request("GET", "http://slow.example", timeout=0.2)
    assert time.monotonic() - began < 1
    released.set()


@pytest.mark.parametrize(
    "answer",
    [Answer(200, b"x" * 5000), Answer(200, gzip.compress(b"0" * 50_000_000), (("Content-Encoding", "gzip"),))],
)
def test_an_answer_that_is_too_large_is_not_read_to_its_end(other, answer):
    other.script("HEAD", "/", 200)
    other.script("GET", "/", answer)

    calls = client(other)
    calls.request("HEAD", other.url)  # what is loaded with the first call does not count
    tracemalloc.start()
    with pytest.raises(errors.AnswerTooLarge):
        calls.request("GET", other.url, limit=4000)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert most < 4 << 20


def test_a_packed_answer_is_unpacked(other):
    other.script("GET", "/", Answer(200, gzip.compress(b'{"a":1}'), (("Content-Encoding", "gzip"),)))

    assert client(other).request("GET", other.url).json() == {"a": 1}


def test_no_cookie_is_kept(other):
    other.script("GET", "/", Answer(200, {}, (("Set-Cookie", "session=1; Path=/"),)))
    calls = client(other)
    for _ in range(2):
        calls.request("GET", other.url)

    assert all("cookie" not in each.headers for each in other.received)


@pytest.mark.assure("S18")
@pytest.mark.parametrize(
    "fields", [{"X-A": "a\r\nX-B: b"}, {"X\r\nA": "b"}, {"Host": "in"}, {"Content-Length": "0"}, {"X-A": "ä"}]
)
def test_a_header_says_one_thing_or_is_refused_without_its_value(other, fields):
    with pytest.raises(errors.HeaderRefused) as refused:
        client(other).request("GET", other.url, headers={name: f"{value} s3cret" for name, value in fields.items()})

    assert "s3cret" not in f"{refused.value} {refused.value.advice}"
    assert other.received == []


@pytest.mark.assure("S18")
def test_no_log_line_shows_the_path_or_a_header(other, caplog):
    caplog.set_level("DEBUG")
    other.script("GET", "/s3cret", {})

    client(other).request("GET", f"{other.url}/s3cret?token=s3cret", headers={"X-Api-Key": "s3cret"})

    assert len(other.received) == 1
    assert "s3cret" not in caplog.text


@pytest.mark.assure("S18")
def test_no_error_shows_the_path_or_the_query(other):
    other.script("GET", "/s3cret?token=s3cret", Answer(drop=True))
    for url in (
        f"{other.url}/s3cret?token=s3cret",
        "http://10.0.0.1/s3cret",
        "http://u:s3cret@x/",
        "s3cret",
        "http://s3cret\\@x",
    ):
        with pytest.raises(ShopctlError) as failed:
            client(other).request("GET", url, timeout=1)
        assert "s3cret" not in f"{failed.value} {failed.value.advice}".replace("http://s3cret", "")


def test_many_threads_share_one_client(other):
    other.script("POST", "/", {"ok": True})
    calls = client(other)

    def call(number: int) -> int:
        return calls.request("POST", other.url, json={"n": number}, headers={"Idempotency-Key": str(number)}).status

    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(call, range(200))) == {200}
    assert len(other.effects()) == 200
    assert other.doubles() == []
    calls.close()


@pytest.mark.assure("S21")
def test_tls_speaks_of_the_name_while_the_address_is_the_checked_one(tmp_path):
    names = Names(shop_example=[["127.0.0.1"]], other_example=[["127.0.0.1"]])
    with tls_server(tmp_path, "shop.example") as (port, asked):
        calls = OutgoingClient(
            ["127.0.0.1"], resolve=names, tls=ssl.create_default_context(cafile=os.fspath(tmp_path / "cert.pem"))
        )

        assert calls.request("GET", f"https://shop.example:{port}/").body == b"ok"
        with pytest.raises(errors.CertificateRefused) as refused:
            calls.request("GET", f"https://other.example:{port}/")
        with pytest.raises(errors.CertificateRefused):
            OutgoingClient(["127.0.0.1"], resolve=names).request("GET", f"https://shop.example:{port}/")

    assert not refused.value.sent
    assert asked == ["shop.example", "other.example", "shop.example"]


@contextmanager
def tls_server(folder: Path, name: str) -> Iterator[tuple[int, list[str]]]:
    """A server of `name` with a certificate of its own in cert.pem; yields its port and the names it was asked for."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject).issuer_name(subject).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    asked: list[str] = []
    context.sni_callback = lambda _, wanted, __: asked.append(wanted)

    def serve(listening: socket.socket) -> None:
        while True:
            try:
                with context.wrap_socket(listening.accept()[0], server_side=True) as connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            except ssl.SSLError:
                continue
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        yield listening.getsockname()[1], asked
        listening.shutdown(socket.SHUT_RDWR)
