"""`shopctl status` and `shopctl doctor`: what the shop holds, and whether all around it is well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopctl.cli.options import Context

if TYPE_CHECKING:
    from shopctl.operations.databases import DatabaseState
    from shopctl.operations.status import Status


def status(ctx: Context) -> None:
    """Show what the shop holds and what is due; the exit code says so when its database cannot be used."""
    from shopctl.operations.status import status as look

    shop = ctx.obj
    found = look(shop.settings)
    if found.catalogue:
        found.search["lag"] = shop.services.search.lag()
    shop.show(found, text=lambda: _told(found))
    if any(each.chain == "shop" and each.state != "ok" for each in found.databases):
        _ = shop.services.database  # raises what keeps it from being used


def doctor(ctx: Context) -> None:
    """Check the shop and its surroundings; exit 6 when a check fails. Nothing is changed."""
    from shopctl.operations.doctor import examine, require_health

    checks = examine(ctx.obj.settings)
    ctx.obj.show(checks, columns=("check", "state", "found", "hint"))
    require_health(checks)


def _told(found: Status) -> str:
    from shopctl.cli.tables import readable

    lines = [f"Folder     {found.shop}" + (f" (profile {found.profile})" if found.profile else "")]
    for each in found.databases:
        size = "" if each.bytes is None else f", {each.bytes / 1e6:,.1f} MB"
        lines.append(f"{each.chain.capitalize():<10} {each.place}{size}, {_schema(each)}")
    if counts := found.catalogue:
        states = ", ".join(f"{counts[name]:,} {name}" for name in ("active", "draft", "retired") if counts[name])
        lines.append(f"Catalogue  {_counted(counts['products'], 'products')}{f' ({states})' if states else ''}")
        also = ("variants", "categories", "prices", "stock_levels")
        lines.append("           " + ", ".join(_counted(counts[name], name) for name in also))
        waiting = ", ".join(_counted(count, name) for name, count in found.due.items() if count)
        lines.append(f"Due        {waiting or 'nothing'}")
        lines += _runs(found.runs)
        lag = found.search["lag"]
        lines.append(
            f"Search     {found.search['engine']}" + ("" if lag is None else f", {_counted(lag, 'changes')} behind")
        )
        lines.append(
            f"Audit      {_counted(found.audit['entries'], 'entries')}, {found.audit['unsealed']:,} not sealed yet"
        )
    if (backups := found.backups) and backups.last_backup_at:
        drilled = f"last drill {readable(backups.last_drill_at)}" if backups.last_drill_at else "never tried"
        due = "; one is due: shopctl backup drill" if backups.drill_due else ""
        lines.append(f"Backup     {readable(backups.last_backup_at)}, {drilled}{due}")
    if backups and backups.paused_since:
        since = readable(backups.paused_since)
        lines.append(f"Paused     since the restore of {since}; when all is well: shopctl db resume")
    for each_import in found.imports:
        took = "" if each_import.seconds is None else f" in {each_import.seconds:,.1f} s"
        lines.append(
            f"Import     {each_import.import_id} {each_import.feed}: {each_import.state},"
            f" {_counted(each_import.rows, 'rows')}, {each_import.rejected:,} rejected{took},"
            f" {readable(each_import.started_at)}"
        )
    return "\n".join(lines)


def _runs(runs: dict[str, int]) -> list[str]:
    if not any(runs.values()):
        return []
    said = [f"{runs['open']:,} under way"]
    if runs["overdue"]:
        said.append(f"{runs['overdue']:,} due and nobody works on them: shopctl worker")
    if runs["parked"]:
        said.append(f"{runs['parked']:,} parked, which need somebody: shopctl provision list --stuck")
    return ["Runs       " + "; ".join(said)]


def _counted(count: int, things: str) -> str:
    """`3 products`, `1 product`, `1 category`; `stock_levels` is read as two words."""
    words = things.replace("_", " ")
    if count == 1:
        words = words.removesuffix("ies") + "y" if words.endswith("ies") else words.removesuffix("s")
    return f"{count:,} {words}"


def _schema(database: DatabaseState) -> str:
    if database.problem:
        return f"{database.state}: {database.problem}"
    if database.state == "ok":
        return f"schema {database.found}"
    return f"{database.state}: schema {database.found}, {database.wanted} wanted"
