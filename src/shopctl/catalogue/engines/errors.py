"""What can go wrong with a search index, each with its exit code and a way out."""

from __future__ import annotations

from shopctl.kernel.errors import Locked, NotFound, RemoteFailed, UsageError


class EngineMissing(UsageError):
    """There is no search engine {name!r} here."""

    code = "search.engine"
    hint = "Set search.engine to one of: {known}"


class EngineNotInstalled(UsageError):
    """The search engine {name} cannot be loaded: {reason}."""

    code = "search.engine_not_installed"
    hint = "Install it with: pip install {package}, or set search.engine to {other}."


class IndexUnusable(NotFound):
    """The search index cannot be read: {reason}."""

    code = "search.index_unusable"
    hint = "Build it again with: shopctl catalogue reindex"


class IndexBusy(Locked):
    """Another process is building the search index."""

    code = "search.index_busy"
    hint = "Wait for it to end and search again."


class IndexNotWritten(RemoteFailed):
    """The search index in {folder} cannot be written: {reason}."""

    code = "search.index_not_written"
    hint = "The catalogue itself is safe. Make room or set the folder's rights right, then: shopctl catalogue reindex"
    retryable = False


class BadCondition(UsageError):
    """{text!r} is not a condition: {reason}."""

    code = "search.where"
    hint = "{remedy}"


class UnknownSearchField(UsageError):
    """Products have no field {field!r} to {purpose} by."""

    code = "search.unknown_field"
    hint = "Use {known}, or an option or attribute such as attributes.color.{suggestion}"


class UnknownSort(UsageError):
    """Hits cannot be sorted by {field!r}."""

    code = "search.sort"
    hint = "Use relevance, price, -price, name, -name, newest or oldest."


class BadRange(UsageError):
    """{text!r} cannot be counted: {reason}."""

    code = "search.range"
    hint = "Write ranges behind the field, such as --facet 'price:0-50,50-100,100-', or none for round ones."
