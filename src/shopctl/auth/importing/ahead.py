"""What the process that reads a file computes ahead of the one that writes: all that is costly and asks no database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from shopctl.auth.importing.rows import UserRow
from shopctl.auth.system import AuthSystem
from shopctl.authdb.accounts import EMAIL, TABLE
from shopctl.authdb.bulk import Seal
from shopctl.authdb.credentials import HASH, PASSWORD
from shopctl.kernel import ids
from shopctl.storage.unit import Unit

_PURPOSE = "imported hash"


class Made(NamedTuple):
    """What was made of a row; the cells are sealed for `new_id`, where that was asked for."""

    new_id: str
    email_index: str | None
    code: str | None
    """That of the hash."""
    sealed_email: str | None = None
    sealed_hash: str | None = None


class Maker:
    """Computes with the keys of one unit; what it made may be stored while `keys` are those of the unit that does."""

    def __init__(self, system: AuthSystem, unit: Unit) -> None:
        self.keys = system.sealer.active_keys(unit)
        self._indexes = system.sealer.indexing(unit, TABLE, EMAIL)
        self._codes = system.coding(unit, _PURPOSE)
        self._seal_emails = system.sealer.seals(unit, TABLE, EMAIL)
        self._seal_hashes = system.sealer.seals(unit, PASSWORD, HASH)

    def made(self, rows: Sequence[UserRow], *, seal: bool) -> list[Made]:
        """What is to be known of each row; with `seal` the cells of those that will be new users too."""
        new_ids = ids.several("usr", len(rows))
        emails, hashes = [row.email for row in rows], [row.hash for row in rows]
        columns = [
            _among(emails, self._indexes(text for text in emails if text is not None)),
            _among(hashes, self._codes(text for text in hashes if text is not None)),
        ]
        if seal:
            columns += [_sealed(emails, new_ids, self._seal_emails), _sealed(hashes, new_ids, self._seal_hashes)]
        return [*map(Made, new_ids, *columns)]


def _sealed(texts: Sequence[str | None], owners: Sequence[str], seal: Seal) -> list[str | None]:
    return _among(texts, seal([(owner, text) for owner, text in zip(owners, texts, strict=True) if text is not None]))


def _among(texts: Sequence[str | None], made: Iterable[str]) -> list[str | None]:
    """What was made of the texts that are there, each in its place."""
    source = iter(made)
    return [None if text is None else next(source) for text in texts]
