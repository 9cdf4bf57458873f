"""What can go wrong with the audit trail, each with its exit code and a way out."""

from __future__ import annotations

from shopctl.kernel.errors import InvalidData, NotAllowed, NotFound, Partial


class AuditKeyMissing(NotFound):
    """The key of the audit trail is not at {path}; without it nothing can be changed or verified."""

    code = "audit.key_missing"
    hint = "Put the key back from its backup, or name it in audit.key_file. A new shop gets one from: shopctl init"


class AuditKeyUnreadable(NotAllowed):
    """The key of the audit trail at {path} cannot be read: {reason}."""

    code = "audit.key_unreadable"
    hint = "Check who owns the file and its folder."


class AuditKeyInvalid(InvalidData):
    """{path} is not a key of an audit trail: line {line} is not understood."""

    code = "audit.key_invalid"
    hint = "Put the key back from its backup."


class CheckpointUnreadable(NotFound):
    """The checkpoint {path} cannot be read: {reason}."""

    code = "audit.checkpoint_unreadable"
    hint = "Name a file written by: shopctl audit checkpoint --out FILE"


class CheckpointUnwritable(NotAllowed):
    """The checkpoint cannot be written to {path}: {reason}."""

    code = "audit.checkpoint_unwritable"
    hint = "Name a file in a folder that you may write to."


class CheckpointInvalid(InvalidData):
    """{path} is not a checkpoint of this key: {reason}."""

    code = "audit.checkpoint_invalid"
    hint = "Use the file as it was written by: shopctl audit checkpoint, with the key of that time."


class TrailDiffers(Partial):
    """The audit trail was changed after it was written: {differences} finding{plural}."""

    code = "audit.differs"
    hint = "Keep the database as it is and compare it with a backup; docs/audit.md tells what each finding means."


class TextNotRecordable(InvalidData):
    """{what} holds a character that cannot be recorded ({reason})."""

    code = "audit.text_invalid"
    hint = "Write it in UTF-8, without NUL characters."
