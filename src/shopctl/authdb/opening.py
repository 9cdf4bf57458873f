"""Opening the Authentication Database: a server elsewhere only over TLS that names it for certain."""

from __future__ import annotations

from shopctl.kernel.errors import NotAllowed
from shopctl.storage import migrations
from shopctl.storage.database import Database, open_database

_VERIFIED = "verify-full"


class UnverifiedTls(NotAllowed):
    """The authentication database at {host} would be reached without verified TLS."""

    code = "auth.unverified_tls"
    hint = "Add ?sslmode=verify-full&sslrootcert=FILE to auth_database_url."


def open_auth_database(url: str) -> Database:
    """The Authentication Database, its schema checked. Raises UnverifiedTls, SchemaOutdated, DatabaseMissing, …"""
    check_transport(url)
    database = open_database(url)
    migrations.check(database, "auth")
    return database


def check_transport(url: str) -> None:
    """Refuse a PostgreSQL server on another machine unless its certificate is verified. Raises UnverifiedTls."""
    if not url.startswith("postgresql://"):
        return
    from psycopg.conninfo import conninfo_to_dict

    try:
        parts = conninfo_to_dict(url)
    except Exception:
        return
    hosts = [host for name in ("hostaddr", "host") for host in str(parts.get(name) or "").split(",") if host]
    for host in hosts:
        if not _is_here(host) and parts.get("sslmode") != _VERIFIED:
            raise UnverifiedTls(host=host)


def _is_here(host: str) -> bool:
    if host.startswith(("/", "@")) or host == "localhost":
        return True
    from ipaddress import ip_address

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
