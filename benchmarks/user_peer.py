"""Writes the users of a CSV file as they are, unsealed and unchecked, with `executemany` into the same tables.

python user_peer.py FILE DATABASE_URL
"""

from __future__ import annotations

import csv
import sqlite3
import sys
from collections.abc import Iterator
from typing import Any

TABLES = (
    """create table account (id text primary key, name text not null, name_key text not null unique, kind text not null,
           state text not null, email text, email_index text unique, token_epoch bigint not null,
           version bigint not null, created_at text not null, updated_at bigint not null, last_login_at bigint)""",
    "create index ix_account_last_login_at on account (last_login_at)",
    """create table password (account_id text primary key references account, hash text not null, kind text not null,
           changed_at bigint not null)""",
    "create table role (name text primary key)",
    """create table account_role (account_id text references account, role text references role,
           granted_at bigint not null, primary key (account_id, role))""",
    "create index ix_account_role_role on account_role (role)",
    "insert into role values ('customer'), ('staff')",
)
ACCOUNT = "insert into account values (?, ?, ?, 'person', 'active', ?, ?, 1, 1, ?, 0, null)"
PASSWORD = "insert into password values (?, ?, 'bcrypt cost 12', 0)"
ROLE = "insert into account_role values (?, ?, 0)"


def main(path: str, url: str) -> None:
    """Write all rows in one transaction."""
    if url.startswith("sqlite:///"):
        connection: Any = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        for pragma in ("journal_mode = wal", "foreign_keys = on", "synchronous = full"):
            connection.execute(f"pragma {pragma}")
        mark, many = "?", connection.executemany
        connection.execute("begin")
    else:
        import psycopg

        connection = psycopg.connect(url)
        mark, many = "%s", connection.cursor().executemany
    for table in TABLES:
        connection.execute(table)
    with open(path, newline="", encoding="utf-8") as file:
        users = [(f"usr_{number:026}", row) for number, row in enumerate(csv.DictReader(file))]
    many(ACCOUNT.replace("?", mark), _accounts(users))
    many(PASSWORD.replace("?", mark), [(user, row["password_hash"]) for user, row in users])
    many(ROLE.replace("?", mark), [(user, role) for user, row in users for role in row["roles"].split()])
    connection.execute("commit")
    connection.close()


def _accounts(users: list[tuple[str, dict[str, str]]]) -> Iterator[tuple[str, ...]]:
    for user, row in users:
        yield user, row["username"], row["username"].lower(), row["email"], row["email"].lower(), row["created_at"]


if __name__ == "__main__":
    main(*sys.argv[1:])
