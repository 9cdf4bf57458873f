"""The key file: private, whole, and never overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from shopctl.audit.errors import AuditKeyInvalid, AuditKeyMissing
from shopctl.audit.keys import create_key, load_keys
from shopctl.storage.errors import PermissionsTooOpen


def test_a_key_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "audit.key"
    assert create_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    first = load_keys(path).current
    assert len(first.secret) == 32
    assert not create_key(path)
    assert load_keys(path).current == first
    assert [entry.name for entry in tmp_path.iterdir()] == ["audit.key"]


def test_the_last_key_signs_and_all_are_found(tmp_path: Path) -> None:
    for name in ("one", "two"):
        create_key(tmp_path / name)
    one, two = (load_keys(tmp_path / name).current for name in ("one", "two"))
    (tmp_path / "one").write_text((tmp_path / "one").read_text() + "\n" + (tmp_path / "two").read_text())
    keys = load_keys(tmp_path / "one")
    assert keys.current == two
    assert keys.find(one.id) == one
    assert keys.find("another") is None


@pytest.mark.parametrize(
    "content", ["", "\n", "key", "shopctl-audit-key-1:", "shopctl-audit-key-1:abcd", "ab" * 32, "\u00e9"]
)
def test_what_is_no_key_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "audit.key"
    path.touch(mode=0o600)
    path.write_text(content)
    with pytest.raises(AuditKeyInvalid):
        load_keys(path)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "audit.key"
    create_key(path)
    path.chmod(0o640)
    with pytest.raises(PermissionsTooOpen):
        load_keys(path)
    with pytest.raises(AuditKeyMissing):
        load_keys(tmp_path / "nowhere")
