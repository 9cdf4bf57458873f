"""Why a file of rows is refused as a whole, and why one cannot be written; a single bad row is a reject instead."""

from __future__ import annotations

from shopctl.kernel.errors import InvalidData, UsageError


class BrokenFeed(InvalidData):
    """{file} cannot be read as a feed."""

    code = "feed.broken"


class EmptyFile(BrokenFeed):
    """{file} is empty."""

    code = "feed.empty"
    hint = "Check how the file was made; a feed has a header and at least one row."


class NotAFeed(BrokenFeed):
    """{file} is not a feed but {kind}."""

    code = "feed.binary"
    hint = "Give a CSV, NDJSON, JSON or XLSX file, plain or gzipped."


class WrongEncoding(BrokenFeed):
    """{file} is not readable as {encoding} (at byte {offset})."""

    code = "feed.encoding"
    hint = 'Save it as UTF-8, or name its encoding in a mapping: encoding = "..."'


class EndlessRecord(BrokenFeed):
    """{file} has a record of more than {limit} bytes at line {line}."""

    code = "feed.record_too_long"
    hint = "A line end or a closing quote is probably missing there."


class Bomb(BrokenFeed):
    """{file} unpacks to far more than it holds ({detail})."""

    code = "feed.bomb"
    hint = "Unpack it first and look at what is inside."


class Truncated(BrokenFeed):
    """{file} ends too early: {detail}."""

    code = "feed.truncated"
    hint = "Fetch the file again."


class UnreadableFile(UsageError):
    """{file} cannot be read: {reason}."""

    code = "usage.file"
    hint = ""


class NothingToWriteTo(UsageError):
    """{path} cannot be written: {reason}."""

    code = "catalogue.cannot_write"
    hint = "Name another file with --out."


class NoRowsInFile(BrokenFeed):
    """{file} has no rows."""

    code = "records.no_rows"
    hint = "Nothing was changed."


class UnknownColumns(BrokenFeed):
    """{file} has columns that are not known here: {unknown}."""

    code = "records.unknown_columns"
    hint = "Rename them or take them out, so that nothing is lost unseen; known are: {known}"


class ColumnTwice(BrokenFeed):
    """{file} has the column {column} twice."""

    code = "records.column_twice"
    hint = "Take one of them out."


class RejectsUnwritable(NothingToWriteTo):
    """The rejects cannot be written to {path}: {reason}."""

    code = "records.rejects_unwritable"
    hint = "Name another file with --rejects; nothing was changed."
