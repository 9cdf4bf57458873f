"""The options every command takes, as data: one table for parsing, help, completion and documentation."""

from __future__ import annotations

from typing import NamedTuple


class GlobalOption(NamedTuple):
    """`flags` as typed; either `choices`, a `metavar`, or neither for a switch."""

    name: str
    flags: tuple[str, ...]
    help: str
    metavar: str = ""
    choices: tuple[str, ...] = ()

    @property
    def takes_value(self) -> bool:
        return bool(self.metavar or self.choices)

    @property
    def usage(self) -> str:
        """As help shows it: `-o, --output table|json|…`."""
        value = "|".join(self.choices) or self.metavar
        return f"{', '.join(self.flags)} {value}".rstrip()


GLOBAL_OPTIONS = (
    GlobalOption(
        "output",
        ("-o", "--output"),
        "How data is written; table by default.",
        choices=("table", "json", "ndjson", "csv", "tsv", "yaml"),
    ),
    GlobalOption("fields", ("--fields",), "Only these fields, in this order; stock.available looks inside.", "A,B"),
    GlobalOption("query", ("--query",), "Pick from the data with a JMESPath expression.", "EXPR"),
    GlobalOption("profile", ("--profile",), "The profile of the settings to use.", "NAME"),
    GlobalOption("config", ("--config",), "The settings file to use.", "FILE"),
    GlobalOption("color", ("--color",), "When to use colour; auto by default.", choices=("auto", "always", "never")),
    GlobalOption("quiet", ("--quiet",), "No notes and no progress on standard error."),
    GlobalOption("debug", ("--debug",), "Show a traceback when something breaks."),
    GlobalOption("no_input", ("--no-input",), "Never ask; fail instead."),
    GlobalOption("yes", ("--yes",), "Answer yes to every confirmation."),
    GlobalOption("log_format", ("--log-format",), "How log lines are written.", choices=("text", "json")),
    GlobalOption(
        "log_level",
        ("--log-level",),
        "The least important lines to log.",
        choices=("debug", "info", "warning", "error"),
    ),
    GlobalOption("token_file", ("--token-file",), "A file whose first line is the token to act by.", "FILE"),
    GlobalOption("reason", ("--reason",), "Why you change something; kept in the audit trail.", "TEXT"),
)


def typed_value(arguments: list[str], name: str) -> str | None:
    """What a raw command line says for a global option that takes a value; the last one wins.

    Only for reporting errors in a line that could not be parsed; a parsed line has its answer in `Shop.globals`.
    """
    option = next(option for option in GLOBAL_OPTIONS if option.name == name)
    found = None
    for position, argument in enumerate(arguments):
        if argument == "--":
            break
        for flag in option.flags:
            if argument == flag and position + 1 < len(arguments):
                found = arguments[position + 1]
            elif flag.startswith("--") and argument.startswith(flag + "="):
                found = argument[len(flag) + 1 :]
            elif not flag.startswith("--") and argument.startswith(flag) and len(argument) > len(flag):
                found = argument[len(flag) :]
    return found
