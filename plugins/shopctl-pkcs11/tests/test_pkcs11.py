"""Against SoftHSM: the key wraps and unwraps in its token, bound to its purpose, and says plainly what is wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pkcs11 = pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed")

import shopctl_pkcs11  # noqa: E402
from shopctl_pkcs11 import token  # noqa: E402
from shopctl_pkcs11.uri import TokenFailed, parse  # noqa: E402

from shopctl.storage.errors import PermissionsTooOpen  # noqa: E402
from shopctl.storage.key_encryption import KeyEncryptionKeys, PluggedKey  # noqa: E402
from shopctl.storage.sealing_errors import KekUnavailable, SealingKeyDamaged  # noqa: E402
from shopctl.storage.sealing_keys import KeyRow, Unwrapping, wrapped  # noqa: E402

MODULES = [
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    Path("/usr/lib64/softhsm/libsofthsm2.so"),
    Path("/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"),
    Path("/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so"),
]
PIN = "correct horse"
KEY, AAD = bytes(range(32)), b"data key 1 of the shop"


@pytest.fixture(scope="session")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """SoftHSM's library, with a token `shop` that holds the keys `kek` and `other`, and one that can be taken out."""
    found = next((path for path in MODULES if path.exists()), None)
    if found is None or shutil.which("softhsm2-util") is None:
        pytest.skip("SoftHSM is not here; on Debian: apt-get install softhsm2")
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    made = ["softhsm2-util", "--init-token", "--free", "--label", "shop", "--pin", PIN, "--so-pin", "so " + PIN]
    subprocess.run(made, check=True, capture_output=True)
    with pkcs11.lib(str(found)).get_token(token_label="shop").open(user_pin=PIN, rw=True) as session:  # noqa: S106 - a name
        for number, label in enumerate(["kek", "other"]):
            session.generate_key(pkcs11.KeyType.AES, 256, label=label, id=bytes([7, number]), store=True)
        loose = {pkcs11.Attribute.EXTRACTABLE: True, pkcs11.Attribute.SENSITIVE: False}
        session.generate_key(pkcs11.KeyType.AES, 256, label="loose", store=True, template=loose)
    yield found
    del os.environ["SOFTHSM2_CONF"]


@pytest.fixture
def pin(tmp_path: Path) -> Path:
    path = tmp_path / "pin"
    path.touch(mode=0o600)
    path.write_text(PIN + "\n")
    return path


@pytest.fixture
def uri(module: Path, pin: Path) -> str:
    return f"pkcs11:token=shop;object=kek?module-path={module}&pin-source=file:{pin}"


@pytest.fixture(params=["gcm", "key wrap"])
def kek(request: pytest.FixtureRequest, uri: str, monkeypatch: pytest.MonkeyPatch) -> token.TokenKey:
    """The key, on a token with AES-GCM and on one without."""
    if request.param == "key wrap":
        monkeypatch.setattr(token, "_wraps_by_gcm", lambda session: False)
    found: token.TokenKey = shopctl_pkcs11.open_key(uri)
    assert found.wrap(KEY, AAD)[:1] == (b"\x01" if request.param == "gcm" else b"\x02")
    return found


def test_a_key_is_wrapped_and_comes_back(kek: token.TokenKey, uri: str) -> None:
    wrapped = kek.wrap(KEY, AAD)
    assert KEY not in wrapped
    assert len(wrapped) == {b"\x01": 1 + 12 + 32 + 16, b"\x02": 1 + 64 + 8}[wrapped[:1]]
    again = shopctl_pkcs11.open_key(uri)
    assert again.id == kek.id
    assert again.unwrap(wrapped, AAD) == KEY


def test_it_does_not_come_back_for_another_purpose(kek: token.TokenKey) -> None:
    with pytest.raises(ValueError, match="another purpose"):
        kek.unwrap(kek.wrap(KEY, AAD), AAD + b"x")


def test_it_does_not_come_back_from_another_key(kek: token.TokenKey, uri: str) -> None:
    other = shopctl_pkcs11.open_key(uri.replace("object=kek", "object=other"))
    assert other.id != kek.id
    with pytest.raises(ValueError, match="this key"):
        other.unwrap(kek.wrap(KEY, AAD), AAD)


