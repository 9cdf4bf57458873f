"""What can be wrong with a row of a file of users, and with the file as a whole."""

from __future__ import annotations

from shopctl.kernel.errors import Conflict, InvalidData, Partial


class NobodyNamed(InvalidData):
    """The row names no user: it has neither a user name nor an e-mail address."""

    code = "user.nobody_named"


class PlainPassword(InvalidData):
    """The row holds a plain password; a file of users takes hashes only."""

    # Such a file is a leak: whoever made it, sent it or finds it later can log in as everybody in it.
    code = "user.plain_password"


class ServiceWithPassword(InvalidData):
    """A service has a secret that is made for it here, not a password."""

    code = "user.service_password"


class KindChanged(InvalidData):
    """{name!r} is a {kind} here; what a user is does not change."""

    code = "user.kind_changed"


class NotOneOf(InvalidData):
    """{text!r} is none of: {words}."""

    code = "user.not_one_of"


class NotAList(InvalidData):
    """{text!r} is not a list: write names separated by blanks, commas or |, or a JSON list of texts."""

    code = "user.not_a_list"


class NotAMoment(InvalidData):
    """{text!r} is not a time: write 2026-11-24T13:34:00Z, or seconds or milliseconds since 1970."""

    code = "user.not_a_time"


class UserTwice(InvalidData):
    """The row is about the same user as line {line}; a file says what it says of a user once."""

    code = "user.twice"


class NoUserColumn(InvalidData):
    """{file} has no column that names users; its columns are: {columns}."""

    code = "user.no_identity"
    hint = "It needs a column `username`, or `email` for users who go by their address."


class UsersChanged(Conflict):
    """Users were added or changed by somebody else while the file was read."""

    code = "user.changed_meanwhile"
    hint = "Import the file again: what was done already is found unchanged."
    retryable = True


class OtherImportStopped(Conflict):
    """{file} is not what stopped: that was {source}, at line {line:,}; this file, or what is asked of it, differs."""

    code = "user.other_import_stopped"
    hint = "Go on with that file as it was; or leave --resume away, and what was done already is found unchanged."


class UserRowsRejected(InvalidData):
    """{rejected:,} of {rows:,} rows {are} not valid, so the file {was} refused; nothing was changed."""

    code = "user.rows_rejected"
    hint = "{remedy} To take only the good rows: --on-error skip-rows"


class UserRowsSkipped(Partial):
    """{rejected:,} of {rows:,} rows {were_not} taken; the rest {is_in}."""

    code = "user.rows_skipped"
    hint = "{remedy}"
