"""Why a feed is refused as a whole; a single bad record is a Reject instead."""

from __future__ import annotations

from shopctl.kernel.errors import UsageError
from shopctl.records.errors import BrokenFeed


class NoRows(BrokenFeed):
    """{file} has no rows."""

    code = "feed.no_rows"
    hint = "Nothing was changed. To empty a catalogue on purpose use: shopctl catalogue retire"


class NoIdentity(BrokenFeed):
    """{file} has no SKU column; its columns are: {columns}."""

    code = "feed.no_sku"
    hint = 'Name the column with --mapping FILE: [columns] and below it "{example}" = "sku"'


class TooWide(BrokenFeed):
    """{file} has {count} columns, at most {limit} are read."""

    code = "feed.too_wide"
    hint = "A line end is probably missing behind the header; else put what belongs together into one JSON column."


class BadArchive(BrokenFeed):
    """{file} is damaged or not safe to read: {detail}."""

    code = "feed.archive"
    hint = "Save the workbook again with a spreadsheet program, or export it as CSV."


class BadJson(BrokenFeed):
    """{file} is not valid JSON for a feed: {detail}."""

    code = "feed.json"
    hint = 'A JSON feed is a list of objects, or an object with a list under "products".'


class TooConnected(BrokenFeed):
    """What the rows of {file} say of products in other rows takes more than {limit} bytes."""

    code = "feed.too_connected"
    hint = "Import it in several parts, each with whole products."


class NotOfThisShop(BrokenFeed):
    """{file} is not a file of {format}; its columns are: {columns}."""

    code = "feed.other_shop"
    hint = "Leave --format away to have its format found by itself."


class UnknownFormat(UsageError):
    """There is no feed format {format!r}; there are: {formats}.{broken}"""

    code = "usage.format"
    hint = "Leave --format away to have it found by itself."


class NoRowsInSheet(BrokenFeed):
    """{file} has no rows in its sheet {sheet!r}, the first that is visible; the others, {others}, are not read."""

    code = "feed.no_rows_in_sheet"
    hint = "Put the sheet with the products first, or hide those before it. Nothing was changed."


class NoIdentityInSheet(BrokenFeed):
    """{file} has no SKU column in its sheet {sheet!r}, the first visible one; the others, {others}, are not read."""

    code = "feed.no_sku_in_sheet"
    hint = "Put the sheet with the products first, or hide those before it. The columns of this one are: {columns}."


class PluginRefused(BrokenFeed):
    """{file} is not a feed of the format {format}: {detail}"""

    code = "feed.plugin"
    hint = "The format comes from a plugin; see shopctl plugin list."


class BadMapping(UsageError):
    """{file}: {problem}"""

    code = "usage.mapping"
    hint = "{remedy}"
