"""`shopctl user` and `shopctl role`: people, services, and what they may do, at the command line."""

from __future__ import annotations

import pytest

from support.shop import Shop

PASSWORD = "violet tractor umbrella 77"


def test_people_and_services_are_added_shown_and_listed(any_shop: Shop) -> None:
    any_shop.run("role", "create", "clerk", "--permit", "catalogue:write", "--description", "At the counter")
    any_shop.run("role", "create", "manager", "--inherit", "clerk", "--permit", "purchase:*")

    made = any_shop.run(
        *("user", "add", "anna", "--email", "anna@example.org", "--password-stdin", "--role", "manager", "-o", "json"),
        input=PASSWORD,
    ).json
    robot = any_shop.run("user", "add", "robot", "--service", "--grant", "catalogue:read", "-o", "json").json

    assert made["name"] == "anna"
    assert made["user_id"].startswith("usr_")
    assert robot.keys() == {"user_id", "name", "client_id", "client_secret"}
    shown = any_shop.run("user", "show", "ANNA@example.org", "-o", "json").json
    assert shown["effective_permissions"] == ["catalogue:write", "purchase:*"]
    assert "password" not in str(shown)
    assert [user["name"] for user in any_shop.run("user", "list", "-o", "json").json] == ["anna", "robot"]
    assert (
        any_shop.run("user", "list", "--kind", "service", "-o", "csv").stdout.splitlines()[1].split(",")[1] == "robot"
    )
    assert any_shop.run("user", "list", "--inactive", "1d", "-o", "json").json == []
    assert any_shop.run("role", "show", "clerk", "-o", "json").json["users"] == 1
    assert [role["name"] for role in any_shop.run("role", "list", "-o", "json").json] == ["clerk", "manager"]
    review = any_shop.run("user", "review", "-o", "csv").stdout.splitlines()
    assert review[0].startswith("user,kind,state,permission,source")
    assert len(review) == 4


def test_a_permission_is_granted_explained_and_revoked(shop: Shop) -> None:
    shop.run("user", "add", "robot", "--service")

    granted = shop.run("user", "grant", "robot", "catalogue:write:MUG-*")
    assert "catalogue:write:MUG-*" in granted.stdout
    yes = shop.run("user", "explain-permission", "robot", "catalogue:write:MUG-1", "-o", "json").json
    assert (yes["allowed"], yes["by"]) == (True, "catalogue:write:MUG-*")
    no = shop.run("user", "explain-permission", "robot", "catalogue:write", expect=4)
    assert (no.stdout.splitlines()[0], no.stderr) == ("robot may not catalogue:write: nothing covers it", "")
    shop.run("user", "revoke", "robot", "catalogue:write:MUG-*")
    asked = ("user", "explain-permission", "robot", "catalogue:write:MUG-1", "-o", "json")
    assert shop.run(*asked, expect=4).json["allowed"] is False
    assert (
        "no command of shopctl asks for catalouge:write" in shop.run("user", "grant", "robot", "catalouge:write").stderr
    )


