"""Where settings come from: the project's file, the user's file, and the environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from shopctl.kernel.settings_errors import BadConfigFile, NoConfigFile, UnknownSetting, UnreadableConfigFile
from shopctl.kernel.settings_table import BY_NAME, SETTINGS

FILE_NAME = "shopctl.toml"

# Read by other parts than this table: which file, which profile, and who is calling.
_OTHER_VARIABLES = frozenset({"SHOPCTL_CONFIG", "SHOPCTL_PROFILE", "SHOPCTL_TOKEN"})

# Kubernetes gives every pod beside a service named `shopctl` variables such as SHOPCTL_SERVICE_HOST and
# SHOPCTL_PORT_8000_TCP; they must not be taken for misspelt settings. The last two belong to the tests.
_FOREIGN_VARIABLES = ("SHOPCTL_SERVICE_", "SHOPCTL_PORT", "SHOPCTL_TEST_", "SHOPCTL_ASSURE")


class File(NamedTuple):
    """One TOML file, flattened: dotted names to raw values, and the same for each profile."""

    path: Path
    values: dict[str, Any]
    profiles: dict[str, dict[str, Any]]


def find_project_file(folder: Path) -> Path | None:
    """The nearest `shopctl.toml` in `folder` or above it, as git finds a repository."""
    current = os.path.abspath(folder)
    while True:
        candidate = os.path.join(current, FILE_NAME)
        if os.path.isfile(candidate):
            return Path(candidate)
        parent = os.path.dirname(current)
        if parent == current:
            return None
        current = parent


def user_file(environ: Mapping[str, str]) -> Path | None:
    """Where the user's own file stands (XDG Base Directory; Application Support on macOS, APPDATA on Windows)."""
    return _user_folder(environ, "XDG_CONFIG_HOME", ".config", "APPDATA", "Library/Application Support", FILE_NAME)


def user_cache(environ: Mapping[str, str]) -> Path | None:
    """The folder for what may be lost at any time, under the same rules as `user_file`; None without a home."""
    return _user_folder(environ, "XDG_CACHE_HOME", ".cache", "LOCALAPPDATA", "Library/Caches", "")


def user_state(environ: Mapping[str, str]) -> Path | None:
    """The folder for what is to be kept but is no setting, such as a login; likewise."""
    return _user_folder(environ, "XDG_STATE_HOME", ".local/state", "LOCALAPPDATA", "Library/Application Support", "")


def _user_folder(environ: Mapping[str, str], xdg: str, unix: str, windows: str, mac: str, name: str) -> Path | None:
    # The specification says that a relative XDG path is to be ignored.
    if os.path.isabs(environ.get(xdg, "")):
        return Path(environ[xdg], "shopctl", name)
    if sys.platform == "win32":
        return Path(environ[windows], "shopctl", name) if environ.get(windows) else None
    home = environ.get("HOME", "")
    if not os.path.isabs(home):
        return None
    return Path(home, mac if sys.platform == "darwin" else unix, "shopctl", name)


def read_file(path: Path) -> File:
    """Parse a file and check its names. Raises NoConfigFile, UnreadableConfigFile, BadConfigFile, UnknownSetting."""
    import tomllib

    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise NoConfigFile(path=path) from None
    except OSError as error:
        raise UnreadableConfigFile(path=path, problem=(error.strerror or str(error)).lower()) from None
    try:
        document = tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadConfigFile(path=path, problem=f"line {line} is not UTF-8") from None
    except RecursionError:
        raise BadConfigFile(path=path, problem="it is nested too deeply") from None
    except tomllib.TOMLDecodeError as error:
        last = content.count(b"\n") + 1
        problem = str(error).replace("at end of document", f"at the end, line {last}")
        raise BadConfigFile(path=path, problem=problem) from None
    profiles = document.pop("profile", {})
    if not isinstance(profiles, dict) or not all(isinstance(table, dict) for table in profiles.values()):
        raise BadConfigFile(path=path, problem="profile must hold tables, each written as [profile.NAME]")
    return File(
        path,
        dict(_flatten(document, str(path))),
        {name: dict(_flatten(table, f"{path} [profile.{name}]")) for name, table in profiles.items()},
    )


def _flatten(table: dict[str, Any], source: str, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        name = prefix + key
        if name in BY_NAME:
            yield name, value
        elif isinstance(value, dict) and any(known.startswith(name + ".") for known in BY_NAME):
            yield from _flatten(value, source, name + ".")
        elif not prefix and key == "profiles" and isinstance(value, dict):
            raise UnknownSetting(
                name=name, source=source, suggestion=f"Did you mean [profile.{next(iter(value), 'NAME')}]? "
            )
        else:
            raise unknown(name, source)


def environment_values(environ: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Dotted name to (text, variable) for every SHOPCTL_A__B that is set and not empty. Raises UnknownSetting."""
    variables = {setting.environment: setting.name for setting in SETTINGS}
    found: dict[str, tuple[str, str]] = {}
    for variable, text in environ.items():
        if not variable.startswith("SHOPCTL_") or not text or variable in _OTHER_VARIABLES:
            continue
        if variable in variables:
            found[variables[variable]] = (text, variable)
        elif not variable.startswith(_FOREIGN_VARIABLES):
            raise UnknownSetting(name=variable, source="the environment", suggestion=_near(variable, variables))
    return found


def unknown(name: str, source: str) -> UnknownSetting:
    """The error for a name that is no setting, with the nearest one as its hint."""
    return UnknownSetting(name=name, source=source, suggestion=did_you_mean(name, tuple(BY_NAME)))


def _near(variable: str, variables: Iterable[str]) -> str:
    # What all of them begin with makes none the nearer.
    prefix = "SHOPCTL_"
    known = tuple(each.removeprefix(prefix) for each in variables)
    return did_you_mean(variable.removeprefix(prefix), known, prefix, least=0.7)


def did_you_mean(name: str, known: tuple[str, ...], prefix: str = "", *, least: float = 0.6) -> str:
    """`Did you mean X? ` for the nearest known name, empty when none is near (`least` of 1); `prefix` goes before X."""
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1, cutoff=least)
    return f"Did you mean {prefix}{near[0]}? " if near else ""
