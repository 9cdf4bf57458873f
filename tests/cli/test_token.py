"""`shopctl token` and `shopctl key`: issued, verified, explained, refreshed, revoked, rotated at the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.shop import Shop

PASSWORD = "violet tractor umbrella 77"


@pytest.fixture
def staffed(any_shop: Shop) -> Shop:
    """A shop with anna, who may change the catalogue."""
    any_shop.run(
        "user", "add", "anna", "--password-stdin", "--grant", "catalogue:write", "--grant", "stock:read", input=PASSWORD
    )
    return any_shop


def login(shop: Shop, *more: str) -> Any:
    return shop.run("token", "issue", "--user", "anna", "--password-stdin", *more, "-o", "json", input=PASSWORD).json


def test_a_token_lives_from_login_to_revocation(staffed: Shop) -> None:
    issued = login(staffed, "--scope", "catalogue:write")
    assert issued.keys() >= {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert issued["scope"] == "catalogue:write"
    token = issued["access_token"]

    claims = staffed.run("token", "verify", "-", "-o", "json", input=token).json
    assert (claims["active"], claims["scope"], claims["username"]) == (True, "catalogue:write", "anna")
    explained = staffed.run("token", "explain", "-", "-o", "json", input=token).json
    assert {check["outcome"] for check in explained["checks"]} == {"ok"}
    renewed = staffed.run("token", "refresh", "-", "-o", "json", input=issued["refresh_token"]).json
    staffed.run("token", "verify", "-", input=renewed["access_token"])
    staffed.run("token", "refresh", "-", input=issued["refresh_token"], expect=4)
    assert len(staffed.run("token", "list", "--user", "anna", "-o", "json").json) == 2

    assert staffed.run("token", "revoke", "-", "-o", "json", input=token).json["revoked"]

    refused = staffed.run("token", "verify", "-", "-o", "json", input=token, expect=4)
    assert refused.json["active"] is False
    assert "revoked" in refused.json["reason"]
    staffed.run("token", "verify", "-", input=renewed["access_token"], expect=4)
    assert not staffed.run("token", "revoke", "-", "-o", "json", input=token).json["revoked"]


@pytest.mark.assure("S7")
def test_an_altered_token_is_refused_and_explained(shop: Shop) -> None:
    shop.run("user", "add", "anna", "--password-stdin", input=PASSWORD)
    token = login(shop)["access_token"]
    header, payload, signature = token.split(".")
    broken = f"{header}.{payload}.{signature[:-4]}AAAA"

    assert shop.run("token", "verify", "-", "-o", "json", input=broken, expect=4).json["check"] == "signature"
    checks = shop.run("token", "explain", "-", "-o", "json", input=broken, expect=4).json["checks"]
    assert [check["name"] for check in checks if check["outcome"] == "failed"] == ["signature"]
    assert (
        shop.run("token", "verify", "-", "--audience", "warehouse", "-o", "json", input=token, expect=4).json["check"]
        == "audience"
    )
    for nonsense in ("", "\r\n", "nothing", "a.b.c", "é" * 100, "." * 5000, b"\xff" + token.encode()):
        assert not shop.run("token", "verify", "-", "-o", "json", input=nonsense, expect=4).json["active"]


@pytest.mark.assure("S18")
def test_a_token_is_no_argument_and_a_secret_is_never_repeated(staffed: Shop) -> None:
    token = login(staffed)["access_token"]
    refused = staffed.run("token", "verify", token, expect=2)
    assert token not in refused.stderr

    made = staffed.run("user", "add", "robot", "--service", "-o", "json").json
    issue = ("token", "issue", "--client", made["client_id"], "--secret-stdin", "-o", "json", "--debug")
    staffed.run(*issue, input=made["client_secret"])
    failed = staffed.run(*issue, input=f"{made['client_secret']}x", expect=4)
    assert made["client_secret"] not in failed.stderr
    assert staffed.run("token", "issue", "-o", "json", expect=2).error["code"] == "usage.nobody_named"
    shown = staffed.run("audit", "list", "-o", "json").stdout
    assert made["client_secret"] not in shown
    assert token not in shown


@pytest.mark.assure("S14")
def test_keys_rotate_retire_and_are_revoked(staffed: Shop) -> None:
    before = login(staffed)["access_token"]
    planned = staffed.run("key", "rotate", "--plan", "-o", "json").json
    assert [key["state"] for key in planned["keys"]] == ["next", "active"]
    assert planned["dry_run"] is True
    told = staffed.run("key", "rotate", "--plan").stderr
    assert f"{planned['active'][:12]} would sign from then on, {planned['passive'][:12]} would only verify" in told
    assert "Nothing would be rotated" in staffed.run("key", "rotate", "--plan", "--due").stderr

    rotated = staffed.run("key", "rotate", "-o", "json").json
    assert rotated["active"] == planned["active"]
    staffed.run("token", "verify", "-", input=before)
    after = login(staffed)["access_token"]
    in_use = staffed.run("key", "retire", rotated["passive"], "-o", "json", expect=5)
    assert in_use.error["code"] == "auth.key_in_use"
    jwks = staffed.run("key", "jwks").stdout
    assert len(json.loads(jwks)["keys"]) == 3
    assert '"d"' not in jwks
    assert staffed.run("key", "rotate", "--due").stdout == ""

    staffed.run("key", "revoke", rotated["passive"], expect=2)
    assert staffed.run("key", "revoke", rotated["passive"], "--yes", "-o", "json").json["refused"] == 1

    staffed.run("token", "verify", "-", input=before, expect=4)
    staffed.run("token", "verify", "-", input=after)


@pytest.mark.assure("S15")
def test_resealing_goes_to_another_key_and_back_to_work(staffed: Shop) -> None:
    staffed.run("user", "set", "anna", "--email", "anna@example.org")

    done = {each["database"]: each for each in staffed.run("key", "reseal", "-o", "json").json}
    assert done["auth"]["proved"]
    assert done["auth"]["cells"] >= 3
    assert staffed.run("user", "show", "anna@example.org", "-o", "json").json["email"] == "anna@example.org"
    moved = staffed.run("key", "reseal", "--database", "auth", "--to", "file:elsewhere.kek", "--new-key")
    assert f'"file:{staffed.folder / "elsewhere.kek"}"' in moved.stderr, "right from every folder"
    assert "auth.key_encryption_key" in moved.stderr
    refused = staffed.run("user", "show", "anna", "-o", "json", expect=None)
    assert refused.error["code"].startswith("sealing.")
    login_ = ("token", "issue", "--user", "anna@example.org", "--password-stdin")
    staffed.run(*login_, input=PASSWORD, env={"SHOPCTL_AUTH__KEY_ENCRYPTION_KEY": "file:elsewhere.kek"})


@pytest.mark.assure("S15")
def test_a_key_is_made_elsewhere_only_when_that_is_asked_for(staffed: Shop) -> None:
    reseal = ("key", "reseal", "--database", "auth", "-o", "json")

    missing = staffed.run(*reseal, "--to", "file:tpyo.kek", expect=3).error
    assert (missing["code"], f"{staffed.folder}/tpyo.kek" in missing["message"]) == ("sealing.kek_not_there", True)
    assert f"--to file:{staffed.folder}/tpyo.kek --new-key" in missing["hint"]
    assert not (staffed.folder / "tpyo.kek").exists()
    nowhere = staffed.run(*reseal, "--to", "file:nowhere/new.kek", "--new-key", expect=4).error
    assert nowhere["code"] == "sealing.kek_unwritable"
    for without in ((), ("--to", "env:SOME_KEY")):
        assert staffed.run(*reseal, *without, "--new-key", expect=2).error["code"] == "usage.no_key_to_make"
    assert staffed.run("user", "show", "anna", "-o", "json").json["name"] == "anna", "nothing was touched"

    staffed.run(*reseal, "--to", "file:new.kek", "--new-key")
    again = {"SHOPCTL_AUTH__KEY_ENCRYPTION_KEY": "file:new.kek"}
    staffed.run(*reseal, "--to", "file:new.kek", "--new-key", env=again)  # as after a kill: the key there is taken
    staffed.run("user", "show", "anna", env=again)
