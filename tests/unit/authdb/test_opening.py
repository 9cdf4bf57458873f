"""The Authentication Database on another machine is reached over TLS that names its server, or not at all."""

from __future__ import annotations

import pytest

from shopctl.authdb.opening import UnverifiedTls, check_transport


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://auth@db.internal/auth",
        "postgresql://auth@db.internal/auth?sslmode=require",
        "postgresql://auth@/auth?host=10.0.0.7&sslmode=verify-ca",
        "postgresql://auth@/auth?host=localhost,db.internal",
        "postgresql://auth@/auth?hostaddr=192.0.2.1&host=localhost",
        "postgresql://auth@[2001:db8::1]/auth",
    ],
)
def test_a_server_elsewhere_without_verified_tls_is_refused(url: str) -> None:
    with pytest.raises(UnverifiedTls):
        check_transport(url)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////shop/auth.db",
        "postgresql://auth@localhost/auth",
        "postgresql://auth@127.0.0.1:5433/auth",
        "postgresql://auth@[::1]/auth",
        "postgresql://auth@/auth?host=/run/postgresql",
        "postgresql://auth@db.internal/auth?sslmode=verify-full",
    ],
)
def test_what_cannot_be_listened_to_is_taken(url: str) -> None:
    check_transport(url)
