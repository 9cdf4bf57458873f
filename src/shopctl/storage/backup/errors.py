"""What can go wrong with a backup, each with its exit code and a way out."""

from __future__ import annotations

from shopctl.kernel.errors import Conflict, InvalidData, NotAllowed, NotFound, RemoteFailed


class BackupNotFound(NotFound):
    """There is no backup {name!r} in {place}."""

    code = "backup.not_found"
    hint = "See which there are with: shopctl backup list"


class NoBackups(NotFound):
    """There is no backup in {place} yet."""

    code = "backup.none"
    hint = "Make one with: shopctl backup create"


class BackupDamaged(InvalidData):
    """The backup {path} is damaged: {reason}."""

    code = "backup.damaged"
    hint = "Nothing was changed. Take another one, which `shopctl backup verify` finds whole: shopctl backup list"


class BackupKeyMissing(NotFound):
    """There is no backup key at {path}."""

    code = "backup.key_missing"
    hint = "Put it back from where it is kept safe, or name its place in backup.key_file."


class BackupKeyUnreadable(NotAllowed):
    """The backup key {path} cannot be read: {reason}."""

    code = "backup.key_unreadable"
    hint = "Check its owner and mode."


class BackupKeyInvalid(InvalidData):
    """{path} is not a backup key: line {line} is not understood."""

    code = "backup.key_invalid"
    hint = "Put the key back from where it is kept safe: a line is shopctl-backup-key-1: and 64 hexadecimal digits."


class BackupKeyWrong(NotAllowed):
    """The backup {path} was made under the key {wanted}; at hand is {found}."""

    code = "backup.key_wrong"
    hint = "Add the line of that key to the file that backup.key_file names: shopctl config explain backup"


class BackupNewer(Conflict):
    """The backup {path} was made by a newer shopctl."""

    code = "backup.newer"
    hint = "Restore it with that one, or with a newer."


class BackupOfOtherKind(Conflict):
    """The backup holds the {chain} database as {found}, but {place} is to be {wanted}."""

    code = "backup.other_kind"
    hint = "Restore it into a database of its own kind, then copy that with: shopctl db move"


class OtherNamespace(Conflict):
    """The backup holds tables of the PostgreSQL schema {found}; {place} works in {wanted}."""

    code = "backup.other_namespace"
    hint = "Name the schema with search_path in the database URL, as it was when the backup was made."


class BackupUnwritable(NotAllowed):
    """The backup cannot be written to {path}: {reason}."""

    code = "backup.unwritable"
    hint = "Name another folder with --out DIR, or in backup.folder."


class NoRoomForBackup(RemoteFailed):
    """No space is left in {path}; no backup was made."""

    code = "backup.no_room"
    hint = "Free some space, remove old ones with `shopctl backup prune`, or name another folder with --out DIR."


class BackupUnreadable(RemoteFailed):
    """The backup {path} cannot be read: {reason}."""

    code = "backup.unreadable"
    hint = "Check the disk or the connection to where it lies; nothing was changed."


class PgDumpMissing(NotFound):
    """A backup of PostgreSQL needs the program pg_dump, which is not installed."""

    code = "backup.pg_dump_missing"
    hint = "Install the client programs of PostgreSQL {wanted} or newer, or name pg_dump in backup.pg_dump."


class PgDumpTooOld(Conflict):
    """The server is PostgreSQL {wanted}, but {program} is of version {found}."""

    code = "backup.pg_dump_too_old"
    hint = "Install the client programs of PostgreSQL {wanted} or newer, or name their pg_dump in backup.pg_dump."


class PgDumpFailed(RemoteFailed):
    """pg_dump failed: {reason}"""

    code = "backup.pg_dump_failed"
    hint = "No backup was made. See to what it says, then run the command again."


class ScratchDenied(NotAllowed):
    """No scratch database can be made beside {place}: {reason}."""

    code = "backup.scratch_denied"
    hint = "A drill needs a role that may create databases: alter role … createdb"
