"""Sealed columns on both databases: nothing readable is stored, and a cell opens only where it was sealed."""

from __future__ import annotations

from collections.abc import Callable

from shopctl.storage.database import Database
from shopctl.storage.sealing import Sealer
from support.sealing import add_people, email_of, found_by_email


def test_what_was_sealed_is_opened_by_another_process(
    sealed: Database, other: Database, sealer: Sealer, another: Callable[[], Sealer]
) -> None:
    with sealed.unit() as unit:
        add_people(unit, sealer, ["ada", "bob"])
    with other.read() as unit:
        assert email_of(unit, another(), "bob") == "bob@Example.com"
        assert found_by_email(unit, another(), "ADA@example.COM") == "ada"
        assert found_by_email(unit, another(), "eve@example.com") is None
