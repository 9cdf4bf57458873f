"""Where the audit trail is stored, in each database: its entries, the seals over them, and the identity of the trail.

Times are microseconds since the epoch (UTC); digests are hexadecimal text, facts are canonical JSON.
"""

from __future__ import annotations

from sqlmodel import Field, SQLModel

from shopctl.storage.tables import AuthTable, ShopTable

# Without it SQLite would hand out the id of a deleted last entry again, and the deletion would leave no gap.
_NEVER_REUSED = {"sqlite_autoincrement": True}
_GIVEN = {"autoincrement": False}


class _Trail(SQLModel):
    id: int = Field(default=1, primary_key=True, sa_column_kwargs=_GIVEN)
    database_id: str
    created_at: int
    key_id: str
    mac: str


class _Entry(SQLModel):
    id: int | None = Field(default=None, primary_key=True)
    seal: int | None = Field(default=None, index=True)  # none until it is sealed
    at: int
    actor: str  # os:anna
    action: str  # catalogue.publish
    subject: str | None = None
    reason: str | None = None
    request_id: str
    changed: int  # how many things the action changed
    facts: str  # canonical JSON object, secrets taken out
    key_id: str
    mac: str  # HMAC-SHA-256 over all of the above but the seal


class _Seal(SQLModel):
    number: int = Field(primary_key=True, sa_column_kwargs=_GIVEN)
    first_entry: int
    last_entry: int
    entries: int  # how many there are
    at: int
    dialect: str  # of the database that gave the ids: SQLite's have no gaps
    hash: str  # SHA-256 over the canonical bytes of the entries
    previous: str  # the `mac` of the seal before, empty for the first
    key_id: str
    mac: str  # HMAC-SHA-256 over all of the above


class ShopAuditTrail(_Trail, ShopTable, table=True):
    """The one row that says which trail this is; every entry and seal is bound to its `database_id`."""

    __tablename__ = "audit_trail"


class ShopAuditEntry(_Entry, ShopTable, table=True):
    """Who changed what, when and why: one row for one use case, committed with the change itself."""

    __tablename__ = "audit_entry"
    __table_args__ = (_NEVER_REUSED,)


class ShopAuditSeal(_Seal, ShopTable, table=True):
    """A batch of entries, chained to the batch before under a key that is kept outside the database."""

    __tablename__ = "audit_seal"


class AuthAuditTrail(_Trail, AuthTable, table=True):
    """The same in the authentication database."""

    __tablename__ = "audit_trail"


class AuthAuditEntry(_Entry, AuthTable, table=True):
    """The same in the authentication database."""

    __tablename__ = "audit_entry"
    __table_args__ = (_NEVER_REUSED,)


class AuthAuditSeal(_Seal, AuthTable, table=True):
    """The same in the authentication database."""

    __tablename__ = "audit_seal"