def test_it_does_not_come_back_altered(kek: token.TokenKey) -> None:
    wrapped = kek.wrap(KEY, AAD)
    for place in (0, 1, 20, len(wrapped) - 1):
        altered = bytearray(wrapped)
        altered[place] ^= 8
        with pytest.raises(ValueError, match="this key"):
            kek.unwrap(bytes(altered), AAD)
    for cut in (b"", wrapped[:1], wrapped[:14], wrapped[:-1]):
        with pytest.raises(ValueError, match="this key"):
            kek.unwrap(cut, AAD)


def test_a_key_is_found_by_its_id_and_the_pin_in_a_variable(
    uri: str, kek: token.TokenKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_PIN", PIN)
    by_id = uri.replace("object=kek", "id=%07%00").partition("pin-source")[0] + "pin-source=env:SHOP_PIN"
    assert shopctl_pkcs11.open_key(by_id).id == kek.id


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("object=kek", "object=none", "the token holds no AES key called none"),
        ("token=shop", "token=none", "no token is called token=none"),
        ("object=kek", "object=loose", "the key loose can be taken out of its token"),
        ("libsofthsm2.so", "nothing.so", "nothing.so: cannot open shared object file"),
        ("pin-source=file:", "pin-source=file:/nowhere", "cannot be read: No such file"),
        ("pin-source=file:", "pin-value=", "a PIN does not belong in the URI"),
        ("pin-source=file:", "x-pin-source=file:", "the token wants another PIN|no AES key called kek"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(uri: str, before: str, after: str, said: str) -> None:
    with pytest.raises(TokenFailed, match=said) as refused:
        shopctl_pkcs11.open_key(uri.replace(before, after))
    assert "\n" not in str(refused.value)


def test_a_wrong_pin_is_told_and_not_shown(uri: str, pin: Path) -> None:
    pin.write_text("wrong pin")
    with pytest.raises(TokenFailed, match=r"^the PIN is wrong$"):
        shopctl_pkcs11.open_key(uri)


def test_a_pin_that_others_can_read_is_refused(uri: str, pin: Path) -> None:
    pin.chmod(0o644)
    with pytest.raises(PermissionsTooOpen):
        shopctl_pkcs11.open_key(uri)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("pkcs11:object=kek", "lacks .module-path"),
        ("pkcs11:token=shop?module-path=/m.so", "names no key"),
        ("pkcs11:object=kek;type=private?module-path=/m.so", "type=secret-key"),
        ("pkcs11:object=kek;object=other?module-path=/m.so", "object .* stands there twice"),
        ("pkcs11:objekt=kek?module-path=/m.so", "objekt is no attribute"),
    ],
)
def test_a_uri_that_does_not_say_enough_is_refused(uri: str, said: str) -> None:
    with pytest.raises(TokenFailed, match=said):
        parse(uri)


def test_percent_encoding_is_undone() -> None:
    address = parse("pkcs11:token=My%20shop;id=%00%ff;x-vendor=1?module-path=/m%3b.so&pin-source=env:PIN")
    assert address.token == {"token": "My shop"}
    assert (address.key_id, address.module, address.pin_source) == (b"\x00\xff", "/m;.so", "env:PIN")


def test_a_sealing_key_is_kept_under_it_and_an_altered_one_is_told_of(kek: token.TokenKey) -> None:
    plugged = PluggedKey("pkcs11:object=kek", kek)
    row = KeyRow("k1", "data", "active", plugged.id, wrapped("shop", plugged, "data", "k1", KEY))
    unwrapping = Unwrapping("shop", lambda: KeyEncryptionKeys(plugged))
    assert unwrapping.secret(row) == KEY
    with pytest.raises(SealingKeyDamaged):
        unwrapping.secret(row._replace(purpose="index"))


def test_a_token_that_went_away_is_told_of(kek: token.TokenKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token, "_token", lambda *_: (_ for _ in ()).throw(pkcs11.exceptions.DeviceRemoved()))
    with pytest.raises(KekUnavailable, match="object=kek cannot be used: the token answers DeviceRemoved"):
        PluggedKey("pkcs11:object=kek", kek).wrap(KEY, AAD)


def test_the_hook_offers_the_scheme() -> None:
    assert shopctl_pkcs11.shopctl_key_encryption_keys() == [("pkcs11", shopctl_pkcs11.open_key)]
