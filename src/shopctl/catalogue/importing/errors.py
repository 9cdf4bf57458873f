"""What can go wrong with an import as a whole; what is wrong with a single row is a reject."""

from __future__ import annotations

from shopctl.catalogue.errors import NothingToWriteTo
from shopctl.kernel.errors import InvalidData, Partial, ShopctlError, UsageError


class RejectsUnwritable(NothingToWriteTo):
    """The rejects cannot be written to {path}: {reason}."""

    hint = "Name another file with --rejects; nothing was changed."


class RowsRejected(InvalidData):
    """{rejected:,} of {rows:,} rows {are} not valid, so the file {was} refused; nothing was changed."""

    code = "catalogue.rows_rejected"
    hint = "{remedy} To take only the good rows: --on-error skip-rows"


class RowsSkipped(Partial):
    """{rejected:,} of {rows:,} rows {were_not} taken; the rest {is_in} the catalogue."""

    code = "catalogue.rows_skipped"
    hint = "{remedy}"


class NothingUsable(InvalidData):
    """No row is valid ({rows:,} read); nothing was changed."""

    code = "catalogue.nothing_usable"
    hint = "The first reason is: {first}. {remedy} Perhaps the feed needs a --mapping."


class RejectsCannotPrune(UsageError):
    """{path} holds the rejects of another file, so that what it does not name is not gone."""

    code = "catalogue.rejects_cannot_prune"
    hint = "Import it without --prune; prune with the whole feed."


class CountsDiffer(ShopctlError):
    """The import reports {reported} products {what}, the database holds {stored}."""

    code = "catalogue.counts_differ"
    hint = "Look at the import with: shopctl catalogue imports; then run: shopctl db check"
