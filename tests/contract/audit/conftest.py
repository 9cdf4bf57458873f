"""A trail with several seals and a tail, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from shopctl.audit.keys import create_key
from shopctl.audit.service import Audit
from shopctl.kernel.clock import Clock
from shopctl.storage.database import Database


class Ticking(Clock):
    """A clock that moves one second each time it is asked."""

    def __init__(self) -> None:
        self.time = 1_795_000_000_000_000

    def now(self) -> int:
        self.time += 1_000_000
        return self.time


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "audit.key"
    create_key(path)
    return path


@pytest.fixture
def audit(database: Database, key_file: Path) -> Audit:
    return Audit(database, key_file, reason="spring sale", actor="os:anna", clock=Ticking())
