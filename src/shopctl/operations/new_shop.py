"""Making a shop in a folder: settings, keys, databases; whole or not at all, and safe to repeat."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from shopctl.audit import keys, queries
from shopctl.audit.errors import AuditKeyMissing
from shopctl.kernel.errors import Conflict, NotAllowed
from shopctl.kernel.redaction import mask_url
from shopctl.kernel.settings import Settings, load_settings
from shopctl.kernel.settings_sources import FILE_NAME
from shopctl.operations.databases import url_of
from shopctl.storage import migrations
from shopctl.storage.database import Database, open_database
from shopctl.storage.files import check_private, make_private_folder, sync_folder, write_private

_SQLITE = "sqlite:///"
_FILE = "file:"
_FOLDERS = ("keys", "index", "backups")


class CannotMakeShop(NotAllowed):
    """A shop cannot be made in {folder}: {reason}."""

    code = "init.cannot_write"
    hint = "Use a folder that you may write to."


class OtherDatabase(Conflict):
    """{config} already sets {name} to {present}, not to {wanted}; nothing was changed."""

    code = "init.other_database"
    hint = "To use another database, edit {config}; to copy the shop there: shopctl db move"


class NewShop(NamedTuple):
    """What `init` answers; the places are absolute, URLs without passwords, `created` and `present` name the parts."""

    folder: str
    config: str
    home: str
    database: str
    auth_database: str
    created: list[str]
    present: list[str]


def make_shop(
    folder: Path, environ: Mapping[str, str], *, database_url: str | None = None, auth_database_url: str | None = None
) -> NewShop:
    """Make what is missing of the shop in `folder` and leave alone what is there.

    The URLs go into a new `shopctl.toml`; with one that is there they must agree. Raises OtherDatabase, CannotMakeShop,
    PermissionsTooOpen for what others can reach, AuditKeyMissing for a database whose trail was begun under another
    key, SchemaOutdated for a database of an earlier release, and what opening and upgrading a database raises.
    """
    folder = Path(os.path.abspath(folder))
    wanted = {"database_url": database_url, "auth_database_url": auth_database_url}
    try:
        with _alone_in(folder):
            return _Making(folder, environ, wanted).run()
    except OSError as error:
        raise CannotMakeShop(folder=folder, reason=(error.strerror or str(error)).lower()) from None


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Two at once take turns: the second finds a finished shop."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


class _Making:
    """One run of `init`. All is built beside its final place, the two renames at the end make the shop."""

    def __init__(self, folder: Path, environ: Mapping[str, str], wanted: Mapping[str, str | None]) -> None:
        self.folder = folder
        self.wanted = wanted
        # Whatever file another folder or a variable names, `init` is about the shop in this one.
        self.environ = {name: text for name, text in environ.items() if name != "SHOPCTL_CONFIG"}
        self.config = folder / FILE_NAME
        self.config_draft = folder / f"{FILE_NAME}.new"
        self.home = folder / ".shopctl"
        self.home_draft = folder / ".shopctl.new"
        self.created: list[str] = []
        self.present: list[str] = []
        self.made_databases: dict[Path, set[Path]] = {}

    def run(self) -> NewShop:
        self._clear()
        self.fresh = not self.home.exists()
        try:
            settings = self._settings()
            self._folders()
            self._databases(settings)
            self._key(settings)
            self._sealing(settings)
            self._backup_key(settings)
            self._finish()
        except BaseException:
            self._clear()
            for path, before in self.made_databases.items():
                for file in _beside(path) - before:
                    file.unlink(missing_ok=True)
            raise
        urls = (mask_url(settings.database_url), mask_url(settings.auth_database_url))
        return NewShop(str(self.folder), str(self.config), str(self.home), *urls, self.created, self.present)

    def _clear(self) -> None:
        """Take away drafts, also those of a run that was killed."""
        for draft in self.folder.glob(f"{self.config_draft.name}*"):  # `write_private` has a draft of its own
            draft.unlink(missing_ok=True)
        if self.home_draft.exists():
            shutil.rmtree(self.home_draft)

    def _settings(self) -> Settings:
        flags = {name: url for name, url in self.wanted.items() if url}
        if not self._noted(self.config.exists(), FILE_NAME):
            write_private(str(self.config_draft), _configuration(self.wanted, self.environ).encode())
            return load_settings(self.folder, self.environ, config=self.config_draft, flags=flags)
        settings = load_settings(self.folder, self.environ, config=self.config)
        asked = load_settings(self.folder, self.environ, config=self.config, flags=flags)
        for name in flags:
            if settings.get(name) != asked.get(name):
                present, other = mask_url(settings.get(name)), mask_url(asked.get(name))
                raise OtherDatabase(config=self.config, name=name, present=present, wanted=other)
        return settings

    def _folders(self) -> None:
        if self.fresh:
            make_private_folder(str(self.home_draft))
        else:
            check_private(str(self.home))
        for name in _FOLDERS:
            path = self._place(self.home / name)
            self._noted(path.exists(), f".shopctl/{name}")
            make_private_folder(str(path))
        ignore = self._place(self.home / ".gitignore")
        if not ignore.exists():
            # Keys and customers' data have no place in a repository that the shop's settings may well be in.
            write_private(str(ignore), b"*\n")

    def _databases(self, settings: Settings) -> None:
        for chain, url in zip(migrations.CHAINS, (settings.database_url, settings.auth_database_url), strict=True):
            path = Path(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else None
            with closing(open_database(self._staged(url))) as database:
                there = database.exists() and migrations.found(database, chain) != migrations.NONE
                if there:
                    migrations.check(database, chain)  # what is missing is made for the schema of today
                name = "auth database" if chain == "auth" else "shop database"
                if not self._noted(there, name):
                    if path is not None and not database.exists() and path.parent.is_dir():
                        self.made_databases[path] = _beside(path)
                    migrations.upgrade(database, chain)
                if chain == "shop":
                    self.trail_begun = there and _has_trail(database)

    def _key(self, settings: Settings) -> None:
        path = self._place(settings.audit_key_file)
        if path.exists():
            check_private(str(path))
        elif self.trail_begun:
            # A new key would make the whole trail look forged.
            raise AuditKeyMissing(path=settings.audit_key_file)
        else:
            make_private_folder(str(path.parent))
            keys.create_key(path)
            self.created.append("audit key")
            return
        self.present.append("audit key")

    def _backup_key(self, settings: Settings) -> None:
        from shopctl.storage.backup.keys import create_backup_key

        self._noted(not create_backup_key(self._place(settings.backup_key_file)), "backup key")

    def _sealing(self, settings: Settings) -> None:
        """The keys under which both databases are sealed, and the first that sign tokens."""
        from shopctl.audit.service import Audit
        from shopctl.auth import beginning
        from shopctl.customers.sealed import COLUMNS
        from shopctl.storage.key_encryption import key_encryption_keys
        from shopctl.storage.sealing import Sealer

        for chain in migrations.CHAINS:
            name = "auth" if chain == "auth" else "customers"
            source = self._sealing_source(settings.get(f"{name}.key_encryption_key"))
            keks = partial(key_encryption_keys, source)
            with closing(open_database(self._staged(url_of(settings, chain)))) as database:
                if source.startswith(_FILE):
                    self._key_file(Path(source.removeprefix(_FILE)), f"{chain} sealing key", database)
                if chain == "auth":
                    audit = Audit(database, self._place(settings.audit_key_file), system="auth")
                    beginning.begin(database, audit, keks, settings.get("auth.algorithm"))
                else:
                    with database.unit() as unit:
                        Sealer(chain, COLUMNS, keks).begin(unit)

    def _sealing_source(self, source: str) -> str:
        return f"{_FILE}{self._place(Path(source.removeprefix(_FILE)))}" if source.startswith(_FILE) else source

    def _key_file(self, path: Path, name: str, database: Database) -> None:
        from shopctl.storage.key_files import create_kek
        from shopctl.storage.sealing_errors import KekMissing

        if not path.exists():
            with database.read() as unit:
                sealed = unit.value("select 1 from sealing_key limit 1") is not None
            if sealed:  # another key would open nothing that is sealed
                raise KekMissing(source=f"{_FILE}{path}")
            make_private_folder(str(path.parent))
        self._noted(not create_kek(path), name)

    def _finish(self) -> None:
        if self.fresh:
            os.rename(self.home_draft, self.home)
        if self.config_draft.exists():
            try:
                os.rename(self.config_draft, self.config)
            except BaseException:
                if self.fresh:
                    with suppress(OSError):
                        os.rename(self.home, self.home_draft)
                raise
        sync_folder(str(self.folder))

    def _place(self, path: Path) -> Path:
        """Where to build what is to lie at `path`: in the draft while there is no folder `.shopctl` yet."""
        if self.fresh and path.is_relative_to(self.home):
            return self.home_draft / path.relative_to(self.home)
        return path

    def _staged(self, url: str) -> str:
        """The URL under which a database is reached while the shop is being built."""
        return f"{_SQLITE}{self._place(Path(url.removeprefix(_SQLITE)))}" if url.startswith(_SQLITE) else url

    def _noted(self, there: bool, name: str) -> bool:
        (self.present if there else self.created).append(name)
        return there


def _has_trail(database: Database) -> bool:
    with database.read() as unit:
        return queries.trail(unit) is not None


def _beside(path: Path) -> set[Path]:
    """The files of a database: itself, its write-ahead log, its locks."""
    return {path.with_name(name) for name in os.listdir(path.parent) if name.startswith(path.name)}


def _configuration(wanted: Mapping[str, str | None], environ: Mapping[str, str]) -> str:
    lines = ["# The settings of this shop. See all of them, and where each comes from, with: shopctl config explain"]
    defaults = {"database_url": "sqlite:///.shopctl/shop.db", "auth_database_url": "sqlite:///.shopctl/auth.db"}
    for name, default in defaults.items():
        variable = f"SHOPCTL_{name.upper()}"
        if not wanted[name] and environ.get(variable):
            lines.append(f"# {name} comes from the environment: {variable}")
        else:
            lines.append(f"{name} = {_quoted(wanted[name] or default)}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A TOML basic string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'