@pytest.mark.parametrize(
    ("arguments", "sent", "code", "exit_code"),
    [
        (("user", "add", "anna", "--password-stdin"), "too short", "auth.password_too_short", 12),
        (("user", "add", "anna", "--password-stdin"), "passwordpassword", "auth.password_common", 12),
        (("user", "add", "anna", "--password-stdin"), "", "usage.no_secret", 2),
        (("user", "add", "anna"), "", "usage.cannot_ask", 2),
        (("user", "add", "anna", "--service", "--password-stdin"), PASSWORD, "usage.service_password", 2),
        (("user", "add", "anna", "--service", "--email", "nobody"), "", "email.invalid", 12),
        (("user", "add", "anna", "--service", "--role", "clerk"), "", "auth.role_not_found", 3),
        (("user", "add", "anna", "--service", "--grant", "everything"), "", "auth.invalid_permission", 12),
        (("user", "add", " anna", "--service"), "", "auth.invalid_name", 12),
        (("user", "add", "robot", "--service"), "", "auth.name_taken", 5),
        (("user", "show", "nobody"), "", "auth.user_not_found", 3),
        (("user", "set", "robot"), "", "usage", 2),
        (("user", "grant", "robot"), "", "usage.nothing_to_change", 2),
        (("user", "password", "robot", "--password-stdin"), PASSWORD, "auth.wrong_kind", 5),
        (("user", "mfa", "robot", "--enrol"), "", "auth.wrong_kind", 5),
        (("user", "mfa", "robot", "--enrol", "--remove"), "", "usage.one_at_a_time", 2),
        (("role", "show", "clerk"), "", "auth.role_not_found", 3),
        (("role", "create", "a", "--inherit", "a"), "", "auth.role_not_found", 3),
        (("role", "permit", "clerk", "catalogue:read"), "", "auth.role_not_found", 3),
        (("key", "retire", "nothing"), "", "auth.key_not_found", 3),
    ],
)
def test_what_is_wrong_is_one_line_with_a_hint_and_changes_nothing(
    shop: Shop, arguments: tuple[str, ...], sent: str, code: str, exit_code: int
) -> None:
    shop.run("user", "add", "robot", "--service")

    refused = shop.run(*arguments, "-o", "json", input=sent, expect=exit_code)

    assert refused.error["code"] == code
    assert refused.error["hint"]
    assert sent not in refused.stderr or not sent
    assert [user["name"] for user in shop.run("user", "list", "-o", "json").json] == ["robot"]


def test_a_second_factor_is_enrolled_and_asked_for(shop: Shop) -> None:
    from shopctl.auth.one_time import PERIOD, code_at
    from shopctl.kernel.clock import Clock

    shop.run("user", "add", "anna", "--password-stdin", input=PASSWORD)
    drawn = shop.run("user", "mfa", "anna", "--enrol")
    assert "▄" in drawn.stdout
    secret = drawn.stdout.split("Secret")[1].split()[0]
    assert "otpauth://totp/" in drawn.stdout

    def code(offset: int = 0) -> str:
        return code_at(secret, Clock().now() // PERIOD + offset)

    codes = shop.run("user", "mfa", "anna", "--confirm", "--code-stdin", "-o", "json", input=code()).json
    assert len(codes["recovery_codes"]) == 10
    login = ("token", "issue", "--user", "anna", "--password-stdin", "-o", "json")
    assert shop.run(*login, input=PASSWORD, expect=4).error["code"] == "auth.code_needed"
    assert shop.run(*login, input=f"{PASSWORD}\n{code(1)}\n").json["access_token"]
    assert shop.run(*login, input=f"{PASSWORD}\n{codes['recovery_codes'][0]}").json["access_token"]
    assert shop.run("user", "mfa", "anna", "-o", "json").json["recovery_codes"] == 9


def test_a_password_is_changed_from_a_file_and_a_user_disabled(shop: Shop) -> None:
    shop.run("user", "add", "anna", "--password-stdin", input=PASSWORD)
    (shop.folder / "new").write_text("another violet tractor\n")

    shop.run("user", "password", "anna", "--password-file", "new")

    login = ("token", "issue", "--user", "anna", "--password-stdin", "-o", "json")
    assert shop.run(*login, input=PASSWORD, expect=4).error["code"] == "auth.login_refused"
    assert shop.run(*login, input="another violet tractor").json["token_type"] == "Bearer"
    assert shop.run("user", "disable", "anna", "-o", "json").json["state"] == "disabled"
    shop.run(*login, input="another violet tractor", expect=4)
    shop.run("user", "enable", "anna")
    shop.run(*login, input="another violet tractor")
    assert shop.run("user", "hashes", "-o", "json").json == [{"kind": "shopctl bcrypt cost 12", "passwords": 1}]
    assert shop.run("user", "hashes", "--calibrate", "-o", "json").json["cost"] >= 10
