"""Where the Authentication Database stores users, roles, credentials, keys, tokens and throttling.

Times are microseconds since the epoch (UTC). A column marked sealed holds what `storage.sealing` wrote; its `_index` is
the blind index that it is looked up by. Secrets that machines made are kept as HMAC-SHA-256 in hexadecimal.
"""

from __future__ import annotations

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from shopctl.storage.tables import AuthTable


def _unique_later(table: str, column: str) -> tuple[Index, UniqueConstraint]:
    """A unique column that a first import has checked at its end, see `Unit.unique_later`."""
    name = f"uq_{table}_{column}"
    return (
        Index(name, column, unique=True).ddl_if(dialect="sqlite"),
        UniqueConstraint(column, name=name, deferrable=True, initially="IMMEDIATE").ddl_if(dialect="postgresql"),
    )


_WITHOUT_ROWID = {"sqlite_with_rowid": False}  # the key is a text: one tree less to write


class Account(AuthTable, table=True):
    """A user: a person or a service."""

    __table_args__ = (*_unique_later("account", "name_key"), *_unique_later("account", "email_index"))

    id: str = Field(primary_key=True)  # usr_…
    name: str
    name_key: str  # NFKC, casefolded: Anna and anna are one
    kind: str  # person, service
    state: str  # active, disabled
    email: str | None = None  # sealed
    email_index: str | None = None
    token_epoch: int  # a token of an earlier epoch is refused
    version: int
    created_at: int
    updated_at: int
    last_login_at: int | None = None


class Password(AuthTable, table=True):
    """The hash of a person's password."""

    __table_args__ = _WITHOUT_ROWID

    account_id: str = Field(primary_key=True, foreign_key="account.id", ondelete="CASCADE")
    hash: str  # sealed
    kind: str  # what `auth.hash_forms.kind_of` says, for the census
    changed_at: int
    is_short: int = 0  # 1 for one that is long enough only beside a second factor
    imported: str | None = None  # HMAC of the hash that a file brought last: the same one again changes nothing


class ClientSecret(AuthTable, table=True):
    """A secret of a service: 256 random bits, of which only the HMAC is kept."""

    __tablename__ = "client_secret"

    hmac: str = Field(primary_key=True)
    account_id: str = Field(index=True, foreign_key="account.id", ondelete="CASCADE")
    created_at: int


class SecondFactor(AuthTable, table=True):
    """A generator of time-based one-time passwords (RFC 6238)."""

    __tablename__ = "second_factor"

    account_id: str = Field(primary_key=True, foreign_key="account.id", ondelete="CASCADE")
    secret: str | None = None  # sealed; none until one is confirmed
    proposed: str | None = None  # sealed: enrolled, but not confirmed yet
    confirmed_at: int | None = None
    last_step: int  # a code is good once: the newest time step that was accepted
    created_at: int


class RecoveryCode(AuthTable, table=True):
    """A code for one login without the generator; used ones are gone."""

    __tablename__ = "recovery_code"

    hmac: str = Field(primary_key=True)
    account_id: str = Field(index=True, foreign_key="account.id", ondelete="CASCADE")


class ExternalIdentity(AuthTable, table=True):
    """Who an account is at an identity provider."""

    __tablename__ = "external_identity"
    __table_args__ = (UniqueConstraint("provider", "subject_index"),)

    id: str = Field(primary_key=True)  # idn_…
    provider: str
    subject: str  # sealed
    subject_index: str
    account_id: str = Field(index=True, foreign_key="account.id", ondelete="CASCADE")
    linked_at: int


class Role(AuthTable, table=True):
    """A named set of permissions."""

    name: str = Field(primary_key=True)
    description: str
    created_at: int


class RolePermission(AuthTable, table=True):
    """A permission of a role."""

    __tablename__ = "role_permission"

    role: str = Field(primary_key=True, foreign_key="role.name", ondelete="CASCADE")
    permission: str = Field(primary_key=True)


class RoleParent(AuthTable, table=True):
    """A role has all that its parent has."""

    __tablename__ = "role_parent"

    role: str = Field(primary_key=True, foreign_key="role.name", ondelete="CASCADE")
    parent: str = Field(primary_key=True, foreign_key="role.name", index=True)


class AccountRole(AuthTable, table=True):
    """A role that an account was given."""

    __tablename__ = "account_role"
    __table_args__ = _WITHOUT_ROWID

    account_id: str = Field(primary_key=True, foreign_key="account.id", ondelete="CASCADE")
    role: str = Field(primary_key=True, foreign_key="role.name", index=True)
    granted_at: int


