"""The peers of the import figures, each as one process that reads the whole file into one table with a key."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from common import Run, run

_TEXT = (
    "sku text {key}, name text, description text, brand text, category text, price text, currency text, stock text, "
    "weight text"
)


def sqlite_import(sqlite3: str, file: Path, database: Path, *, cache_mib: int | None = None) -> Run:
    """`sqlite3 .import` into a text table, durable as it is by default; it names the rows without SKU and goes on."""
    cache = [] if cache_mib is None else ["-cmd", f"pragma cache_size = -{cache_mib * 1024}"]
    table = f"create table product ({_TEXT.format(key='primary key')})"
    into = f".import --csv --skip 1 '{file}' product"
    return run([sqlite3, "-batch", *cache, "-cmd", table, database, into], expect=None)


def sqlite_utils(file: Path, database: Path) -> Run:
    """`sqlite-utils upsert` by SKU, all as text like the others; looking for types takes it half as long again."""
    options = ["--csv", "--no-detect-types", "--pk", "sku", "--silent"]
    return run([_beside("sqlite-utils"), "upsert", database, "product", file, *options])


def sqlmodel_add(file: Path, url: str, rows: int) -> Run:
    """SQLModel, a validated object and `session.add` a row, into the same normalised tables."""
    program = Path(__file__).with_name("sqlmodel_add.py")
    return run([sys.executable, program, file, url, str(rows)])


def copy(psql: Path, file: Path, url: str) -> Run:
    r"""`psql \copy` into a text table; its key allows null, which a row without SKU gives."""
    table = f"create table product ({_TEXT.format(key='unique')})"
    into = f"\\copy product from '{file}' with (format csv, header)"
    return run([psql, "-Xq", "-v", "ON_ERROR_STOP=1", "-c", table, "-c", into, url])


def sqlite3_command() -> str | None:
    """The sqlite3 shell, where it is installed."""
    return shutil.which("sqlite3")


def _beside(name: str) -> str:
    script = Path(sys.executable).with_name(name)
    return str(script) if script.exists() else name
