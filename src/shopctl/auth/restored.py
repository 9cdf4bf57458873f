"""What must not outlive a restore: everything that was issued before it.

An old copy of the database knows nothing of the logouts, revocations and changed passwords since, so whatever it would
let in again has to log in anew. A token issued after the copy was made has no record in it and is refused for that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from shopctl.auth.keys import KeyService
from shopctl.auth.system import AuthSystem, Policy
from shopctl.authdb import accounts, sessions
from shopctl.authdb.sealed import COLUMNS as SEALED
from shopctl.kernel.clock import Clock
from shopctl.storage.database import Database
from shopctl.storage.key_encryption import KeyEncryptionKeys
from shopctl.storage.sealing import Sealer
from shopctl.storage.unit import Unit

if TYPE_CHECKING:
    from shopctl.audit.service import Audit


def refuse_all_issued(
    unit: Unit, database: Database, audit: Audit, keks: Callable[[], KeyEncryptionKeys], algorithm: str
) -> dict[str, int]:
    """End every session, have every token refused, and sign with a new key; what there was to end.

    The keys go too: those who verify tokens by the key set alone ask nobody else.
    """
    system = AuthSystem(database, audit, Clock(), Sealer("auth", SEALED, keks), Policy(algorithm=algorithm))
    system.sealer.begin(unit)
    ended = sessions.end_all(unit, "a backup was restored", system.clock.now())
    accounts.end_all_tokens(unit)
    return {"sessions": ended, "keys": KeyService(system).revoke_all(unit)}
