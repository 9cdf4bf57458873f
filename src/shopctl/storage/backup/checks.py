"""Whether a database that was restored is the one that the backup was made of."""

from __future__ import annotations

from collections.abc import Callable

from shopctl.storage.backup.errors import BackupDamaged
from shopctl.storage.backup.manifest import DatabaseCopy
from shopctl.storage.soundness import damage
from shopctl.storage.table_sums import table_sums
from shopctl.storage.unit import Unit

Check = Callable[[Unit], None]


def check_of(copy: DatabaseCopy, path: str) -> Check:
    """What compares every table with a copy's counts and checksums, before it is upgraded. Raises BackupDamaged."""

    def check(unit: Unit) -> None:
        if wrong := damage(unit):
            raise BackupDamaged(path=path, reason=f"the {copy.chain} database in it is not sound: {wrong}")
        found = table_sums(unit)
        for name in sorted(found.keys() | copy.tables.keys()):
            if found.get(name) != copy.tables.get(name):
                rows = [table.rows if table else "no" for table in (copy.tables.get(name), found.get(name))]
                reason = f"the table {name} of the {copy.chain} database had {rows[0]} rows, restored it has {rows[1]}"
                raise BackupDamaged(path=path, reason=reason)

    return check
