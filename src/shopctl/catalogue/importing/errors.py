"""What can go wrong with an import as a whole; what is wrong with a single row is a reject."""

from __future__ import annotations

from shopctl.catalogue.errors import NothingToWriteTo
from shopctl.kernel.errors import InvalidData, Partial, ShopctlError


class RejectsUnwritable(NothingToWriteTo):
    """The rejects cannot be written to {path}: {reason}."""

    hint = "Name another file with --rejects; nothing was changed."


class RowsRejected(InvalidData):
    """{rejected:,} of {rows:,} rows {are} not valid, so the file {was} refused; nothing was changed."""

    code = "catalogue.rows_rejected"
    hint = "They are named in {rejects_file}. To take the good rows: --on-error skip-rows"


class RowsSkipped(Partial):
    """{rejected:,} of {rows:,} rows {were_not} taken; the rest {is_in} the catalogue."""

    code = "catalogue.rows_skipped"
    hint = "Correct them in {rejects_file} and import that file."


class NothingUsable(InvalidData):
    """None of the {rows:,} rows is valid; nothing was changed."""

    code = "catalogue.nothing_usable"
    hint = "The first reason is: {first}. All are named in {rejects_file}; perhaps the feed needs a --mapping."


class CountsDiffer(ShopctlError):
    """The import reports {reported} products {what}, the database holds {stored}."""

    code = "catalogue.counts_differ"
    hint = "Look at the import with: shopctl catalogue imports; then run: shopctl db check"
