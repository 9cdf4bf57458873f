"""Where a setting comes from, which source wins, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from shopctl.kernel.settings import load_settings
from shopctl.kernel.settings_errors import (
    BadConfigFile,
    BadSetting,
    NoConfigFile,
    NoSetting,
    NoShop,
    UnknownProfile,
    UnknownSetting,
    UnreadableConfigFile,
)
from shopctl.kernel.settings_table import KINDS, SETTINGS


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_without_any_source_every_setting_has_its_default(tmp_path):
    settings = load_settings(tmp_path, {})

    assert settings.search_engine == "tantivy"
    assert settings.default_currency == "USD"
    assert settings.database_url == f"sqlite:///{tmp_path}/.shopctl/shop.db"
    assert settings.audit_key_file == tmp_path / ".shopctl/keys/audit.key"
    assert settings.get("read_url") is None
    assert {row["source"] for row in settings.explain()} == {"default"}


def test_the_stronger_source_wins(tmp_path):
    environ = {"HOME": str(tmp_path / "home")}
    user = write(tmp_path / "home/.config/shopctl/shopctl.toml", 'log.level = "error"\nlog.format = "json"')
    assert load_settings(tmp_path, environ).source("log.level") == str(user)

    project = write(tmp_path / "shopctl.toml", 'log.level = "info"')
    assert load_settings(tmp_path, environ).log_level == "info"
    assert load_settings(tmp_path, environ).source("log.level") == str(project)
    assert load_settings(tmp_path, environ).log_format == "json", "what the project does not say, the user's file says"

    environ["SHOPCTL_LOG__LEVEL"] = "debug"
    assert load_settings(tmp_path, environ).source("log.level") == "environment SHOPCTL_LOG__LEVEL"

    flagged = load_settings(tmp_path, environ, flags={"log.level": "warning", "log.format": None})
    assert (flagged.log_level, flagged.source("log.level"), flagged.log_format) == ("warning", "flag", "json")


def test_the_file_is_found_from_the_current_folder_upwards(tmp_path):
    write(tmp_path / "shopctl.toml", 'search.engine = "whoosh"')
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)

    settings = load_settings(deep, {})

    assert settings.search_engine == "whoosh"
    assert settings.base == tmp_path
    assert settings.home == tmp_path / ".shopctl"


def test_a_nearer_file_hides_the_farther_one(tmp_path):
    write(tmp_path / "shopctl.toml", 'search.engine = "whoosh"')
    write(tmp_path / "a" / "shopctl.toml", "")

    assert load_settings(tmp_path / "a", {}).search_engine == "tantivy"


def test_a_relative_path_is_taken_from_the_file_that_holds_it(tmp_path):
    write(tmp_path / "shopctl.toml", 'database_url = "sqlite:///data/my shop.db"\naudit.key_file = "../audit.key"')
    (tmp_path / "deep").mkdir()

    settings = load_settings(tmp_path / "deep", {"SHOPCTL_AUTH_DATABASE_URL": "sqlite:///auth.db"})

    assert settings.database_url == f"sqlite:///{tmp_path}/data/my shop.db"
    assert settings.audit_key_file == tmp_path.parent / "audit.key"
    assert settings.auth_database_url == f"sqlite:///{tmp_path}/deep/auth.db", (
        "a variable is relative to where it is used"
    )


def test_a_file_can_be_named_by_flag_or_variable_and_replaces_the_one_found(tmp_path):
    write(tmp_path / "shopctl.toml", 'log.level = "error"')
    named = write(tmp_path / "other/prod.toml", 'log.level = "debug"')

    assert load_settings(tmp_path, {}, config="other/prod.toml").log_level == "debug"
    assert load_settings(tmp_path, {"SHOPCTL_CONFIG": str(named)}).base == tmp_path / "other"


def test_a_named_file_that_is_absent_is_not_found(tmp_path):
    with pytest.raises(NoConfigFile, match=r"absent\.toml does not exist") as raised:
        load_settings(tmp_path, {}, config="absent.toml")
    assert raised.value.exit_code == 3


def test_a_profile_lies_over_the_rest_of_both_files(tmp_path):
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    write(tmp_path / "xdg/shopctl/shopctl.toml", '[profile.staging]\nsearch.engine = "whoosh"\nlog.level = "debug"')
    write(tmp_path / "shopctl.toml", 'search.engine = "tantivy"\n[profile.staging]\nlog.level = "error"')

    settings = load_settings(tmp_path, environ, profile="staging")

    assert settings.search_engine == "whoosh", "a profile of the user's file beats the project's plain value"
    assert settings.log_level == "error", "of two profiles the project's wins"
    assert settings.source("log.level") == f"{tmp_path}/shopctl.toml [profile.staging]"
    assert load_settings(tmp_path, environ | {"SHOPCTL_PROFILE": "staging"}).log_level == "error"
    assert load_settings(tmp_path, environ).log_level == "warning"


def test_an_unknown_profile_is_refused_with_the_nearest_one(tmp_path):
    write(tmp_path / "shopctl.toml", "[profile.staging]")
    with pytest.raises(UnknownProfile) as raised:
        load_settings(tmp_path, {}, profile="stagin")
    assert "stagin" in raised.value.message
    assert "Did you mean staging?" in raised.value.advice
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "name", "near"),
    [
        ('databse_url = "x"', "databse_url", "database_url"),
        ('[search]\nengin = "x"', "search.engin", "search.engine"),
        ("[serch]", "serch", None),
        ("[search.engine]\nx = 1", None, None),
        ('[profile.unused]\nlog.levl = "info"', "log.levl", "log.level"),
    ],
)
def test_an_unknown_key_is_refused_naming_file_key_and_the_nearest_one(tmp_path, text, name, near):
    file = write(tmp_path / "shopctl.toml", text)
    with pytest.raises((UnknownSetting, BadSetting)) as raised:
        load_settings(tmp_path, {})
    assert str(file) in raised.value.message
    assert name is None or f"sets {name}," in raised.value.message
    assert near is None or f"Did you mean {near}?" in raised.value.advice
    assert raised.value.exit_code == 2


def test_an_unknown_variable_is_refused_with_the_nearest_one(tmp_path):
    with pytest.raises(UnknownSetting, match="SHOPCTL_DATABSE_URL") as raised:
        load_settings(tmp_path, {"SHOPCTL_DATABSE_URL": "sqlite:///x.db"})
    assert "SHOPCTL_DATABASE_URL" in raised.value.advice


def test_variables_that_are_not_ours_to_judge_are_left_alone(tmp_path):
    environ = {
        "SHOPCTL_PORT_8000_TCP": "tcp://10.0.0.1:8000",  # what Kubernetes adds for a service called shopctl
        "SHOPCTL_SERVICE_HOST": "10.0.0.1",
        "SHOPCTL_TOKEN": "x",
        "SHOPCTL_DATABASE_URL": "",
    }
    assert load_settings(tmp_path, environ).source("database_url") == "default"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a = \n", "line 1"),
        (b'log.level = "info"\nlog.level = "info"\n', "line 2"),
        (b'log.level = "info"\nlog.format = "\xff"\n', "line 2 is not UTF-8"),
        (b"\0\1\2", "not valid TOML"),
        (b"search = 1", "search"),
        (b"profile = 1", "[profile.NAME]"),
        (b"[profile]\nx = 1", "[profile.NAME]"),
        (b"x = " + b"[" * 5000, "not valid TOML"),
    ],
)
def test_a_file_that_is_not_toml_is_refused_naming_the_line(tmp_path, content, said):
    (tmp_path / "shopctl.toml").write_bytes(content)
    with pytest.raises((BadConfigFile, UnknownSetting)) as raised:
        load_settings(tmp_path, {})
    assert said in raised.value.message
    assert str(tmp_path / "shopctl.toml") in raised.value.message
    assert raised.value.exit_code == 2


def test_a_file_with_a_byte_order_mark_is_read(tmp_path):
    (tmp_path / "shopctl.toml").write_bytes(b'\xef\xbb\xbflog.level = "info"\r\n')
    assert load_settings(tmp_path, {}).log_level == "info"


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path):
    with pytest.raises(UnreadableConfigFile):
        load_settings(tmp_path, {}, config=".")


def test_there_is_a_shop_where_a_file_or_a_database_says_so(tmp_path):
    with pytest.raises(NoShop) as raised:
        load_settings(tmp_path, {}).require_shop()
    assert raised.value.exit_code == 3
    assert "shopctl init" in raised.value.advice
    assert "shopctl demo" in raised.value.advice

    load_settings(tmp_path, {"SHOPCTL_DATABASE_URL": "postgresql://db/shop"}).require_shop()
    write(tmp_path / "shopctl.toml", "")
    load_settings(tmp_path, {}).require_shop()


def test_a_user_file_that_names_no_database_makes_no_shop(tmp_path):
    write(tmp_path / "x/shopctl/shopctl.toml", 'log.level = "info"')
    with pytest.raises(NoShop):
        load_settings(tmp_path, {"XDG_CONFIG_HOME": str(tmp_path / "x")}).require_shop()


def test_a_relative_xdg_path_and_a_missing_home_are_ignored(tmp_path, monkeypatch):
    write(tmp_path / "x/shopctl/shopctl.toml", 'log.level = "info"')
    monkeypatch.chdir(tmp_path)
    assert load_settings(tmp_path, {"XDG_CONFIG_HOME": "x"}).log_level == "warning"


@pytest.mark.assure("S18")
def test_explain_masks_secrets_and_passwords_in_urls(tmp_path):
    environ = {
        "SHOPCTL_DATABASE_URL": "postgresql://shop:c4nary@db/shop",
        "SHOPCTL_READ_URL": "postgresql://shop@db/shop?sslmode=require&password=c4nary",
        "SHOPCTL_PAYMENTS__STRIPE__API_KEY": "sk_test_c4nary",
        "SHOPCTL_PAYMENTS__STRIPE__WEBHOOK_SECRETS": "whsec_c4nary,whsec_c4nary2",
        "SHOPCTL_MAIL__SMTP_URL": "smtps://me:c4n/ary@mail:465",
    }
    settings = load_settings(tmp_path, environ)
    rows = {row["name"]: row for row in settings.explain()}

    assert "c4n" not in str(rows)
    assert rows["database_url"]["value"] == "postgresql://shop:****@db/shop"
    assert rows["read_url"]["value"] == "postgresql://shop@db/shop?sslmode=require&password=****"
    assert settings.get("payments.stripe.webhook_secrets") == ("whsec_c4nary", "whsec_c4nary2")


@pytest.mark.assure("S18")
@pytest.mark.parametrize(
    "variable", ["SHOPCTL_DATABASE_URL", "SHOPCTL_PAYMENTS__STRIPE__API_KEY", "SHOPCTL_SEARCH__ENGINE"]
)
def test_a_refused_value_does_not_show_its_password(tmp_path, variable):
    with pytest.raises(BadSetting) as raised:
        load_settings(tmp_path, {variable: "mysql://root:c4nary@db\0/shop"})
    assert "c4nary" not in raised.value.message
    assert variable in raised.value.message


def test_explain_can_be_asked_for_one_setting_or_a_group(tmp_path):
    settings = load_settings(tmp_path, {})
    assert [row["name"] for row in settings.explain("search.engine")] == ["search.engine"]
    assert {row["name"] for row in settings.explain("log")} == {"log.level", "log.format"}
    with pytest.raises(NoSetting, match=r"search\.engin") as raised:
        settings.explain("search.engin")
    assert "search.engine" in raised.value.advice


def test_the_table_is_sound():
    names = [setting.name for setting in SETTINGS]
    assert len(set(names)) == len(names)
    for setting in SETTINGS:
        assert setting.kind in KINDS
        assert setting.doc.endswith(".")
        assert bool(setting.choices) == (setting.kind == "choice")
        assert not any(other.startswith(setting.name + ".") for other in names), "a setting is never a group as well"
