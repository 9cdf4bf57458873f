"""Which columns of the Authentication Database are sealed."""

from __future__ import annotations

from shopctl.authdb.model import email_key
from shopctl.storage.sealing import SealedColumn

COLUMNS = (
    SealedColumn("account", "id", "email", "email_index", email_key),
    SealedColumn("password", "account_id", "hash"),
    SealedColumn("second_factor", "account_id", "secret"),
    SealedColumn("second_factor", "account_id", "proposed"),
    SealedColumn("external_identity", "id", "subject", "subject_index"),
    SealedColumn("signing_key", "kid", "private"),
    SealedColumn("user_import_reject", "id", "message"),
)
