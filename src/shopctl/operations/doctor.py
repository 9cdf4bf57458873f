"""`doctor`: is everything around the shop as it should be?"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import Any, Literal, NamedTuple

from shopctl.kernel.clock import Clock
from shopctl.kernel.errors import Partial, ShopctlError, one_line
from shopctl.kernel.redaction import redact
from shopctl.kernel.settings import Settings
from shopctl.operations.backup_health import health
from shopctl.operations.databases import url_of
from shopctl.operations.status import standing
from shopctl.storage import migrations
from shopctl.storage.database import Database, open_database
from shopctl.storage.files import check_private, folders_in
from shopctl.storage.migrations import CHAINS, Chain

LEAST_FREE = 256 << 20  # bytes; a merge of a large import needs a few hundred megabytes of write-ahead log
LOCK_WAIT = 3.0  # seconds; a writer that holds the database longer is worth a word
_OLDEST_SQLITE = (3, 38, 0)  # the first with `->>`
_OLDEST_POSTGRES = 130000  # the first with pg_current_xact_id()


class Unwell(Partial):
    """{count} check(s) failed: {checks}."""

    code = "doctor.unwell"
    hint = "Each failed check says what to do about it."


class Check(NamedTuple):
    """One check: what was looked at, how it is, what was found, and what to do about it."""

    check: str
    state: Literal["ok", "warn", "fail"]
    found: str
    hint: str


def examine(settings: Settings) -> list[Check]:
    """Look at the programs, the shop's files, its databases and the plugins; nothing is changed. Raises NoShop."""
    settings.require_shop()
    return [*_programs(), _search(settings), *_files(settings), *_databases(settings), *_plugins(settings)]


def require_health(checks: list[Check]) -> None:
    """Raise Unwell (exit 6) when a check failed; warnings pass."""
    if failed := [check.check for check in checks if check.state == "fail"]:
        raise Unwell(count=len(failed), checks=", ".join(failed))


def _programs() -> Iterator[Check]:
    import sqlite3

    yield Check("python", "ok", sys.version.split()[0], "")
    fine = sqlite3.sqlite_version_info >= _OLDEST_SQLITE
    wanted = ".".join(map(str, _OLDEST_SQLITE))
    yield Check(
        "sqlite",
        "ok" if fine else "fail",
        sqlite3.sqlite_version,
        "" if fine else f"Use a Python with SQLite {wanted}.",
    )


def _search(settings: Settings) -> Check:
    from shopctl.catalogue.engines import engine

    return _tried("search engine", lambda: engine(settings.search_engine).name)


def _files(settings: Settings) -> Iterator[Check]:
    home = str(settings.home)
    for place in (home, *folders_in(home), str(settings.audit_key_file), str(settings.backup_key_file)):
        if os.path.exists(place):
            yield _tried(f"permissions {os.path.basename(place)}", partial(_private, place))
    key = settings.audit_key_file
    if not key.exists():
        hint = "Make it with: shopctl init; or put it back from a safe place, else the audit trail cannot be verified."
        yield Check("audit key", "fail", f"{key} is missing", hint)
    if settings.home.is_dir():
        yield _disk("disk space", str(settings.home))


def _sealing_keys(chain: Chain, source: str, database: Database) -> Check:
    """Whether the key-encryption key is at hand, and is the one that the database is sealed under."""
    from shopctl.storage.key_encryption import key_encryption_keys
    from shopctl.storage.sealing import Sealer

    def look() -> str:
        sealer = Sealer(chain, (), lambda: key_encryption_keys(source))
        with database.read() as unit:
            return f"{sealer.prove(unit)}, wrapped under {sealer.unwrapping.keks.current.id}"

    return _tried(f"{chain} sealing keys", look)


def _private(path: str) -> str:
    check_private(path)
    return f"{os.stat(path).st_mode & 0o777:o}"


def _disk(name: str, folder: str) -> Check:
    free = shutil.disk_usage(folder).free
    found = f"{free >> 20} MiB free for {folder}"
    if free >= LEAST_FREE:
        return Check(name, "ok", found, "")
    return Check(name, "warn", found, f"Free some space: a large import may need {LEAST_FREE >> 20} MiB.")


def _databases(settings: Settings) -> Iterator[Check]:
    for chain in CHAINS:
        with closing(open_database(url_of(settings, chain), lock_wait=LOCK_WAIT)) as database:
            schema = _tried(f"{chain} schema", partial(_schema, database, chain))
            yield schema
            if schema.state == "ok":
                setting = "auth.key_encryption_key" if chain == "auth" else "customers.key_encryption_key"
                yield _sealing_keys(chain, settings.get(setting), database)
                yield from _sqlite(chain, database) if database.dialect == "sqlite" else _postgres(chain, database)
                if chain == "shop":
                    yield from _backups(database)
                    yield from _runs(database)


def _schema(database: Database, chain: Chain) -> str:
    migrations.check(database, chain)
    return f"{migrations.head(chain)} at {database.place}"


