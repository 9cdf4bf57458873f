"""What can go wrong with a database, each with its exit code and a way out."""

from __future__ import annotations

from shopctl.kernel.errors import (
    Conflict,
    InvalidData,
    Locked,
    NotAllowed,
    NotFound,
    RemoteFailed,
    ShopctlError,
    UsageError,
)


class NotADatabaseUrl(UsageError):
    """{url!r} is not a database URL."""

    code = "storage.url"
    hint = "Write sqlite:///path/to/shop.db or postgresql://user@host/name; in a password @ is written %40."


class DriverMissing(UsageError):
    """PostgreSQL needs the driver that is not installed."""

    code = "storage.driver_missing"
    hint = "Install it with: pip install 'shopctl[postgres]'"


class DatabaseMissing(NotFound):
    """There is no database at {place}."""

    code = "storage.database_missing"
    hint = "Make it with: shopctl init (or shopctl db upgrade)"


class NoSuchDatabase(DatabaseMissing):
    """The server has no database {place}."""

    hint = "Create it on the server, for example with createdb, or correct database_url."


class FolderMissing(NotFound):
    """There is no folder {folder} to put the database in."""

    code = "storage.folder_missing"
    hint = "Make it first, or correct database_url: shopctl config explain"


class NoReplica(UsageError):
    """store.consistency is eventual, but {reason}."""

    code = "storage.no_replica"
    hint = "Set read_url to a streaming replica of the shop's database, or store.consistency to strong."


class JobLocked(Locked):
    """Another process does this job on {place} already ({name}: {holder})."""

    code = "storage.job_locked"
    hint = "Wait for it to end and run the command again."


class LockLost(Conflict):
    """The connection to {place} broke, and with it the lock on the job {name}."""

    code = "storage.lock_lost"
    hint = "Run the command again; what was committed so far is kept."
    retryable = True


class UnitOpen(ShopctlError):
    """A unit is open on {place} already; units do not nest."""

    code = "storage.unit_open"
    hint = "This is a fault of shopctl: run again with --debug and report it."


class DatabaseLocked(Locked):
    """The database {place} stayed locked by another process for {seconds:g} s."""

    code = "storage.locked"
    hint = "Try again; a long import or migration may be running."


class DatabaseFull(RemoteFailed):
    """No space is left for the database {place}; the change was not made."""

    code = "storage.full"
    hint = "Free some space and run the command again."


class DatabaseReadOnly(NotAllowed):
    """The database {place} cannot be written."""

    code = "storage.read_only"
    hint = "Check the owner and mode of the file and its folder, or the role's rights."


class DatabaseUnreachable(RemoteFailed):
    """The database {place} cannot be reached: {reason}."""

    code = "storage.unreachable"
    hint = "Check that the server runs and that database_url names it: shopctl config explain"


class DiskFailed(RemoteFailed):
    """Reading or writing the database {place} failed: {reason}."""

    code = "storage.io"
    hint = "The last change was not acknowledged. Check the disk, then run: shopctl db check"


class DatabaseDamaged(InvalidData):
    """{place} is not a sound database: {reason}."""

    code = "storage.damaged"
    hint = "Write nothing more to it and restore a backup; how far the damage goes tells: shopctl db check"


class StatementTimedOut(RemoteFailed):
    """The database {place} gave up on a statement: {reason}."""

    code = "storage.timed_out"
    hint = "Nothing was changed. Try again when the server is less busy."


class ConcurrentChange(Conflict):
    """Another process changed the same rows first ({reason})."""

    code = "storage.concurrent_change"
    hint = "Run the command again."
    retryable = True


class ConstraintBroken(Conflict):
    """The database refused the change: {reason}."""

    code = "storage.constraint"
    hint = "Nothing was changed."


class TextInvalid(InvalidData):
    """A text holds a character no database can keep ({reason})."""

    code = "storage.text_invalid"
    hint = "Take NUL characters and lone surrogates out of it."


class StatementFailed(ShopctlError):
    """The database refused a statement: {reason}."""

    code = "storage.statement"
    hint = "This is a fault of shopctl: run again with --debug and report it."


class SchemaOutdated(Conflict):
    """The {chain} database is at schema {found}, this shopctl needs {wanted}."""

    code = "storage.schema_outdated"
    hint = "Bring it up to date with: shopctl db upgrade"


class SchemaNewer(Conflict):
    """The {chain} database is at schema {found}, which is newer than this shopctl knows ({wanted})."""

    code = "storage.schema_newer"
    hint = "Use the newer shopctl that upgraded it."


class OtherChain(Conflict):
    """{place} is the {found} database, not the {wanted} database."""

    code = "storage.other_chain"
    hint = "The shop and the authentication server need a database each: see database_url and auth_database_url."


class NotEmpty(Conflict):
    """The database {place} holds tables that shopctl did not make ({table})."""

    code = "storage.not_empty"
    hint = "Give it an empty database."


class TargetNotEmpty(Conflict):
    """{place} holds rows already ({table}); a shop can only be moved into an empty database."""

    code = "storage.target_not_empty"
    hint = "Name a new database, or one that holds nothing."


class CopyDiffers(ShopctlError):
    """The copy of {table} differs from its source ({source} and {copy} rows); nothing was kept."""

    code = "storage.copy_differs"
    hint = "This is a fault of shopctl or of the disk: run again with --debug and report it."


class SchemaBroken(InvalidData):
    """The upgrade would leave rows of {table} that refer to nothing; it was not made."""

    code = "storage.schema_broken"
    hint = "Find them with: shopctl db check"


class PermissionsTooOpen(NotAllowed):
    """{path} is open to others (mode {mode}); it must be {wanted}."""

    code = "storage.permissions"
    hint = "Close it with: chmod {wanted} {argument}"


class LeaseLost(Conflict):
    """The lease {name} was taken over by another process; this one's writes are refused."""

    code = "storage.lease_lost"
    hint = "Run the command again; what was done so far is kept."
