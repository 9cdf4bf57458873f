"""Key-encryption keys: from a file, a variable and a keyring, and a clear line where there is none."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from shopctl.kernel.errors import ShopctlError
from shopctl.kernel.redaction import redact
from shopctl.storage import sealing_errors as errors
from shopctl.storage.errors import PermissionsTooOpen
from shopctl.storage.key_encryption import KeyEncryptionKeys, SoftwareKey, key_encryption_keys
from shopctl.storage.key_files import add_kek, create_kek, drop_former_keks

SECRET = bytes(range(100, 132))
KEY = SoftwareKey(SECRET)


def test_a_software_key_gives_back_what_it_wrapped_for_the_same_purpose_only() -> None:
    wrapped = KEY.wrap(b"k" * 32, b"aad")
    assert wrapped != KEY.wrap(b"k" * 32, b"aad")
    assert KEY.unwrap(wrapped, b"aad") == b"k" * 32
    for other, text, aad in [
        (KEY, wrapped, b"aae"),
        (SoftwareKey(bytes(32)), wrapped, b"aad"),
        (KEY, wrapped[:-1], b"aad"),
        (KEY, wrapped[:5], b"aad"),
        (KEY, b"", b"aad"),
    ]:
        with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
            other.unwrap(text, aad)


def test_a_file_is_made_once_private_and_takes_further_keys(tmp_path: Path) -> None:
    path = tmp_path / "sealing.key"
    assert create_kek(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert not create_kek(path)
    first = key_encryption_keys(f"file:{path}").current
    second = add_kek(path)
    both = key_encryption_keys(f"file:{path}")
    assert both.current.id == second.id != first.id
    assert both.find(first.id) is not None
    assert both.find("other") is None
    assert path.stat().st_mode & 0o777 == 0o600
    assert drop_former_keks(path) == 1
    assert [kek.id for kek in key_encryption_keys(f"file:{path}")] == [second.id]
    assert drop_former_keks(path) == 0
    digits = path.read_text().split(":")[1].strip()
    assert digits not in redact(f"the key is {digits}")


@pytest.mark.assure("S16")
def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sealing.key"
    create_kek(path)
    path.chmod(0o640)
    for used in (lambda: key_encryption_keys(f"file:{path}"), lambda: add_kek(path), lambda: drop_former_keks(path)):
        with pytest.raises(PermissionsTooOpen, match=r"sealing\.key is open to others"):
            used()


@pytest.mark.assure("S16")
def test_a_shop_s_folder_of_keys_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / ".shopctl" / "keys"
    folder.mkdir(parents=True)
    folder.parent.chmod(0o700)
    create_kek(folder / "sealing.key")
    folder.chmod(0o755)
    with pytest.raises(PermissionsTooOpen, match="keys is open to others"):
        key_encryption_keys(f"file:{folder / 'sealing.key'}")
    folder.chmod(0o700)
    assert key_encryption_keys(f"file:{folder / 'sealing.key'}")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n",
        SECRET.hex(),
        f"shopctl-audit-key-1:{SECRET.hex()}",
        f"shopctl-kek-1:{SECRET.hex()[2:]}",
        "shopctl-kek-1:é",
    ],
)
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "sealing.key"
    path.touch(mode=0o600)
    path.write_text(content)
    with pytest.raises(errors.KekInvalid, match="does not hold a key-encryption key"):
        key_encryption_keys(f"file:{path}")


@pytest.mark.parametrize(
    "written",
    [
        SECRET.hex(),
        SECRET.hex().upper(),
        base64.b64encode(SECRET).decode(),
        f" {base64.urlsafe_b64encode(SECRET).decode().rstrip('=')}\n",
    ],
)
def test_a_variable_holds_the_key_in_hexadecimal_or_base64(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("SHOP_KEK", written)
    assert key_encryption_keys("env:SHOP_KEK").current.id == KEY.id
    assert written.strip() not in redact(f"it was {written}")


@pytest.mark.parametrize("written", ["short", "é" * 32, "AAAA", SECRET.hex() + "00", "!" * 43])
def test_a_variable_with_anything_else_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.setenv("SHOP_KEK", written)
    with pytest.raises(errors.KekInvalid) as refused:
        key_encryption_keys("env:SHOP_KEK")
    assert written not in str(refused.value)


def test_a_keyring_is_asked_by_service_and_name(monkeypatch: pytest.MonkeyPatch) -> None:
    held = {("my/shop", "kek"): SECRET.hex()}
    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=lambda *name: held.get(name)))
    assert key_encryption_keys("keyring:my/shop/kek").current.id == KEY.id
    with pytest.raises(errors.KekMissing):
        key_encryption_keys("keyring:my/shop/none")

    def locked(*_: str) -> str:
        raise RuntimeError("the keyring is locked")

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=locked))
    with pytest.raises(errors.KekUnavailable, match="keyring:my/shop/kek cannot be used: the keyring is locked"):
        key_encryption_keys("keyring:my/shop/kek")


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("file:/nowhere/key", errors.KekMissing),
        ("file:/", errors.KekUnreadable),
        ("env:SHOPCTL_TEST_NOT_SET", errors.KekMissing),
        ("keyring:shop", errors.KekSourceUnknown),
        ("keyring:shop/kek", errors.KeyringMissing),
        ("file:", errors.KekSourceUnknown),
        ("", errors.KekSourceUnknown),
        (SECRET.hex(), errors.KekSourceUnknown),
        ("vault:shop/kek", errors.KekSourceUnknown),
    ],
)
def test_a_source_without_a_key_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, source: str, kind: type[ShopctlError]
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(kind) as refused:
        key_encryption_keys(source)
    assert SECRET.hex() not in str(refused.value)
    assert refused.value.advice


def test_former_sources_unwrap_but_do_not_wrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEK", SECRET.hex())
    create_kek(tmp_path / "new.key")
    both = key_encryption_keys(f"file:{tmp_path}/new.key", "env:SHOP_KEK")
    assert both.current.id != KEY.id
    assert both.find(KEY.id) is not None
    assert isinstance(both, KeyEncryptionKeys)


def test_nothing_heavy_is_loaded_before_something_is_sealed() -> None:
    program = "import sys, shopctl.storage.sealing, shopctl.storage.resealing; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ
    ).stdout.split()
    assert not {"cryptography", "keyring", "pluggy", "sqlite3", "sqlalchemy"} & set(loaded)
