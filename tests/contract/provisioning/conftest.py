"""Pools of licence keys of a shop of their own, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from shopctl.audit.keys import create_key
from shopctl.audit.service import Audit
from shopctl.kernel.clock import Clock
from shopctl.provisioning.licence_keys import LicenceKeyService
from shopctl.provisioning.sealed import COLUMNS
from shopctl.storage.database import Database
from shopctl.storage.sealing import Sealer
from support.sealing import Held


@pytest.fixture
def sealer(database: Database) -> Sealer:
    sealer = Sealer("shop", COLUMNS, Held())
    with database.unit() as unit:
        sealer.begin(unit)
    return sealer


@pytest.fixture
def audit(database: Database, tmp_path: Path, turned: Clock) -> Audit:
    create_key(tmp_path / "audit.key")
    return Audit(database, tmp_path / "audit.key", actor="os:anna", clock=turned)


@pytest.fixture
def keys(database: Database, audit: Audit, turned: Clock, sealer: Sealer) -> LicenceKeyService:
    return LicenceKeyService(database, audit, turned, sealer)
