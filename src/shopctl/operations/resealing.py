"""Passing what is sealed to new keys: the key-encryption key, then everything under it, then the old key goes."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from shopctl.storage.database import Database
from shopctl.storage.key_encryption import KeyEncryptionKey, key_encryption_keys
from shopctl.storage.migrations import Chain
from shopctl.storage.resealing import Resealed
from shopctl.storage.resealing import reseal as reseal_database
from shopctl.storage.sealing import Sealer
from shopctl.storage.sealing_errors import KekNotThere, KekUnwritable

if TYPE_CHECKING:
    from shopctl.audit.service import Audit

_FILE = "file:"


class Sealed(NamedTuple):
    """A database with sealed columns, and the setting that says where its key-encryption key comes from."""

    chain: Chain
    database: Database
    sealer: Sealer
    audit: Audit
    setting: str
    source: str


class ResealedDatabase(NamedTuple):
    """What was done to one database; `dropped` is how many former keys left the key's file."""

    chain: Chain
    source: str
    result: Resealed
    dropped: int


def reseal(
    targets: Sequence[Sealed],
    *,
    to: str | None,
    new_key: bool = False,
    progress: Callable[[Chain, int, int], None],
) -> list[ResealedDatabase]:
    """Reseal these databases under a new key of the same source, or under the one at `to`.

    A file is given another key, which the former ones leave when nothing is under them any more; other sources keep
    their key and only what is under it changes. A file at `to` is made when it is missing only with `new_key`: a
    mistyped path would become the place of the only key. Run again after a kill it goes on. Raises KekNotThere,
    KekUnwritable, and what `storage.resealing.reseal` and `key_encryption_keys` raise.
    """
    if to is not None:
        keks = {to: _key_at(to, new_key)}
    else:
        keks = {source: _another_key(source) for source in {target.source for target in targets}}
    done = []
    for target in targets:
        source = to or target.source
        result = reseal_database(
            target.database,
            target.sealer,
            kek=keks[source],
            progress=lambda cells, total, chain=target.chain: progress(chain, cells, total),  # type: ignore[misc]
        )
        with target.database.unit() as unit:
            facts = {"cells": result.cells, "kek": result.kek, "proved": result.proved}
            target.audit.record(unit, "key.reseal", None, facts, count=result.cells)
        done.append(ResealedDatabase(target.chain, source, result, 0))
    # Both databases may be under one file: the former keys leave it last.
    return [each._replace(dropped=_drop_former(each.source)) for each in done]


def _key_at(source: str, new_key: bool) -> KeyEncryptionKey:
    from shopctl.storage.key_files import create_kek

    path = source.removeprefix(_FILE)
    if source.startswith(_FILE) and not os.path.lexists(path):
        if not new_key:
            raise KekNotThere(path=path, argument=shlex.quote(source))
        try:
            create_kek(path)
        except OSError as error:
            raise KekUnwritable(path=path, reason=(error.strerror or str(error)).lower()) from None
    return key_encryption_keys(source).current


def _another_key(source: str) -> KeyEncryptionKey:
    from shopctl.storage.key_files import add_kek, keys_in_file

    if source.startswith(_FILE):
        path = source.removeprefix(_FILE)
        if len(keys_in_file(path)) == 1:  # with two, a run was killed, and its key is taken
            return add_kek(path)
    return key_encryption_keys(source).current


def _drop_former(source: str) -> int:
    from shopctl.storage.key_files import drop_former_keks

    return drop_former_keks(source.removeprefix(_FILE)) if source.startswith(_FILE) else 0
