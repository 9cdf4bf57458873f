"""The table of permissions: every command has a row, and a row asks for what somebody can be given."""

from __future__ import annotations

import pytest

from shopctl.auth.permissions import checked, is_known
from shopctl.cli import reference
from shopctl.cli.permissions import PERMISSIONS, asked

COMMANDS = {path.removeprefix("shopctl "): command for path, command, _ in reference.commands()}


def test_every_command_says_what_it_asks_for():
    assert [command for command in COMMANDS if command not in PERMISSIONS] == []


def test_every_permission_can_be_granted_and_every_resource_is_an_argument():
    for command, permission in PERMISSIONS.items():
        if permission is None:
            continue
        plain, _, resource = permission.partition(":{")
        assert is_known(checked(plain)), command
        if resource and command in COMMANDS:
            assert resource.rstrip("}") in {each.name for each in COMMANDS[command].params}, command


@pytest.mark.parametrize(
    ("command", "values", "wanted"),
    [
        ("catalogue list", {"limit": 5}, ["catalogue:read"]),
        ("catalogue set", {"sku": "MUG-1"}, ["catalogue:write:MUG-1"]),
        ("catalogue publish", {"skus": ["MUG-1", "MUG:2"]}, ["catalogue:write:MUG-1", "catalogue:write:MUG:2"]),
        ("stock reservations", {"sku": None}, ["stock:read"]),
        ("catalogue set", {"sku": ""}, ["catalogue:write"]),
        ("catalogue publish", {"skus": ["MUG-1", ""]}, ["catalogue:write"]),
        ("token revoke", {"token": "-"}, []),
        ("token revoke", {"token": "ses_1"}, ["token:write"]),
        ("whoami", {}, []),
        ("bells ring", {"sku": "X"}, ["plugin:run:bells"]),
    ],
)
def test_what_is_asked(command, values, wanted):
    assert asked(command, values) == wanted
