"""Every setting stands in the documentation and in the example, with its real default."""

from __future__ import annotations

from pathlib import Path

import pytest

from shopctl.kernel.settings import load_settings
from shopctl.kernel.settings_table import SETTINGS

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTED = (ROOT / "docs/configuration.md").read_text().splitlines()


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_setting_has_its_row_in_the_documentation(setting):
    (row,) = [line for line in DOCUMENTED if line.startswith(f"| `{setting.name}` |")]
    assert row.endswith(f"| {setting.doc} |")
    assert all(choice in row for choice in setting.choices) or setting.reserved
    if isinstance(setting.default, str) and not setting.reserved:
        assert f"`{setting.default}`" in row


def test_the_documentation_names_no_setting_that_is_not_there():
    rows = {line.split("`")[1] for line in DOCUMENTED if line.startswith("| `")}
    assert rows == {setting.name for setting in SETTINGS}


def test_the_example_holds_every_setting_with_its_default(tmp_path):
    file = tmp_path / "shopctl.toml"
    file.write_text("")
    defaults = load_settings(tmp_path, {})
    file.write_text((ROOT / "config/shopctl.example.toml").read_text())
    example = load_settings(tmp_path, {})
    for setting in SETTINGS:
        if not setting.reserved and setting.default is not None:
            assert example.source(setting.name) == str(file), setting.name
            assert example.get(setting.name) == defaults.get(setting.name)


def test_the_profile_of_the_example_can_be_chosen():
    settings = load_settings(ROOT / "config", {}, config="shopctl.example.toml", profile="production")
    assert settings.log_format == "json"
    assert settings.database_url.startswith("postgresql://")
