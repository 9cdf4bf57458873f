"""A verifier from npm for tests that ask somebody else: fetched once, checked by its hash, kept in a cache."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

PACKAGE = "jose@6.2.18"  # needs no other package
SHA512 = "doV4thUwgkrycJH4yLeqwTGIIZphHl+pk7CPReuMIhYhncmgzdko85MaCG4YQFTxqMFr1/oEH32tZuKKovcDEg=="
SCRIPT = Path(__file__).with_name("verify_tokens.mjs")


def verified_by_jose(**question: Any) -> list[dict[str, Any]]:
    """What jose says of tokens, see verify_tokens.mjs; skips the test where there is no node or no package."""
    node = shutil.which("node")
    if node is None:
        pytest.skip(f"no node to run {PACKAGE} with")
    asked = subprocess.run(
        [node, SCRIPT, _folder()], input=json.dumps(question), capture_output=True, text=True, timeout=60
    )
    assert asked.returncode == 0, asked.stderr
    answers: list[dict[str, Any]] = json.loads(asked.stdout)
    return answers


def _folder() -> Path:
    """The folder that holds node_modules/jose."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "shopctl-tests"
    folder = cache / PACKAGE.replace("@", "-")
    if folder.is_dir():
        return folder
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip(f"no npm to fetch {PACKAGE} with")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as made:
        draft = Path(made) / "draft"
        fetched = subprocess.run(
            [npm, "pack", "--silent", "--pack-destination", made, PACKAGE], capture_output=True, text=True, timeout=120
        )
        if fetched.returncode != 0:
            pytest.skip(f"npm cannot fetch {PACKAGE}")
        (archive,) = Path(made).glob("*.tgz")
        assert b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode() == SHA512, f"{PACKAGE} is another one"
        with tarfile.open(archive) as files:
            files.extractall(draft / "unpacked", filter="data")
        (draft / "node_modules").mkdir()
        (draft / "unpacked/package").rename(draft / "node_modules/jose")
        try:
            draft.rename(folder)
        except OSError:
            assert folder.is_dir()  # another worker was quicker
    return folder
