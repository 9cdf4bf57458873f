"""Credentials come from where a definition says, and from nowhere that others can read (S18)."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from shopctl.kernel.errors import ShopctlError
from shopctl.kernel.redaction import redact
from shopctl.provisioning.actions.secrets import (
    SecretMissing,
    Secrets,
    SecretSourceUnknown,
    SecretUnreadable,
    is_source,
)
from shopctl.storage.errors import PermissionsTooOpen

pytestmark = pytest.mark.assure("S18")


def test_a_variable_a_file_and_a_keyring_hold_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("DOWN", "from-the-environment")
    (tmp_path / "down").write_text("from a file \n")
    (tmp_path / "down").chmod(0o600)
    keyring = ModuleType("keyring")
    keyring.get_password = lambda service, user: f"{service}:{user}"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    secrets = Secrets(str(tmp_path))

    assert secrets.get("env:DOWN") == "from-the-environment"
    assert secrets.get("file:down") == "from a file "
    assert secrets.get(f"file:{tmp_path / 'down'}") == "from a file "
    assert secrets.get("keyring:down/stream/anna") == "down/stream:anna"
    assert "environment" not in redact("it was from-the-environment")


def test_a_file_that_others_can_read_is_refused(tmp_path):
    (tmp_path / "down").write_text("s3cret-value")
    (tmp_path / "down").chmod(0o640)

    with pytest.raises(PermissionsTooOpen):
        Secrets(str(tmp_path)).get("file:down")


def test_what_is_not_there_or_unreadable_is_told(tmp_path, monkeypatch):
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "binary").chmod(0o600)
    monkeypatch.setenv("EMPTY", "")
    secrets = Secrets(str(tmp_path))
    for source, kind in (("env:GONE_X", SecretMissing), ("env:EMPTY", SecretMissing), ("file:gone", SecretMissing),
                         ("file:binary", SecretUnreadable), ("file:.", SecretUnreadable)):  # fmt: skip
        with pytest.raises(kind):
            secrets.get(source)


@pytest.mark.parametrize(
    "text",
    ["s3cret-value", "env:", "env:A=s3cret", "vault:s3cret", "s3cret:x", "keyring:s3cret", ":s3cret", ""],
)
def test_a_secret_in_the_place_of_its_source_is_not_shown(text):
    assert not is_source(text)
    with pytest.raises(SecretSourceUnknown) as refused:
        Secrets().get(text)
    assert "s3cret" not in f"{refused.value} {refused.value.advice}"


def test_a_keyring_that_breaks_says_so_in_our_words(monkeypatch):
    keyring = ModuleType("keyring")

    def broken(service: str, user: str) -> str:
        raise RuntimeError("locked\r\n")

    keyring.get_password = broken  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    with pytest.raises(ShopctlError, match="locked"):
        Secrets().get("keyring:down/anna")
