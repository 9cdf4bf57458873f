"""What a new Authentication Database needs before anybody can log in: the keys that seal it and those that sign."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from shopctl.auth.keys import KeyService
from shopctl.auth.system import AuthSystem, Policy
from shopctl.authdb.sealed import COLUMNS as SEALED
from shopctl.kernel.clock import Clock
from shopctl.storage.database import Database
from shopctl.storage.key_encryption import KeyEncryptionKeys
from shopctl.storage.sealing import Sealer

if TYPE_CHECKING:
    from shopctl.audit.service import Audit


__all__ = ["SEALED", "begin"]


def begin(database: Database, audit: Audit, keks: Callable[[], KeyEncryptionKeys], algorithm: str) -> None:
    """Make these keys where there are none yet."""
    system = AuthSystem(database, audit, Clock(), Sealer("auth", SEALED, keks), Policy(algorithm=algorithm))
    with database.unit() as unit:
        system.sealer.begin(unit)
        KeyService(system).begin(unit)
