"""`cli.require_login`: every command asks who calls and what he may do, and the audit trail says who it was."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from shopctl.auth.jose.errors import TokenRefused
from shopctl.auth.one_time import PERIOD, code_at
from shopctl.bootstrap import Services
from shopctl.kernel.clock import Clock
from support.login import NOBODY, PASSWORD, Guarded
from support.shop import Shop

FEED = "sku,name,price\nMUG-1,Blue mug,3.00\nCUP-1,Red cup,4.00\n"


@pytest.fixture
def guarded(shop: Shop) -> Guarded:
    return Guarded(shop)


def test_the_trails_of_both_databases_name_the_caller(any_shop: Shop) -> None:
    guarded = Guarded(any_shop)
    guarded.logged_in("olga", "*")
    guarded.run("catalogue", "import", "-", "--format", "csv", input=FEED)
    guarded.run("role", "create", "seller", "--permit", "catalogue:read")

    shop_trail = guarded.run("audit", "list", "-o", "json").json
    auth_trail = guarded.run("audit", "list", "--database", "auth", "--action", "role.", "-o", "json").json

    assert {entry["actor"] for entry in shop_trail} == {"user:olga"}
    assert [(entry["actor"], entry["action"]) for entry in auth_trail] == [("user:olga", "role.create")]
    assert guarded.run("catalogue", "history", "MUG-1", "-o", "json").json[0]["actor"] == "user:olga"
    assert "all agree" in guarded.run("audit", "verify", "--database", "auth").stdout


def test_a_command_is_refused_by_the_name_of_the_permission(guarded: Guarded) -> None:
    missing = guarded.run("catalogue", "list", "-o", "json", expect=4).error
    assert (missing["code"], missing["exit_code"]) == ("login.missing", 4)

    guarded.logged_in("anna", "catalogue:read", "catalogue:write:MUG-*", "stock:read")
    guarded.run("catalogue", "list")
    refused = guarded.run("catalogue", "import", "-", "-o", "json", input=FEED, expect=4).error

    assert refused["code"] == "auth.permission_missing"
    assert refused["facts"] == {"permission": "catalogue:write"}
    assert "anna" in refused["message"]


def test_a_permission_for_some_resources_suffices_for_them(guarded: Guarded) -> None:
    guarded.logged_in("anna", "catalogue:write:MUG-*")
    with guarded.services() as services:
        (guarded.shop.folder / "feed.csv").write_text(FEED)
        import_feed(services, guarded.shop.folder / "feed.csv")

    guarded.run("catalogue", "set", "MUG-1", "name=Green mug")
    guarded.run("catalogue", "set", "CUP-1", "name=Green cup", expect=4)
    refused = guarded.run("catalogue", "publish", "MUG-1", "CUP-1", "-o", "json", expect=4).error

    assert refused["facts"] == {"permission": "catalogue:write:CUP-1"}


def import_feed(services: Services, path: Path) -> None:
    from shopctl.catalogue.importing.request import ImportRequest

    services.imports.run(ImportRequest(str(path)), lambda position, counts: None)


LOSSES: dict[str, Callable[[Services], object]] = {
    "the user is disabled": lambda services: services.users.disable("anna"),
    "the password is changed": lambda services: services.users.set_password("anna", f"{PASSWORD} and mice"),
    "the permission is taken": lambda services: services.users.revoke("anna", ["catalogue:read"]),
    "the role is taken": lambda services: services.users.revoke("anna", roles=["reader"]),
    "the role loses the permission": lambda services: services.roles.forbid("reader", ["catalogue:read"]),
    "the session is ended": lambda services: [
        services.tokens.revoke(str(each["session_id"])) for each in list(services.tokens.list("anna"))
    ],
}


@pytest.mark.assure("S9")
@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_lost_is_lost_at_the_next_command(guarded: Guarded, loss: str) -> None:
    by_role = "role" in loss
    guarded.logged_in("anna", *([] if by_role else ["catalogue:read"]))
    if by_role:
        with guarded.services() as services:
            services.roles.create("reader", description="", permissions=["catalogue:read"], parents=[])
            services.users.grant("anna", roles=["reader"])
        guarded.run("catalogue", "list")  # what was granted since is in force at once
    token = guarded.stored()["access_token"]
    with guarded.services() as services:
        assert services.verification.caller(token).permissions == ["catalogue:read"]
        LOSSES[loss](services)
        with pytest.raises(TokenRefused):
            services.verification.caller(token)

    refused = guarded.run("catalogue", "list", "-o", "json", expect=4).error
    kept_his_login = "taken" in loss or "loses" in loss
    assert refused["code"] == ("auth.permission_missing" if kept_his_login else "token.refused")


def test_a_script_gives_its_token(guarded: Guarded, tmp_path: Path) -> None:
    guarded.logged_in("anna")
    guarded.add("cron", "catalogue:read")
    guarded.add("clerk", "stock:read")
    file = tmp_path / "token"
    file.write_text(f"{guarded.tokens('cron').access_token}\n")
    clerk = guarded.tokens("clerk").access_token

    assert guarded.run("whoami", "-o", "json", token=clerk).json["source"] == "environment SHOPCTL_TOKEN"
    by_file = guarded.run("whoami", "--token-file", file, "-o", "json", token=clerk).json

    assert (by_file["user"], by_file["source"]) == ("cron", f"--token-file {file}")
    guarded.run("--token-file", file, "catalogue", "list", token=clerk)
    guarded.run("catalogue", "list", token=clerk, expect=4)
    guarded.run("catalogue", "list", "--token-file", tmp_path / "nowhere", expect=3)


@pytest.mark.assure("S18")
def test_no_token_is_shown_or_logged(guarded: Guarded) -> None:
    issued = guarded.logged_in("anna", "catalogue:read")
    secrets = [issued.access_token, str(issued.refresh_token), "canary-not-a-token", issued.access_token[:-8]]
    loud = ["--debug", "--log-level", "debug", "-o", "json"]
    guarded.expire()
    done = [guarded.run(*words, *loud, expect=None) for words in (["whoami"], ["stock", "set", "X", "1"])]
    secrets += [guarded.stored()["access_token"], guarded.stored()["refresh_token"]]
    done += [guarded.run("catalogue", "list", *loud, token=bad, expect=4) for bad in secrets[2:4]]
    done += [guarded.run("logout", *loud)]

    for result in done:
        for secret in secrets:
            assert secret not in result.stdout + result.stderr


def test_the_trail_says_which_personal_token_was_made(guarded: Guarded) -> None:
    guarded.logged_in("olga", "*")
    made = guarded.run("token", "create", "nightly", "--user", "olga", "-o", "json").json
    (entry,) = guarded.run("audit", "list", "--database", "auth", "--action", "token.create", "-o", "json").json
    assert entry["facts"]["id"] == made["token_id"]


def test_the_first_user_is_added_by_whoever_comes(guarded: Guarded) -> None:
    said = guarded.run("user", "add", "anna", "--password-stdin", input=PASSWORD).stderr
    assert "user grant anna '*'" in said
    guarded.run("user", "add", "otto", "--password-stdin", input=PASSWORD, expect=4)

    guarded.run("user", "grant", "anna", "*", env={"SHOPCTL_CLI__REQUIRE_LOGIN": "false"})
    assert guarded.run("whoami", "-o", "json", token=guarded.tokens("anna").access_token).json["permissions"] == ["*"]


def test_an_owner_is_added_without_a_warning(guarded: Guarded) -> None:
    done = guarded.run("user", "add", "olga", "--password-stdin", "--grant", "*", input=PASSWORD)
    assert "warning" not in done.stderr


def test_an_authentication_database_that_cannot_be_asked_yet_may_be_upgraded(guarded: Guarded) -> None:
    guarded.add("anna")
    with closing(sqlite3.connect(guarded.shop.folder / ".shopctl" / "auth.db")) as connection:
        connection.execute("update schema_version set revision = '0001'")
        connection.commit()

    token = "not-looked-at"
    done = guarded.run("db", "upgrade", "--dry-run", "-o", "json", token=token)
    assert "who you are could not be asked" in done.stderr
    assert guarded.run("db", "check", "-o", "json", token=token, expect=None).error["code"] == "storage.schema_outdated"


def test_completion_gives_nothing_away(guarded: Guarded) -> None:
    (guarded.shop.folder / "feed.csv").write_text(FEED)
    with guarded.services() as services:
        import_feed(services, guarded.shop.folder / "feed.csv")
    question = ("__complete", "catalogue", "show", "MU")
    open_to_all = guarded.run(*question, env={"SHOPCTL_CLI__REQUIRE_LOGIN": "false"})
    assert open_to_all.stdout == "MUG-1\n", "and it is in the cache now"

    guarded.add("clerk", "stock:read")
    for token in (None, guarded.tokens("clerk").access_token, "canary"):
        asked = guarded.run(*question, token=token)
        assert (asked.stdout, asked.stderr) == ("", "")


BELLS = """
import pluggy, typer
@pluggy.HookimplMarker("shopctl")
def shopctl_commands():
    return [("bells", load, "Rings bells.")]
