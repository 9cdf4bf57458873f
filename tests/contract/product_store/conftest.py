"""The instances of a shop of their own, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from shopctl.audit.keys import create_key
from shopctl.kernel.clock import Clock
from shopctl.storage.database import Database
from support.instances import Instances


@pytest.fixture
def instances(database: Database, tmp_path: Path, turned: Clock) -> Instances:
    create_key(tmp_path / "audit.key")
    return Instances(database, tmp_path / "audit.key", turned)
