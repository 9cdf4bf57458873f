"""What a verb works on: settings and services, each made on first use, and the terminal it speaks to."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from shopctl.kernel.errors import one_line

if TYPE_CHECKING:
    from shopctl.bootstrap import Services
    from shopctl.kernel.clock import Instant
    from shopctl.kernel.settings import Settings

Format = Literal["table", "json", "ndjson", "csv", "tsv", "yaml"]


class Globals:
    """The global options as given; they may stand before or after the verb."""

    output: Format = "table"
    fields: str | None = None
    query: str | None = None
    profile: str | None = None
    config: str | None = None
    color: Literal["auto", "always", "never"] = "auto"
    quiet: bool = False
    debug: bool = False
    no_input: bool = False
    yes: bool = False
    log_format: str | None = None
    log_level: str | None = None
    reason: str | None = None
    token_file: str | None = None


class Shop:
    """One command's view of a shop; a verb finds it in `ctx.obj`."""

    def __init__(self, given: Globals | None = None, *, environ: dict[str, str] | None = None) -> None:
        self.globals = given or Globals()
        self.environ = dict(os.environ) if environ is None else environ
        self.actor: str | None = None
        """Who acts, as the audit trails name him: None for the operating system's user."""
        self.for_oneself = False
        """Whether the caller was let in because the command is about himself, for want of the permission."""
        self._settings: Settings | None = None
        self._services: Services | None = None

    @property
    def settings(self) -> Settings:
        """The settings, read on first use; they say where they came from, also where there is no shop yet."""
        if self._settings is None:
            from shopctl.kernel import logging
            from shopctl.kernel.settings import load_settings

            given = self.globals
            self._settings = load_settings(
                Path.cwd(),
                self.environ,
                config=given.config,
                profile=given.profile,
                flags={"log.format": given.log_format, "log.level": given.log_level},
            )
            logging.configure(self._settings)
        return self._settings

    @property
    def services(self) -> Services:
        """The systems of this shop, wired on first use; each of them is built when it is first asked for.

        Raises NoShop (exit 3, with the hint to run `init` or `demo`) where there is none.
        """
        if self._services is None:
            self.settings.require_shop()
            from shopctl.bootstrap import Services

            self._services = Services(self.settings, reason=self.reason)
        return self._services

    def close(self) -> None:
        """Let go of what the services hold; called once, however the command ends."""
        if self._services is not None:
            self._services.close()

    def act_as(self, actor: str) -> None:
        """Have both audit trails name this actor, such as `user:anna`, from now on."""
        self.actor = actor
        self.services.act_as(actor)

    @property
    def output(self) -> Format:
        """The output format asked for."""
        return self.globals.output

    @property
    def reason(self) -> str | None:
        """Why this is done (`--reason`), for the audit trail."""
        return self.globals.reason

    @property
    def quiet(self) -> bool:
        """Whether notes and progress are unwanted (`--quiet`)."""
        return self.globals.quiet

    def instant(self, text: str | None) -> Instant | None:
        """A `--at`, `--from` or `--to` as an instant; None stays None. Raises NotATime."""
        if text is None:
            return None
        from shopctl.kernel import clock

        return clock.parse(text)

    def seconds(self, text: str) -> int:
        """A length of time such as `90d` or `12h`. Raises NotALength."""
        from shopctl.kernel import clock

        return clock.length(text)

    def show(
        self,
        data: object,
        *,
        columns: Sequence[str] | None = None,
        rows: str | None = None,
        title: str | None = None,
        empty: str = "nothing found",
        text: str | Callable[[], str] | None = None,
    ) -> None:
        """Write data to standard output in the format asked for.

        `data` is a dict, a list or iterator of dicts, or the same of NamedTuples or dataclasses; iterators are
        streamed as ndjson, csv and tsv, whose header is then the first row's keys. `columns` are the keys a table
        shows (all by default; "stock.available" looks inside); every other format has all keys, and csv and tsv have
        these for a header when there is no row. `rows` names the key
        of an envelope that holds the rows (`rows="hits"`): tables, csv, tsv and ndjson show these, json and yaml the
        whole. `empty` is said on standard error when a table has no rows. `text` is what people read instead of a
        table, given ready or made when it is needed.
        """
        from shopctl.cli.render import render

        try:
            render(self, data, columns=columns, rows=rows, title=title, empty=empty, text=text)
        finally:
            # A stream that nobody reads to its end holds a snapshot of the database open.
            if callable(close := getattr(data, "close", None)):
                close()

    def note(self, text: str) -> None:
        """Say something on standard error, unless `--quiet`."""
        if not self.globals.quiet:
            self._say(text)

    def warn(self, text: str) -> None:
        """Say something on standard error that `--quiet` does not silence."""
        self._say(f"warning: {text}")

    def _say(self, text: str) -> None:
        sys.stdout.flush()
        print("\n".join(one_line(line) for line in text.split("\n")), file=sys.stderr, flush=True)

    @property
    def interactive(self) -> bool:
        """Whether a person can be asked: standard input and standard error are terminals, and no `--no-input`."""
        return not self.globals.no_input and sys.stdin.isatty() and sys.stderr.isatty()

    def colour(self, stream: TextIO) -> bool:
        """Whether to colour what is written to a stream: --color, then NO_COLOR, CLICOLOR_FORCE, then the terminal."""
        if self.globals.color != "auto":
            return self.globals.color == "always"
        if self.environ.get("NO_COLOR"):
            return False
        if self.environ.get("CLICOLOR_FORCE", "0") != "0":
            return True
        return stream.isatty() and self.environ.get("TERM") != "dumb"

    def confirm(self, question: str) -> None:
        """Ask before something is destroyed; `--yes` answers. Raises Declined (exit 2) on no, UsageError when mute."""
        from shopctl.cli.prompt import confirm

        confirm(self, question)

    def confirm_name(self, name: str, given: str | None, what: str) -> None:
        """For severe verbs: `name` must be repeated, by `--confirm NAME` or at the prompt. Raises UsageError."""
        from shopctl.cli.prompt import confirm_name

        confirm_name(self, name, given, what)

    def answer(self, question: str, *, flag: str) -> str:
        """Ask for a line. Raises UsageError naming `flag` when nobody can be asked."""
        from shopctl.cli.prompt import answer

        return answer(self, question, flag=flag)

    def secret(self, question: str, *, flag: str) -> str:
        """Ask for a secret without echo. Raises UsageError naming `flag` when nobody can be asked."""
        from shopctl.cli.prompt import secret

        return secret(self, question, flag=flag)