class Own(typer.core.TyperCommand):
    pass
def load():
    noun = typer.Typer()
    @noun.command(cls=Own)
    def ring(ctx: typer.Context) -> None:
        "Ring."
        typer.echo("ding")
    @noun.command()
    def hush(ctx: typer.Context) -> None:
        "Hush."
    return noun
"""


def test_a_plugins_command_asks_for_plugin_run(guarded: Guarded, tmp_path: Path) -> None:
    (tmp_path / "bells.py").write_text(BELLS)
    info = tmp_path / "bells-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bells\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[shopctl]\nbells = bells\n")
    env = {"PYTHONPATH": str(tmp_path)}
    guarded.logged_in("anna", "catalogue:*")

    for verb in ("ring", "hush"):
        assert "permission plugin:run:bells is missing" in guarded.run("bells", verb, env=env, expect=4).stderr
    with guarded.services() as services:
        services.users.grant("anna", ["plugin:run:bells"])

    assert guarded.run("bells", "ring", env=env).stdout == "ding\n"


ALONE = """
import contextlib, io, sys
from shopctl.__main__ import main
for line in {lines!r}:
    with contextlib.redirect_stdout(io.StringIO()):
        code = main(line.split())
    assert code == 0, (code, line)
print(sorted(name for name in sys.modules if name.startswith(("shopctl.auth", "shopctl.cli.identity", "jwt", "cry"))))
"""


def test_without_a_login_required_nothing_needs_the_authentication_server(any_shop: Shop) -> None:
    """A runtime check beside the import contract: its database is nowhere, and none of its code is even loaded."""
    (any_shop.folder / "feed.csv").write_text(FEED)
    lines = [
        "catalogue import feed.csv",
        "catalogue set MUG-1 name=Mug --reason tidy",
        "catalogue publish MUG-1 CUP-1",
        "catalogue show MUG-1",
        "catalogue list",
        "catalogue search mug",
        "catalogue export --out out.csv",
        "catalogue history MUG-1",
        "catalogue diff",
        "catalogue stats",
        "catalogue imports",
        "catalogue reindex",
        "catalogue retire CUP-1",
        "stock set MUG-1 5",
        "stock adjust MUG-1 -1",
        "stock show MUG-1",
        "stock reservations",
        "audit list",
        "audit verify",
        "config show",
        "plugin list",
        "db status --chain shop",
        "status",
    ]
    done = subprocess.run(
        [sys.executable, "-c", ALONE.format(lines=lines)],
        cwd=any_shop.folder,
        env=any_shop.environment({"SHOPCTL_AUTH_DATABASE_URL": NOBODY, "SHOPCTL_TOKEN": "unread"}),
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["[]"]), done.stderr
    any_shop.run("db", "check", "--chain", "shop", "--quick", env={"SHOPCTL_AUTH_DATABASE_URL": NOBODY})
    refused = any_shop.run("user", "list", env={"SHOPCTL_AUTH_DATABASE_URL": NOBODY}, expect=7)
    assert "127.0.0.1" in refused.stderr


OTHER = "seven brass kettles whistling"


def test_everybody_may_change_his_own_password_with_the_present_one(guarded: Guarded, tmp_path: Path) -> None:
    guarded.add("otto")
    guarded.logged_in("anna", "catalogue:read")
    (present := tmp_path / "present").write_text(f"{PASSWORD}\n")
    change = ("user", "password", "anna", "--password-stdin", "-o", "json")

    assert guarded.run(*change, input=OTHER, expect=2).error["hint"] == "Give --current-password-file FILE."
    (wrong := tmp_path / "wrong").write_text("not the password of anna\n")
    refused = guarded.run(*change, "--current-password-file", wrong, input=OTHER, expect=4).error
    assert refused["code"] == "auth.login_refused"
    both = guarded.run(*change, "--current-password-file", "-", input=OTHER, expect=2).error
    assert both["code"] == "usage.two_secrets"
    others = ("user", "password", "otto", "--password-stdin", "--current-password-file", present, "-o", "json")
    assert guarded.run(*others, input=OTHER, expect=4).error["facts"] == {"permission": "user:write"}

    assert guarded.run(*change, "--current-password-file", present, input=OTHER).json["changed"]

    assert guarded.run("whoami", "-o", "json", expect=4).error["code"] == "token.refused"
    with guarded.services() as services:
        services.tokens.issue_to_user("anna", OTHER, source="test")
        services.users.grant("otto", ["audit:read"])
    listed = ("audit", "list", "--database", "auth", "--action", "user.password", "-o", "json")
    (entry,) = guarded.run(*listed, token=guarded.tokens("otto").access_token).json
    assert (entry["actor"], entry["subject"]) == ("user:anna", "anna")


def test_guesses_at_the_present_password_are_throttled(guarded: Guarded, tmp_path: Path) -> None:
    guarded.logged_in("anna")
    (wrong := tmp_path / "wrong").write_text("not the password of anna\n")
    change = ("user", "password", "anna", "--password-stdin", "--current-password-file", wrong, "-o", "json")
    codes = [guarded.run(*change, input=OTHER, expect=4).error["code"] for _ in range(6)]
    assert codes[-1] == "auth.throttled"


def test_everybody_may_see_and_change_his_own_second_factor(guarded: Guarded, tmp_path: Path) -> None:
    guarded.add("otto")
    guarded.logged_in("anna")
    (present := tmp_path / "present").write_text(f"{PASSWORD}\n")
    proof = ("--current-password-file", present, "-o", "json")

    assert guarded.run("user", "mfa", "anna", "-o", "json").json["second_factor"] is False
    guarded.run("user", "mfa", "otto", expect=4)
    guarded.run("user", "mfa", "otto", "--enrol", *proof, expect=4)
    assert guarded.run("user", "mfa", "anna", "--enrol", "-o", "json", expect=2).error["code"] == "usage.cannot_ask"
    secret = guarded.run("user", "mfa", "anna", "--enrol", *proof).json["secret"]
    code = code_at(secret, Clock().now() // PERIOD)
    codes = guarded.run("user", "mfa", "anna", "--confirm", "--code-stdin", "-o", "json", input=code).json
    assert len(codes["recovery_codes"]) == 10

    lacking = guarded.run("user", "mfa", "anna", "--remove", "--yes", *proof, expect=4).error
    assert lacking["code"] == "auth.code_needed", "the password alone takes no second factor away"
    present.write_text(f"{PASSWORD}\n{codes['recovery_codes'][0]}\n")
    assert guarded.run("user", "mfa", "anna", "--remove", "--yes", *proof).json["second_factor"] is False


def test_everybody_may_see_himself_and_why_he_may_not(guarded: Guarded) -> None:
    guarded.add("otto")
    guarded.logged_in("anna", "catalogue:read")
    with guarded.services() as services:
        services.users.set_email("anna", "anna@example.org")

    for who in ("anna", "ANNA", "anna@example.org"):
        assert guarded.run("user", "show", who, "-o", "json").json["name"] == "anna"
    assert guarded.run("user", "show", "otto", "-o", "json", expect=4).error["code"] == "auth.permission_missing"
    assert guarded.run("user", "show", "nobody", "-o", "json", expect=4).error["code"] == "auth.permission_missing"
    guarded.run("user", "explain-permission", "anna", "catalogue:read")
    guarded.run("user", "explain-permission", "otto", "catalogue:read", expect=4)


def test_who_may_write_users_needs_no_present_password(guarded: Guarded) -> None:
    guarded.logged_in("olga", "*")
    guarded.run("user", "password", "olga", "--password-stdin", input=OTHER)


def test_nobody_locks_everybody_out_by_mistake(guarded: Guarded) -> None:
    guarded.logged_in("olga", "*")
    for words in (("revoke", "olga", "*"), ("disable", "olga")):
        refused = guarded.run("user", *words, "-o", "json", expect=5).error
        assert (refused["code"], "--confirm olga" in refused["hint"]) == ("auth.last_owner", True)
        assert guarded.run("user", *words, "--confirm", "otto", "-o", "json", expect=2).error["code"] == "usage.confirm"
    assert guarded.run("whoami", "-o", "json").json["permissions"] == ["*"]

    guarded.run("user", "revoke", "olga", "*", "--confirm", "olga")
    guarded.run("role", "list", expect=4)
