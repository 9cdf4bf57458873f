"""What can go wrong with digital goods: licence keys and downloads."""

from __future__ import annotations

from shopctl.kernel.errors import Conflict, InvalidData, NotAllowed, NotFound, UsageError


class NoLicenceKeyLeft(Conflict):
    """The pool {pool} has no licence key left."""

    code = "licence_key.none_left"
    hint = "Add keys to the pool; the step is tried again."
    retryable = True


class LicenceKeyNotFound(NotFound):
    """There is no licence key {id}."""

    code = "licence_key.not_found"
    hint = "The id stands in the output of the step that claimed it."


class LicenceKeyInvalid(InvalidData):
    """Line {line} is no licence key: {reason}."""

    code = "licence_key.invalid"
    hint = "Give one key a line; nothing was added."


class PoolInvalid(UsageError):
    """{pool!r} cannot name a pool of licence keys."""

    code = "licence_key.pool"
    hint = "Use lower case letters, digits, dots, hyphens and underscores, 63 at most."


class PathInvalid(UsageError):
    """{path!r} cannot be the path of a download."""

    code = "download.path"
    hint = "Write it from the folder of downloads on, such as manuals/mug-1.pdf."


class DownloadRefused(NotAllowed):
    """The download is refused: {reason}."""

    code = "download.refused"
    hint = "Use the link as it is."


class DownloadOver(NotAllowed):
    """The link to this download is over."""

    code = "download.over"
    hint = "Ask the shop for another one."
