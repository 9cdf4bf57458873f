"""What an import, a plan or its applying says when it is done, for people and for scripts."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from shopctl.kernel.errors import one_line

if TYPE_CHECKING:
    from shopctl.catalogue.importing.request import Report
    from shopctl.cli.shop import Shop


def finish(shop: Shop, report: Report, text: Callable[[], str], *, taken: bool = False) -> None:
    """Show a report (on standard error where standard output is `taken`), bring the index in step, name what failed.

    Raises GuardBroken, NothingUsable, RowsRejected, RowsSkipped.
    """
    from shopctl.cli.progress import progress

    if taken:
        shop.note(text())
    else:
        shop.show(report.as_dict(), text=text)
    if report.changed and not report.dry_run:
        with progress(shop, "Indexing", total=None) as bar:
            shop.services.search.follow(lambda done: bar.update(done, rows=done), shop.note)
    report.raise_for_guards()
    report.raise_for_rejects()


def summary(report: Report, file: str, verb: str) -> str:
    """A report for people; `verb` is what was done to `file`."""
    counts = report.counts
    name = "standard input" if file == "-" else file.rpartition("/")[2]
    what = "Refused" if report.refused and not report.dry_run else verb
    how = "nothing was changed" if report.dry_run or report.refused else f"{_duration(report.seconds)}"
    lines = [f"{what} {name}: {_rows(counts.rows)}, {how}" + (" (resumed)" if report.resumed else "")]
    would = "would be " if report.dry_run else ""
    numbers = [
        (getattr(counts, key), (would if key in _WRITES else "") + words)
        for key, words in _WORDS.items()
        if getattr(counts, key)
    ]
    held_back = counts.rows - sum(getattr(counts, key) for key in _OF_ROWS)
    if held_back:
        numbers.append(
            (held_back, f"valid, but {'would not be' if report.dry_run else 'not'} taken with the file refused")
        )
    lines += numbered(numbers)
    if report.not_pruned:
        lines += ["", f"Nothing {'would be' if report.dry_run else 'was'} retired: {report.not_pruned}."]
    lines += _guard_lines(report)
    lines += change_lines(report.changes, counts.created + counts.updated + counts.retired)
    rejects = [(f"line {row['line']}", row["sku"], _reason(row)) for row in report.rejects[:_SHOWN]]
    lines += _listed_rows("Not taken:", rejects, counts.rejected)
    superseded = [(f"line {row['line']}", row["sku"], row["message"]) for row in report.superseded[:_SHOWN_REPLACED]]
    lines += _listed_rows("Replaced by a later row:", superseded, counts.superseded)
    if report.plan_file and report.plan_file != "-":
        command = f"shopctl catalogue apply {shlex.quote(report.plan_file)}"
        held = any(guard["broken"] for guard in report.guards)
        lines += ["", f"{'It breaks a guard, so this would refuse it' if held else 'Carry it out with'}: {command}"]
    return "\n".join(map(one_line, lines))


def _guard_lines(report: Report) -> list[str]:
    if not report.guards:
        return []
    width = max(len(guard["rule"]) for guard in report.guards)
    states = {True: "broken", False: "holds "}
    lines = [f"  {each['rule']:<{width}}  {states[each['broken']]}  {each['measured']}" for each in report.guards]
    return ["", "Guards:", *lines]


def numbered(numbers: Sequence[tuple[int, str]]) -> list[str]:
    """Counts and what they count, aligned."""
    width = max((len(f"{number:,}") for number, _ in numbers), default=0)
    return [f"  {number:>{width},}  {words}" for number, words in numbers]


def change_lines(changes: Sequence[dict[str, Any]], total: int) -> list[str]:
    """Changes as a dry run shows them: the first in full, and how many of `total` more there are."""
    lines = []
    for change in changes[:_SHOWN_CHANGES]:
        fields = change["fields"]
        label = f"  {_short(fields['name']['to'])}" if change["action"] == "create" and "name" in fields else ""
        lines.append(f"{_MARKS[change['action']]} {change['sku']}{label}")
        if change["action"] in _FIELD_BY_FIELD:
            lines += [f"    {name}: {' -> '.join(map(_short, _sides(name, pair)))}" for name, pair in fields.items()]
    hidden = total - _SHOWN_CHANGES
    if changes and hidden > 0:
        lines.append(f"  … and {hidden:,} more; the first {len(changes):,} in full with: -o json")
    return ["", *map(one_line, lines)] if lines else []


def _sides(name: str, pair: dict[str, Any]) -> tuple[object, object]:
    before, after = pair["from"], pair["to"]
    if name == "prices" and before and after:  # of many prices only those that are not the same
        before, after = (
            [price for price in one if price not in other] or None for one, other in ((before, after), (after, before))
        )
    return before, after


def _listed_rows(title: str, rows: list[tuple[str, str, str]], count: int) -> list[str]:
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [f"  {line:<{widths[0]}}  {sku:<{min(widths[1], 30)}}  {reason}" for line, sku, reason in rows]
    if count > len(rows):
        lines.append(f"  … and {count - len(rows):,} more")
    return ["", title, *lines]


def _reason(reject: dict[str, Any]) -> str:
    field, message = reject["field"], reject["message"]
    return message if not field or field in message else f"{field}: {message}"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds) // 60} min {int(seconds) % 60} s"


def _short(value: object) -> str:
    import json

    if value is None:
        return "(none)"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = ", ".join(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"


_WORDS = {
    "created": "created", "updated": "updated", "unchanged": "unchanged", "retired": "retired",
    "superseded": "replaced by a later row of the same SKU", "rejected": "not taken",
}  # fmt: skip
_OF_ROWS = ("created", "updated", "unchanged", "superseded", "rejected")
_WRITES = {"created", "updated", "retired"}
_MARKS = {"create": "+", "update": "~", "retire": "-", "restore": "~", "reinstate": "+", "remove": "-"}
_FIELD_BY_FIELD = {"update", "restore"}
_SHOWN = 10
_SHOWN_REPLACED = 3
_SHOWN_CHANGES = 20