def _sqlite(chain: Chain, database: Database) -> Iterator[Check]:
    with database.read() as unit:
        mode = unit.value("pragma journal_mode")
    if mode == "wal":
        yield Check(f"{chain} journal", "ok", "wal", "")
    else:
        hint = "Writers and readers wait for each other. Set it with: shopctl db upgrade"
        yield Check(f"{chain} journal", "warn", mode, hint)
    yield _tried(f"{chain} writers", lambda: _can_write(database))
    folder = os.path.dirname(database.place)
    if os.path.basename(folder) != ".shopctl":
        yield _disk(f"{chain} disk space", folder)
    if kind := _network_file_system(folder):
        hint = "SQLite's locks and shared memory need a local disk; use PostgreSQL for several machines."
        yield Check(f"{chain} file system", "warn", kind, hint)


def _postgres(chain: Chain, database: Database) -> Iterator[Check]:
    with database.read() as unit:
        names = (
            "server_version",
            "server_version_num",
            "server_encoding",
            "fsync",
            "synchronous_commit",
            "full_page_writes",
        )
        has = {name: unit.value("select current_setting(:name)", name=name) for name in names}
    new = int(has["server_version_num"]) >= _OLDEST_POSTGRES
    yield Check(
        f"{chain} server", "ok" if new else "fail", has["server_version"], "" if new else "Use PostgreSQL 13 or newer."
    )
    utf8 = has["server_encoding"] == "UTF8"
    yield Check(
        f"{chain} encoding",
        "ok" if utf8 else "fail",
        has["server_encoding"],
        "" if utf8 else "Move to a database in UTF8.",
    )
    off = [name for name in ("fsync", "synchronous_commit", "full_page_writes") if has[name] == "off"]
    if off:
        hint = "A crash of the server can lose what was confirmed. Turn them on."
        yield Check(f"{chain} durability", "warn", f"{', '.join(off)} off", hint)
    else:
        yield Check(f"{chain} durability", "ok", "fsync on", "")
    yield _tried(f"{chain} writers", lambda: _can_write(database))


def _backups(database: Database) -> Iterator[Check]:
    """Whether a backup was tried lately, in a shop that has any, and whether workers stand still."""
    with database.read() as unit:
        found = health(unit, Clock().now())
    if found.drill_due:
        last = f"the last good drill was {found.last_drill_at}" if found.last_drill_at else "no backup was ever tried"
        yield Check("backup drill", "warn", last, "Try the newest, from cron once a day: shopctl backup drill")
    elif found.last_backup_at:
        yield Check("backup drill", "ok", str(found.last_drill_at), "")
    if found.paused_since:
        hint = "Workers stand still. When all is well: shopctl db resume"
        yield Check("paused", "warn", f"a backup was restored at {found.paused_since}", hint)


def _runs(database: Database) -> Iterator[Check]:
    """Whether runs stand still that need somebody, or that nobody works on."""
    with database.read() as unit:
        found = standing(unit, Clock().now())
    if found["parked"]:
        yield Check(
            "runs", "warn", f"{found['parked']} parked", "See what stopped them: shopctl provision list --stuck"
        )
    if found["overdue"]:
        hint = "Keep a worker running, or one from cron each minute: shopctl worker --until-idle"
        yield Check("workers", "warn", f"{found['overdue']} runs are due and nobody works on them", hint)


def _can_write(database: Database) -> str:
    with database.unit(dry_run=True) as unit:
        unit.execute("delete from lease where name = 'doctor'")
    return "a write got its turn"


def _network_file_system(folder: str) -> str | None:
    """The kind of the file system when it is one that lies on another machine (Linux's list of mounts)."""
    try:
        with open("/proc/self/mounts", encoding="utf-8", errors="replace") as mounts:
            found = [line.split()[1:3] for line in mounts]
    except OSError:
        return None
    folder = os.path.realpath(folder)
    over = [(len(place), kind) for place, kind in found if f"{folder}/".startswith(f"{place.rstrip('/')}/")]
    kind = max(over, default=(0, ""))[1]
    return kind if kind.startswith(("nfs", "cifs", "smb", "fuse.sshfs", "9p", "afs", "ceph")) else None


def _plugins(settings: Settings) -> Iterator[Check]:
    from shopctl.hooks.plugins import call, plugins

    for plugin in plugins():
        broken = plugin.state == "broken"
        hint = f"Update or remove it: pip install --upgrade {plugin.distribution}" if broken else ""
        found = plugin.error or plugin.version
        yield Check(f"plugin {plugin.name}", "fail" if broken else "ok", found, hint)
    for checks in call("shopctl_doctor_checks"):
        for name, check in checks:
            yield _asked(name, check, settings)


def _asked(name: str, check: Callable[[Any], str | None], settings: Settings) -> Check:
    try:
        wrong = check(settings)
    except (Exception, SystemExit) as raised:
        told = one_line(redact(f"the check itself failed: {type(raised).__name__}: {raised}"))
        return Check(name, "fail", told, "Update its plugin.")
    return Check(name, "fail", one_line(redact(str(wrong))), "") if wrong else Check(name, "ok", "", "")


def _tried(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, "ok", look(), "")
    except ShopctlError as failure:
        return Check(name, "fail", failure.message, failure.advice)
