"""The settings a command runs with: flag > environment > project file > user file > default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from shopctl.kernel.settings_errors import NoConfigFile, NoSetting, NoShop, UnknownProfile
from shopctl.kernel.settings_sources import (
    File,
    did_you_mean,
    environment_values,
    find_project_file,
    read_file,
    unknown,
    user_file,
)
from shopctl.kernel.settings_table import BY_NAME, SETTINGS
from shopctl.kernel.settings_values import read_value, shown

DEFAULT = "default"


class Value(NamedTuple):
    """A value and where it came from, in words."""

    value: Any
    source: str


class Settings:
    """All settings, each with its source; made by `load_settings`, never changed afterwards."""

    def __init__(
        self,
        values: Mapping[str, Value],
        base: Path,
        *,
        config_file: Path | None,
        files: tuple[Path, ...],
        profile: str | None,
    ) -> None:
        self._values = values
        self.base = base
        """The absolute folder that the shop lives in: that of the configuration file, else the current one."""
        self.config_file = config_file
        """The project's file, from --config, SHOPCTL_CONFIG or the search upwards; None when there is none."""
        self.files = files
        """The files that were read, the strongest first."""
        self.profile = profile

    def get(self, name: str) -> Any:
        """The value of a setting by its dotted name; None when it has neither value nor default."""
        return self._values[name].value

    def source(self, name: str) -> str:
        """Where the value came from: `flag`, `environment SHOPCTL_…`, a file (with its profile) or `default`."""
        return self._values[name].source

    def resolved(self, name: str, text: str) -> Any:
        """What a setting would be if it were given as this text on the command line. Raises BadSetting."""
        return read_value(BY_NAME[name], text, source="flag", base=Path.cwd(), text=True)

    def explain(self, name: str | None = None) -> list[dict[str, Any]]:
        """One row per setting: name, value (secrets masked), source, doc; of one setting or one group with `name`.

        Raises NoSetting.
        """
        rows = [
            {
                "name": setting.name,
                "value": shown(setting, self.get(setting.name)),
                "source": self.source(setting.name),
                "doc": setting.doc + (" (reserved: not read by this release)" if setting.reserved else ""),
            }
            for setting in SETTINGS
            if name is None or setting.name == name or setting.name.startswith(f"{name}.")
        ]
        if not rows:
            raise NoSetting(name=name, suggestion=did_you_mean(str(name), tuple(BY_NAME)))
        return rows

    @property
    def home(self) -> Path:
        """The shop's own folder `.shopctl`, absolute."""
        return self.base / ".shopctl"

    @property
    def has_shop(self) -> bool:
        """Whether anything says where the shop is: a project file, or a database named elsewhere."""
        return self.config_file is not None or self.source("database_url") != DEFAULT

    def require_shop(self) -> None:
        """Raise NoShop (exit 3) when nothing says where the shop is."""
        if not self.has_shop:
            raise NoShop(folder=self.base)

    @property
    def database_url(self) -> str:
        """`sqlite:///` + absolute path, or `postgresql://…`."""
        return str(self.get("database_url"))

    @property
    def auth_database_url(self) -> str:
        """Like `database_url`, for users and credentials."""
        return str(self.get("auth_database_url"))

    @property
    def search_engine(self) -> str:
        """`tantivy` or `whoosh`."""
        return str(self.get("search.engine"))

    @property
    def default_currency(self) -> str:
        """ISO 4217 code."""
        return str(self.get("catalogue.default_currency"))

    @property
    def audit_key_file(self) -> Path:
        """Absolute path of the key that chains the audit trail."""
        return Path(self.get("audit.key_file"))

    @property
    def backup_key_file(self) -> Path:
        """Absolute path of the key that backups are encrypted under."""
        return Path(self.get("backup.key_file"))

    @property
    def log_level(self) -> str:
        """`debug`, `info`, `warning` or `error`."""
        return str(self.get("log.level"))

    @property
    def log_format(self) -> str:
        """`text` or `json`."""
        return str(self.get("log.format"))


def load_settings(
    cwd: Path,
    environ: Mapping[str, str],
    config: str | Path | None = None,
    profile: str | None = None,
    flags: Mapping[str, str | None] | None = None,
) -> Settings:
    """Read every source and check every name and value in it.

    `config` and `profile` are --config and --profile, else SHOPCTL_CONFIG and SHOPCTL_PROFILE; `flags` maps dotted
    names to the text of other flags, None where not given. A profile's values beat plain ones, in whichever file.
    Raises UnknownSetting, BadSetting, UnknownProfile, BadConfigFile (exit 2), NoConfigFile (3),
    UnreadableConfigFile (4).
    """
    folder = Path(os.path.abspath(cwd))
    profile = profile or environ.get("SHOPCTL_PROFILE") or None
    project = _project_file(folder, environ, config)
    user = user_file(environ)
    paths = [project] if project else []
    if user is not None and user != project and user.exists():
        paths.append(user)
    files = [read_file(path) for path in paths]
    base = paths[0].parent if paths else folder

    values = {
        setting.name: Value(
            None
            if setting.default is None
            else read_value(setting, _raw(setting.default), source=DEFAULT, base=base, text=False),
            DEFAULT,
        )
        for setting in SETTINGS
    }
    for file in reversed(files):
        _lay(values, file.values, str(file.path), file.path.parent)
    if profile is not None:
        _check_profile(profile, files)
        for file in reversed(files):
            _lay(values, file.profiles.get(profile, {}), f"{file.path} [profile.{profile}]", file.path.parent)
    for name, (text, variable) in environment_values(environ).items():
        source = f"environment {variable}"
        values[name] = Value(read_value(BY_NAME[name], text, source=source, base=folder, text=True), source)
    for name, flag in (flags or {}).items():
        if flag is not None:
            if name not in BY_NAME:
                raise unknown(name, "the command line")
            values[name] = Value(read_value(BY_NAME[name], flag, source="flag", base=folder, text=True), "flag")
    return Settings(values, base, config_file=project, files=tuple(paths), profile=profile)


def _project_file(folder: Path, environ: Mapping[str, str], config: str | Path | None) -> Path | None:
    named = config or environ.get("SHOPCTL_CONFIG")
    if not named:
        return find_project_file(folder)
    path = Path(os.path.normpath(folder / Path(named).expanduser()))
    if not path.exists():
        raise NoConfigFile(path=path)
    return path


def _lay(values: dict[str, Value], raws: Mapping[str, Any], source: str, base: Path) -> None:
    for name, raw in raws.items():
        values[name] = Value(read_value(BY_NAME[name], raw, source=source, base=base, text=False), source)


def _check_profile(profile: str, files: list[File]) -> None:
    known = tuple(dict.fromkeys(name for file in files for name in file.profiles))
    if profile not in known:
        sources = " or ".join(str(file.path) for file in files) or "any file: there is no shopctl.toml"
        raise UnknownProfile(profile=profile, sources=sources, suggestion=did_you_mean(profile, known))


def _raw(default: object) -> object:
    return list(default) if isinstance(default, tuple) else default
