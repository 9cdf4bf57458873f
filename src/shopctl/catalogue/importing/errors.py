"""What can go wrong with an import as a whole; what is wrong with a single row is a reject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from shopctl.kernel.errors import Conflict, InvalidData, NotFound, Partial, ShopctlError, UsageError, one_line
from shopctl.records.errors import NothingToWriteTo

_SHOWN = 10


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


class BadGuard(UsageError):
    """{text!r} is not a guard."""

    code = "catalogue.bad_guard"
    hint = "{reason}, such as: {examples}"


class GuardBroken(InvalidData):
    """{what}; nothing was changed."""

    code = "catalogue.guard"
    hint = "Look at the feed with --dry-run. Where it is right after all, give the guard a wider bound with --guard."

    @property
    def details(self) -> dict[str, object]:
        """The guards that are broken, each with the worst offenders."""
        return {"guards": self.facts["guards"]}

    @property
    def lines(self) -> list[str]:
        """The worst offenders of each guard."""
        lines: list[str] = []
        broken = cast("Sequence[Mapping[str, Any]]", self.facts["guards"])
        for guard in broken:
            if len(broken) > 1:
                lines.append(f"{guard['rule']}:")
            rows = [
                [each["sku"], f"{each['before']} -> {each['after']}" if each["before"] else "", each["change"]]
                for each in guard["worst"]
            ]
            lines += columns(rows)
            if (more := guard["count"] - len(rows)) > 0:
                lines.append(f"… and {more:,} more")
        return lines


class PlanNotFound(NotFound):
    """There is no plan {path}."""

    code = "catalogue.plan_not_found"
    hint = "Make one with: shopctl catalogue import FILE --plan-out PLAN"


class PlanUnusable(InvalidData):
    """{path} is no plan that can be applied: {reason}; nothing was changed."""

    code = "catalogue.plan_unusable"
    hint = "Make a new plan with: shopctl catalogue import FILE --plan-out PLAN"


class PlanOfAnotherShop(Conflict):
    """The plan was made for another shop ({planned}); this one is {here}."""

    code = "catalogue.plan_of_another_shop"
    hint = (
        "Apply it in the shop it was made for, or make a plan here with: shopctl catalogue import FILE --plan-out PLAN"
    )


class PlanApplied(Conflict):
    """The plan was applied already, at {at} as import {import_id}."""

    code = "catalogue.plan_applied"
    hint = "For what the feed says now make a new plan with: shopctl catalogue import FILE --plan-out PLAN"


class StalePlan(Conflict):
    """The catalogue changed since the plan was made: {changed} product(s) differ."""

    code = "catalogue.stale_plan"
    hint = "Make a new plan with: shopctl catalogue import FILE --plan-out PLAN"

    @property
    def details(self) -> dict[str, object]:
        """What differs: the first of the products, each with what became of it."""
        return {"changed": self.facts["changed"], "products": self.facts["products"]}

    @property
    def lines(self) -> list[str]:
        """The first ten of them."""
        products = cast("Sequence[Mapping[str, str]]", self.facts["products"])
        lines = columns([[each["sku"], each["change"]] for each in products[:_SHOWN]])
        more = cast("int", self.facts["changed"]) - len(lines)
        return lines + ([f"… and {more:,} more"] if more > 0 else [])


class PlanOvertaken(StalePlan):
    """The catalogue changed while the plan was applied: {changed} product(s) differ; {done} were changed before."""

    hint = "Take back what was done with: shopctl catalogue rollback {import_id}; or make a new plan for the rest."


class ImportNotFound(NotFound):
    """There is no import {import_id}."""

    code = "catalogue.import_not_found"
    hint = "See them with: shopctl catalogue imports"


class RolledBackAlready(Conflict):
    """The import {import_id} was rolled back already."""

    code = "catalogue.rolled_back_already"
    hint = "To have its changes again, import the feed again."


class RollbackConflict(StalePlan):
    """{changed} product(s) changed since the import; nothing was rolled back."""

    code = "catalogue.rollback_conflict"
    hint = "Look at them with: shopctl catalogue history SKU; later imports are rolled back first."


class RollbackOvertaken(RollbackConflict):
    """{changed} product(s) changed while the import was rolled back; {done} are as they were before it."""

    hint = "See what changed with: shopctl catalogue history SKU"


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of text as lines with aligned columns; columns that are empty throughout are left out."""
    rows = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:<{min(width, 40)}}" for cell, width in zip(row, widths, strict=True) if width).rstrip()
        for row in rows
    ]
