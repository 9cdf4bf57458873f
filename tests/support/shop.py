"""A shop in a folder of its own, driven as its users drive it: through real processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

TIMEOUT = 120.0  # seconds; a verb that takes longer hangs


@dataclass(frozen=True)
class Result:
    """What a process left behind."""

    arguments: tuple[str, ...]
    code: int
    out: bytes
    err: bytes

    @property
    def stdout(self) -> str:
        return self.out.decode()

    @property
    def stderr(self) -> str:
        return self.err.decode()

    @cached_property
    def json(self) -> Any:
        """Standard output as one JSON document."""
        return json.loads(self.out)

    @cached_property
    def ndjson(self) -> list[Any]:
        """Standard output as one JSON document a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @cached_property
    def error(self) -> dict[str, Any]:
        """The error on standard error: `{"code","message","hint","retryable","exit_code"}`; wants `-o json`."""
        for line in reversed(self.stderr.splitlines()):
            if line.startswith('{"error"'):
                found: dict[str, Any] = json.loads(line)["error"]
                return found
        raise AssertionError(f"no JSON error on standard error of {self.arguments}:\n{self.stderr}")


class Shop:
    """A shop made by `shopctl init`; `run` starts `python -m shopctl` in its folder."""

    def __init__(self, folder: Path, *, database_url: str | None = None, auth_database_url: str | None = None) -> None:
        self.folder = folder
        self.database_url = database_url
        self.auth_database_url = auth_database_url
        self.dialect = "postgres" if database_url and database_url.startswith("postgres") else "sqlite"
        folder.mkdir(parents=True, exist_ok=True)
        # Beside the shop, never inside: a test that counts the shop's files must not find them.
        self.home = folder.parent / f"{folder.name}.home"
        self.home.mkdir(exist_ok=True)

    def init(self) -> Shop:
        """Make the shop: settings, databases, keys."""
        flags = []
        if self.database_url:
            flags += ["--database", self.database_url]
        if self.auth_database_url:
            flags += ["--auth-database", self.auth_database_url]
        self.run("init", *flags)
        return self

    def copy(self, folder: Path, *, database_url: str | None = None, auth_database_url: str | None = None) -> Shop:
        """The same shop in another folder, and on copies of its databases where those are on a server."""
        shop = Shop(folder, database_url=database_url, auth_database_url=auth_database_url)
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        settings = folder / "shopctl.toml"
        text = settings.read_text()
        for old, new in ((self.database_url, database_url), (self.auth_database_url, auth_database_url)):
            if old and new:
                assert old in text, f"{settings} does not name {old}"
                text = text.replace(old, new)
        settings.write_text(text)
        return shop

    def run(
        self,
        *arguments: str | os.PathLike[str],
        expect: int | None = 0,
        input: str | bytes | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = TIMEOUT,
    ) -> Result:
        """Run a verb to its end and check its exit code; `expect=None` takes any. Text input is sent as UTF-8."""
        words = tuple(os.fspath(argument) for argument in arguments)
        done = subprocess.run(
            command(*words),
            input=input.encode() if isinstance(input, str) else input or b"",
            capture_output=True,
            cwd=cwd or self.folder,
            env=self.environment(env),
            timeout=timeout,
        )
        result = Result(words, done.returncode, done.stdout, done.stderr)
        if expect is not None and result.code != expect:
            said = f"{result.stdout[-4000:]}{result.stderr[-4000:]}"
            raise AssertionError(f"shopctl {' '.join(words)}: exit {result.code}, not {expect}\n{said}")
        return result

    def start(
        self, *arguments: str | os.PathLike[str], env: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[bytes]:
        """Start a verb and leave it running, for tests that interrupt or race; `options` go to Popen."""
        words = [os.fspath(argument) for argument in arguments]
        settings: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "cwd": self.folder,
        }
        return subprocess.Popen(command(*words), env=self.environment(env), **(settings | options))

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """An environment without anybody's shop, settings, colours or language in it."""
        # Bytecode is written: thousands of processes would compile everything anew.
        kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
        return kept | {
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "LANG": "C.UTF-8",
            # 45 minutes off the hour: a local time shown or stored by mistake cannot pass for UTC.
            "TZ": "Pacific/Chatham",
            **(more or {}),
        }


def command(*arguments: str) -> list[str]:
    """The command line of a shopctl process."""
    return [sys.executable, "-m", "shopctl", *arguments]
