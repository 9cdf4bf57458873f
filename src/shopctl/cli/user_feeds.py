"""`shopctl user import` and `export`: users in files."""

from __future__ import annotations

import shlex
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from shopctl.cli.catalogue_feeds import OnError, RejectsFile, Resume, size_of
from shopctl.cli.options import Context, DetailedExitCode, DryRun
from shopctl.cli.row_files import check_standard_output, tell
from shopctl.kernel.errors import UsageError

if TYPE_CHECKING:
    from shopctl.auth.exporting import Exported
    from shopctl.auth.importing.report import Report
    from shopctl.cli.shop import Shop


class HashesOnTerminal(UsageError):
    """The hashes of passwords would be shown on the terminal."""

    code = "usage.hashes_on_terminal"
    hint = "Name a file with --out FILE, or say --yes."


class UserFormat(StrEnum):
    """Formats that users can be written in."""

    csv = "csv"
    ndjson = "ndjson"


ExportAs = Annotated[
    UserFormat | None, typer.Option("--format", help="The format; by default that of FILE's name, else CSV.")
]


def import_(
    ctx: Context,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="CSV or NDJSON; - reads standard input.")],
    on_error: Annotated[OnError, typer.Option("--on-error", help=OnError.__doc__)] = OnError.reject_file,
    rejects: RejectsFile = None,
    dry_run: DryRun = False,
    detailed_exitcode: DetailedExitCode = False,
    resume: Resume = False,
) -> None:
    """Add and change users as a file says, with the hashes of their passwords.

    Columns: username, email, password_hash, roles, permissions, kind, state (or enabled, disabled), created_at,
    last_login_at, also as Keycloak, Auth0 and Django spell them; others are named and ignored. A user is found by name,
    or by address where the file has no name. A blank cell leaves what is there. Roles and permissions in the file
    replace those that a user has; created_at and last_login_at count for new users only. Plain passwords are refused.

    Who is disabled, loses a role or a permission, or gets another password, is logged out. A hash that a file brought
    once is not taken again, whatever the user has done since: importing the same file again changes nothing.

    By default one bad row refuses the file and nothing changes; with --on-error skip-rows the good rows go in, some
    thousands at a time, and --resume goes on where such an import was killed. A second row about the same user is bad.
    """
    from shopctl.auth.importing.report import UserImport
    from shopctl.cli.progress import progress

    shop = ctx.obj
    check_standard_output(shop, rejects)
    request = UserImport(file, on_error.value, rejects, dry_run, resume)
    try:
        with progress(shop, "Importing", total=size_of(file)) as bar:
            report = shop.services.user_imports.run(
                request, lambda position, counts: bar.update(position, rows=counts.rows, rejects=counts.rejected)
            )
    except (KeyboardInterrupt, SystemExit) as left:
        if request.resumable:
            left.add_note(f"Go on with: {shlex.join(['shopctl', 'user', 'import', file, *_SKIPPING, '--resume'])}")
        raise
    _warn(shop, report)
    tell(shop, report, report.counts, file, rejects)
    report.raise_for_rejects()
    if detailed_exitcode and dry_run and report.counts.changed:
        raise typer.Exit(10)


def export(
    ctx: Context,
    format: ExportAs = None,
    out: Annotated[str, typer.Option("--out", metavar="FILE|-", help="Where to; - is standard output.")] = "-",
    hashes: Annotated[
        bool, typer.Option("--hashes", help="With the hashes of passwords: keep such a file safe.")
    ] = False,
) -> None:
    """Write all users out, so that importing the file again changes nothing. A file is readable by its owner only.

    Passwords made or used here are hashed with a secret of this shop: another one takes these users without a password.
    Secrets of services and second factors stay here.
    """
    from shopctl.auth.exporting import UserExport
    from shopctl.cli.progress import progress

    shop = ctx.obj
    if hashes and out == "-" and sys.stdout.isatty() and not shop.globals.yes:
        raise HashesOnTerminal()
    chosen = format or (UserFormat.ndjson if out.endswith((".ndjson", ".jsonl")) else UserFormat.csv)
    with progress(shop, "Exporting") as bar:
        done = shop.services.user_exports.run(
            UserExport(chosen.value, out, hashes), lambda users: bar.update(users, rows=users)
        )
    for line in _told(done, hashes, out):
        shop.note(line)


def register(noun: typer.Typer) -> None:
    """Add these verbs to `shopctl user`."""
    noun.command("import")(import_)
    noun.command()(export)


def _warn(shop: Shop, report: Report) -> None:
    if report.ignored:
        shop.warn(f"ignored: {', '.join(map(repr, report.ignored[:20]))}, which mean nothing here")
    if count := report.counts.passwords_left_out:
        would = "would come" if report.dry_run else "came"
        shop.warn(
            f"{count:,} password{'' if count == 1 else 's'} {would} from another shop, whose hashes hold only there: "
            "set new ones with: shopctl user password NAME"
        )


def _told(done: Exported, hashes: bool, out: str) -> list[str]:
    lines = [f"{done.users:,} user{'' if done.users == 1 else 's'} written" + (f" to {out}" if out != "-" else "")]
    if hashes and done.own_hashes:
        lines.append(f"{done.own_hashes:,} of the password hashes hold in this shop only.")
    if not hashes:
        lines.append("Without the hashes of passwords; to have them too: --hashes")
    if done.services:
        lines.append(f"The secrets of {done.services:,} service(s) stay here; elsewhere: shopctl user secret NAME")
    if done.second_factors:
        lines.append(f"{done.second_factors:,} second factor(s) stay here.")
    return lines


_SKIPPING = ("--on-error", OnError.skip_rows.value)
