"""The lock pins everything by hash, names no host or path, and agrees with pyproject.toml (S26)."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = SETTINGS["project"]
PIN = re.compile(
    r"^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[^ ;]+)(?P<rest>( \\\n    --hash=sha256:[0-9a-f]{64})+)\n",
    re.MULTILINE,
)


def pins(lock: str) -> dict[str, str]:
    """Names and versions of a lock in which nothing stands but pins with their hashes."""
    text = (ROOT / "requirements" / lock).read_text()
    assert "/" not in text, "the lock names a host or a path"
    assert re.sub(r"^#.*$", "", PIN.sub("", text), flags=re.MULTILINE).strip() == "", "something in the lock is no pin"
    return {match["name"]: match["version"] for match in PIN.finditer(text)}


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=!~;]", line)[0].strip().lower() for line in requirements}


@pytest.mark.assure("S26")
@pytest.mark.parametrize("lock", ["runtime.txt", "dev.txt", "bench.txt"])
def test_the_lock_is_nothing_but_pins_with_hashes(lock: str) -> None:
    assert len(pins(lock)) > 10


@pytest.mark.assure("S26")
def test_the_locks_cover_what_the_project_asks_for() -> None:
    extras = PROJECT["optional-dependencies"]
    runtime = names(PROJECT["dependencies"] + extras["postgres"] + extras["xlsx"])

    assert runtime <= pins("runtime.txt").keys()
    assert runtime | names(extras["test"] + extras["dev"]) <= pins("dev.txt").keys()
    assert names(SETTINGS["build-system"]["requires"]) <= pins("dev.txt").keys()


@pytest.mark.assure("S26")
def test_what_users_run_is_what_was_tested() -> None:
    tested = pins("dev.txt")

    assert all(tested[name] == version for name, version in pins("runtime.txt").items())
    assert all(pins("bench.txt")[name] == version for name, version in tested.items())
