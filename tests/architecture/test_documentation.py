"""Everything a user can type, set or be told is documented: commands, options, errors, exit codes and settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shopctl.cli import app, reference
from shopctl.cli.global_options import GLOBAL_OPTIONS
from shopctl.cli.help import option_usage
from shopctl.kernel.settings_table import SETTINGS

DOCS = Path(__file__).resolve().parents[2] / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["commands.md", "errors.md", "settings.md", "permissions.md"])
def test_a_generated_page_is_up_to_date(name):
    assert page(name) == reference.pages()[name], "run: python -m shopctl.cli.reference"


def test_every_command_argument_and_option_is_explained():
    documented = page("commands.md")
    for path, command, ctx in reference.commands():
        assert f"`{path}" in documented
        assert command.help, f"{path} has no docstring"
        for parameter in command.params:
            if parameter.hidden:
                continue
            assert parameter.help, f"{path}: {parameter.name} has no help"
            if parameter.param_type_name == "option":
                assert f"`{option_usage(parameter, ctx)}`" in documented


def test_every_option_of_every_command_is_in_the_contract():
    contract = page("command-line.md")
    for option in GLOBAL_OPTIONS:
        assert f"`{option.flags[-1]}" in contract
        for choice in option.choices:
            assert choice in contract


def test_every_error_has_a_code_of_its_own_and_a_message():
    codes: dict[str, type] = {}
    for kind in reference.error_classes():
        assert f"| `{kind.code}` | {kind.exit_code}" in page("errors.md")
        assert (kind.__doc__ or "").strip(), f"{kind.__qualname__} has no message"
        # A class that only words the same case differently keeps the code of its parent.
        if "code" in vars(kind):
            assert kind.code not in codes, f"{kind.__qualname__} and {codes[kind.code].__qualname__} share {kind.code}"
            codes[kind.code] = kind
    for kind in reference.error_classes():
        assert issubclass(kind, codes[kind.code])


def test_every_exit_code_is_in_the_contract():
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", page("command-line.md"), re.MULTILINE)}
    assert {kind.exit_code for kind in reference.error_classes()} | {0, 130, 141, 143} <= listed


def test_every_setting_is_documented():
    for setting in SETTINGS:
        assert f"`{setting.name}` | `{setting.environment}`" in page("settings.md")
        assert setting.doc


def test_the_pages_name_only_commands_that_exist():
    known = {path for path, _, _ in reference.commands()}
    known |= {" ".join(path.split()[:2]) for path in known} | {f"shopctl {name}" for name in app.COMMANDS}
    for name in ("command-line.md",):
        for noun, verb in re.findall(r"`shopctl ([a-z]+)(?: ([a-z]+))?", page(name)):
            wanted = f"shopctl {noun} {verb}".strip()
            assert wanted in known or f"shopctl {noun}" in known, f"{name} names {wanted}"


def test_the_manual_page_names_every_command():
    manual = reference.manual()
    for path, _, _ in reference.commands():
        assert reference._roff(path) in manual
