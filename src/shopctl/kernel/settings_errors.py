"""What can be wrong with the configuration: each names the file or variable and the key."""

from __future__ import annotations

from shopctl.kernel.errors import NotAllowed, NotFound, UsageError


class UnknownSetting(UsageError):
    """{source} sets {name}, which is not a setting."""

    code = "config.unknown_setting"
    hint = "{suggestion}See all settings with: shopctl config explain"


class NoSetting(NotFound):
    """There is no setting {name}."""

    code = "config.no_setting"
    hint = "{suggestion}See all settings with: shopctl config explain"


class BadSetting(UsageError):
    """{source} sets {name} to {value}, expected {expected}."""

    code = "config.bad_value"
    hint = "Correct {name} in {source}."


class UnknownProfile(UsageError):
    """The profile {profile} is not defined in {sources}."""

    code = "config.unknown_profile"
    hint = "{suggestion}A profile is a table [profile.NAME] in shopctl.toml."


class BadConfigFile(UsageError):
    """{path} is not valid TOML: {problem}."""

    code = "config.bad_file"
    hint = "Correct the file; shopctl config path lists the files that are read."


class UnreadableConfigFile(NotAllowed):
    """{path} cannot be read: {problem}."""

    code = "config.unreadable_file"
    hint = "Check who owns the file and its permissions."


class NoConfigFile(NotFound):
    """The configuration file {path} does not exist."""

    code = "config.no_file"
    hint = "Name an existing file with --config or SHOPCTL_CONFIG, or make a shop with: shopctl init"


class NoShop(NotFound):
    """There is no shop here: no shopctl.toml in {folder} or above it."""

    code = "config.no_shop"
    hint = "Make one in this folder with: shopctl init   or see one at work with: shopctl demo"