class AccountPermission(AuthTable, table=True):
    """A permission that an account was given by itself."""

    __tablename__ = "account_permission"

    account_id: str = Field(primary_key=True, foreign_key="account.id", ondelete="CASCADE")
    permission: str = Field(primary_key=True)
    granted_at: int


class SigningKey(AuthTable, table=True):
    """A key that signs tokens, or did."""

    __tablename__ = "signing_key"
    __table_args__ = (
        Index(
            "uq_signing_key_active",
            "state",
            unique=True,
            sqlite_where=text("state = 'active'"),
            postgresql_where=text("state = 'active'"),
        ),
    )

    kid: str = Field(primary_key=True)
    algorithm: str
    state: str  # next, active, passive, disabled
    private: str | None = None  # sealed JWK; none once it is disabled
    public: str  # JWK; empty for HS256, whose key has no public half
    created_at: int
    activated_at: int | None = None
    passive_at: int | None = None
    disabled_at: int | None = None


class Session(AuthTable, table=True):
    """One login, and the family of refresh tokens that came from it."""

    id: str = Field(primary_key=True)  # ses_…
    account_id: str = Field(index=True, foreign_key="account.id", ondelete="CASCADE")
    methods: str  # how it was authenticated, such as `pwd otp` (RFC 8176)
    source_index: str
    scope: str
    audience: str
    created_at: int
    expires_at: int = Field(index=True)
    ended_at: int | None = None
    ended_because: str | None = None


class RefreshToken(AuthTable, table=True):
    """A refresh token; each is good once, and a later use of a used one ends its session."""

    __tablename__ = "refresh_token"

    hmac: str = Field(primary_key=True)
    session_id: str = Field(index=True, foreign_key="session.id", ondelete="CASCADE")
    issued_at: int
    expires_at: int
    used_at: int | None = None


class AccessToken(AuthTable, table=True):
    """The record of an access token: which key signed it, until when it is good, whether it was revoked."""

    __tablename__ = "access_token"

    jti: str = Field(primary_key=True)
    account_id: str = Field(index=True, foreign_key="account.id", ondelete="CASCADE")
    session_id: str | None = Field(default=None, index=True, foreign_key="session.id", ondelete="CASCADE")
    kid: str
    token_epoch: int
    issued_at: int
    expires_at: int = Field(index=True)
    revoked_at: int | None = None


class PersonalToken(AuthTable, table=True):
    """A token that a user made for a program: 256 random bits, of which only the HMAC is kept."""

    __tablename__ = "personal_token"

    id: str = Field(primary_key=True)  # pat_…
    hmac: str = Field(unique=True)
    account_id: str = Field(index=True, foreign_key="account.id", ondelete="CASCADE")
    name: str
    scope: str
    token_epoch: int
    created_at: int
    expires_at: int
    last_used_at: int | None = None
    revoked_at: int | None = None


class Throttle(AuthTable, table=True):
    """Failed logins of one account, of one source, or of both together, and until when the next one waits."""

    subject: str = Field(primary_key=True)  # HMACs: a source is personal data, and anybody can name an account
    account_id: str | None = Field(default=None, index=True, foreign_key="account.id", ondelete="CASCADE")
    failures: int
    first_at: int
    last_at: int = Field(index=True)
    blocked_until: int


class FamiliarSource(AuthTable, table=True):
    """A place from which an account has logged in."""

    __tablename__ = "familiar_source"

    account_id: str = Field(primary_key=True, foreign_key="account.id", ondelete="CASCADE")
    source_index: str = Field(primary_key=True)
    last_at: int


class UserImport(AuthTable, table=True):
    """An import of users that has not ended: under way, or killed."""

    __tablename__ = "user_import"

    id: str = Field(primary_key=True)  # imp_…
    fingerprint: str | None = None  # of the file; none for what cannot be read again
    source: str  # the file's name
    line: int  # the last one that is done with
    counts: str  # JSON
    started_at: int


class UserImportReject(AuthTable, table=True):
    """A row that such an import did not take."""

    __tablename__ = "user_import_reject"
    __table_args__ = _WITHOUT_ROWID

    id: str = Field(primary_key=True)  # that of the import, and the line with leading zeros
    message: str  # sealed JSON: field, code, message, which may repeat what stands in the row
