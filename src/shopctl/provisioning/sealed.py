"""Which columns of provisioning are sealed."""

from __future__ import annotations

from shopctl.storage.sealing import SealedColumn

COLUMNS = (SealedColumn("licence_key", "id", "key", "key_index"),)
