"""What keeps a server from starting is said in a line, before anything is started."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from shopctl.http.errors import CannotListen, PortInUse, ReadyFileUnwritable, TlsUnusable, UnknownSystem
from shopctl.http.serving import serve
from shopctl.kernel.settings import load_settings


@pytest.fixture
def start(tmp_path: Path) -> Any:
    settings = load_settings(tmp_path, {})
    return lambda **options: serve(settings, **({"host": "127.0.0.1", "port": 0} | options))


def test_a_system_must_be_one_that_can_be_served(start: Any) -> None:
    with pytest.raises(UnknownSystem, match="provisioning"):
        start(system="nobody")


def test_an_address_must_be_of_this_machine(start: Any) -> None:
    with pytest.raises(CannotListen):
        start(host="192.0.2.1")
    with pytest.raises(CannotListen):
        start(host="no such host")


def test_a_port_that_is_taken_is_named(start: Any) -> None:
    with socket.socket() as other:
        # Under SO_REUSEPORT the second one would silently share.
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(PortInUse):
            start(port=other.getsockname()[1])


def test_a_certificate_must_be_one(start: Any, tmp_path: Path) -> None:
    pem = tmp_path / "cert.pem"
    pem.write_text("x")
    for tls in ((pem, None), (None, pem), (pem, pem), (pem, tmp_path / "none")):
        with pytest.raises(TlsUnusable):
            start(tls=tls)


def test_a_key_with_a_password_is_refused_and_not_asked_for(start: Any, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

    key = tmp_path / "key.pem"
    encrypted = BestAvailableEncryption(b"password")
    key.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encrypted))

    with pytest.raises(TlsUnusable):
        start(tls=(key, key))


def test_a_ready_file_must_be_one_that_can_be_written(start: Any, tmp_path: Path) -> None:
    with pytest.raises(ReadyFileUnwritable):
        start(ready_file=tmp_path / "no" / "where")
    assert os.listdir(tmp_path) == []
