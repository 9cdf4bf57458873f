"""`shopctl config`: what is set, and who said so."""

from __future__ import annotations

import pytest

from support.shop import Shop


def test_show_gives_names_and_values(shop: Shop):
    shown = shop.run("config", "show", "-o", "json").json
    assert shown["search.engine"] == "tantivy"
    assert shown["database_url"] == f"sqlite:///{shop.folder}/.shopctl/shop.db"
    assert 'search.engine = "tantivy"' in shop.run("config", "show").stdout.splitlines()
    assert shop.run("config", "show", "log").stdout == 'log.level = "warning"\nlog.format = "text"\n'


def test_explain_names_the_source_of_each(shop: Shop):
    environ = {"SHOPCTL_LOG__FORMAT": "json", "SHOPCTL_PROFILE": "quick"}
    with (shop.folder / "shopctl.toml").open("a") as file:
        file.write('[profile.quick]\nsearch.engine = "whoosh"\n')

    rows = shop.run("config", "explain", "--log-level", "error", "-o", "json", env=environ).json

    found = {row["name"]: (row["value"], row["source"]) for row in rows}
    file = f"{shop.folder}/shopctl.toml"
    assert found["log.level"] == ("error", "flag")
    assert found["log.format"] == ("json", "environment SHOPCTL_LOG__FORMAT")
    assert found["search.engine"] == ("whoosh", f"{file} [profile.quick]")
    assert found["database_url"][1] == file
    assert found["catalogue.default_currency"] == ("USD", "default")
    assert all(row["doc"] for row in rows)


def test_path_lists_the_files_read(shop: Shop):
    deep = shop.folder / "a/b"
    deep.mkdir(parents=True)
    user = shop.home / "config/shopctl/shopctl.toml"
    user.parent.mkdir(parents=True)
    user.write_text("")

    found = shop.run("config", "path", "-o", "json", cwd=deep).json

    assert found == {
        "files": [f"{shop.folder}/shopctl.toml", str(user)],
        "profile": None,
        "home": f"{shop.folder}/.shopctl",
    }


def test_config_answers_where_there_is_no_shop(folder_without_shop: Shop):
    assert folder_without_shop.run("config", "path", "-o", "json").json["files"] == []
    folder_without_shop.run("config", "explain")


@pytest.mark.parametrize(
    ("toml", "code", "said"),
    [
        ('serch.engine = "x"', "config.unknown_setting", "shopctl.toml sets serch"),
        ("[search]\nengin = 1", "config.unknown_setting", "Did you mean search.engine?"),
        ('search.engine = "solr"', "config.bad_value", "one of tantivy, whoosh"),
        ("[profiles.prod]\nlog.level = 'info'", "config.unknown_setting", "Did you mean [profile.prod]?"),
        ("a = ", "config.bad_file", "line 1"),
    ],
)
def test_a_faulty_file_is_refused_by_every_command(folder_without_shop: Shop, toml, code, said):
    (folder_without_shop.folder / "shopctl.toml").write_text(toml)
    for command in (("config", "show"), ("catalogue", "list"), ("init",)):
        error = folder_without_shop.run(*command, "-o", "json", expect=2).error
        assert error["code"] == code
        assert said in error["message"] + error["hint"]


def test_an_unknown_profile_variable_or_file_is_refused(shop: Shop):
    assert (
        shop.run("config", "show", "--profile", "none", "-o", "json", expect=2).error["code"]
        == "config.unknown_profile"
    )
    wrong = {"SHOPCTL_SERCH__ENGINE": "whoosh"}
    assert "SHOPCTL_SEARCH__ENGINE" in shop.run("config", "show", env=wrong, expect=2).stderr
    for far in ("SHOPCTL_LOCK_WAIT", "SHOPCTL_FOO"):
        assert "Did you mean" not in shop.run("config", "show", env={far: "1"}, expect=2).stderr
    assert shop.run("config", "show", "--config", "no.toml", "-o", "json", expect=3).error["code"] == "config.no_file"


def test_an_unknown_name_is_not_found_and_the_nearest_is_named(shop: Shop):
    error = shop.run("config", "explain", "search.engin", "-o", "json", expect=3).error
    assert "Did you mean search.engine?" in error["hint"]


@pytest.mark.assure("S18")
def test_secrets_are_shown_nowhere(shop: Shop):
    environ = {
        "SHOPCTL_READ_URL": "postgresql://shop:c4nary@db/shop",
        "SHOPCTL_PAYMENTS__STRIPE__API_KEY": "sk_live_c4naryc4nary",
        "SHOPCTL_PAYMENTS__STRIPE__WEBHOOK_SECRETS": "c4nary-one,c4nary-two",
    }
    for command in (("show",), ("explain",), ("path",)):
        for output in ("table", "json", "csv", "yaml"):
            result = shop.run("config", *command, "-o", output, "--log-level", "debug", env=environ)
            assert "c4nary" not in result.stdout + result.stderr


def test_without_a_shop_a_command_says_how_to_get_one(folder_without_shop: Shop):
    refused = folder_without_shop.run("catalogue", "list", "-o", "json", expect=3)
    assert refused.error["code"] == "config.no_shop"
    assert "shopctl init" in refused.error["hint"]
    assert "shopctl demo" in refused.error["hint"]
