"""What can go wrong with sealed columns and the keys they are sealed under."""

from __future__ import annotations

from shopctl.kernel.errors import Conflict, InvalidData, NotAllowed, NotFound, RemoteFailed, UsageError


class SealBroken(InvalidData):
    """{table}.{column} of the row {row} does not open: it was altered, or it comes from another place."""

    code = "sealing.broken"
    hint = "Restore that row from a backup; everything else can still be read."


class SealingKeyMissing(NotFound):
    """The {chain} database does not hold its sealing key {key}."""

    code = "sealing.key_missing"
    hint = "Restore the whole database from one backup: sealed values and their key belong together."


class SealingKeysMissing(NotFound):
    """The {chain} database has no sealing keys yet."""

    code = "sealing.keys_missing"
    hint = "Make them with: shopctl init"


class SealingKeyWrong(NotAllowed):
    """The {chain} database is sealed under the key-encryption key {wanted}; configured is {found}."""

    code = "sealing.key_wrong"
    hint = "Name the right key in the settings, or put its file back: shopctl config explain"


class SealingKeyDamaged(InvalidData):
    """The sealing key {key} ({purpose}) of the {chain} database was altered and does not open."""

    code = "sealing.key_damaged"
    hint = "Restore the database from a backup."


class KekMissing(NotFound):
    """There is no key-encryption key at {source}."""

    code = "sealing.kek_missing"
    hint = "Put the key back from where it is kept safe, or correct the setting: shopctl config explain"


class KekNotThere(NotFound):
    """There is no key at {path}, so nothing was resealed."""

    code = "sealing.kek_not_there"
    hint = "Correct the path, or have a key made there: shopctl key reseal --to {argument} --new-key"


class KekUnwritable(NotAllowed):
    """No key can be made at {path}: {reason}."""

    code = "sealing.kek_unwritable"
    hint = "Name a file in a folder that is there and that you may write to."


class KekUnreadable(NotAllowed):
    """The key-encryption key {source} cannot be read: {reason}."""

    code = "sealing.kek_unreadable"
    hint = "Check its owner and mode."


class KekInvalid(InvalidData):
    """{source} does not hold a key-encryption key of 32 bytes."""

    code = "sealing.kek_invalid"
    hint = "In a file it is shopctl-kek-1: and 64 hexadecimal digits; elsewhere the 32 bytes in base64 or hexadecimal."


class KekSourceUnknown(UsageError):
    """{source!r} does not say where a key-encryption key is."""

    code = "sealing.kek_source"
    hint = "Write file:PATH, env:NAME, keyring:SERVICE/NAME, or the scheme of a plugin ({schemes}): shopctl plugin list"


class KeyringMissing(UsageError):
    """The key-encryption key {source} needs the package keyring, which is not installed."""

    code = "sealing.keyring_missing"
    hint = "Install it with: pip install 'shopctl[keyring]'"


class KekUnavailable(RemoteFailed):
    """The key-encryption key {source} cannot be used: {reason}."""

    code = "sealing.kek_unavailable"
    hint = "Check that its device or service answers; nothing was changed."


class ResealStuck(Conflict):
    """{left} value(s) stayed under the old key: other processes keep their rows locked."""

    code = "sealing.reseal_stuck"
    hint = "Run the command again when they have ended; it goes on where it stopped."
    retryable = True
