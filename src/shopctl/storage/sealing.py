"""Sealed columns: personal and secret texts that a database holds only encrypted, each bound to its place.

Every database has a data key and an index key of its own, stored wrapped under a key-encryption key that never enters
it. Whoever seals in a unit holds the keys as they are until the unit ends: a reseal replaces them between such units,
so that nothing is sealed under a key that is about to be deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple
from weakref import ref

from shopctl.storage.key_encryption import KeyEncryptionKeys
from shopctl.storage.migrations import Chain
from shopctl.storage.sealed_text import DataKey, IndexKey, key_of
from shopctl.storage.sealed_text import Place as Place
from shopctl.storage.sealing_errors import SealBroken, SealingKeyMissing, SealingKeysMissing
from shopctl.storage.sealing_keys import ACTIVE, DATA, HOLD, INDEX, KeyRow, Unwrapping, add_key, keys_for
from shopctl.storage.unit import Unit


class SealedColumn(NamedTuple):
    """A column that holds sealed text or null, in a table whose rows `key_column` tells apart.

    `index_column` holds the blind index of what `index_of` makes of the text, such as an address in lower case.
    """

    table: str
    key_column: str
    column: str
    index_column: str | None = None
    index_of: Callable[[str], str] = str


class Sealer:
    """Seals and opens the columns of one database, for the thread that uses its units.

    `columns` are all that are ever sealed: a reseal re-encrypts these before it deletes the old key. `keks` is called
    when a key-encryption key is first needed, and again when a key turns up that is under another one.
    """

    def __init__(self, chain: Chain, columns: Sequence[SealedColumn], keks: Callable[[], KeyEncryptionKeys]) -> None:
        self.chain = chain
        self.columns = tuple(columns)
        self.unwrapping = Unwrapping(chain, keks)
        self._columns = {(column.table, column.column): column for column in columns}
        self._rows: dict[str, KeyRow] = {}
        self._data: dict[str, DataKey] = {}
        self._index: dict[str, IndexKey] = {}
        self._secrets: dict[str, bytes] = {}
        self._seen: ref[Unit] | None = None

    def begin(self, unit: Unit) -> None:
        """Make the data key and the index key where there are none yet. Raises what fetching a KEK raises."""
        unit.hold_together(HOLD)
        present = {row.purpose for row in keys_for(unit, DATA, INDEX)}
        for purpose in (DATA, INDEX):
            if purpose not in present:
                add_key(unit, self.chain, self.unwrapping.keks.current, purpose)
        self._seen = None

    def seal(self, unit: Unit, place: Place, text: str) -> str:
        """The cell for a text, to be stored in this very unit.

        Raises SealingKeysMissing, SealingKeyWrong, SealingKeyDamaged, TextInvalid; KeyError for a column that was not
        declared.
        """
        self._declared(place.table, place.column)
        self.look(unit)
        return self._data_key(self._active(DATA)).seal(place, text)

    def seals(self, unit: Unit, table: str, column: str) -> Callable[[Iterable[tuple[str, str]]], list[str]]:
        """What seals many texts of one column, given as (row, text), at half the cost of `seal` for each.

        It is good until the unit ends and asks nothing of it, so that rows can be sealed while others are on their way.
        """
        self._declared(table, column)
        self.look(unit)
        return partial(self._data_key(self._active(DATA)).seal_all, table, column)

    def open(self, unit: Unit, place: Place, sealed: str) -> str:
        """The text of a cell.

        Raises SealBroken when it was altered or comes from another place, SealingKeyMissing when its key is gone,
        SealingKeyWrong, SealingKeyDamaged.
        """
        key_id = key_of(sealed)
        if key_id is None:
            raise SealBroken(**place._asdict())
        if key_id not in self._data:
            self.look(unit)
        return self._data_key(key_id).open(place, sealed)

    def open_all(self, unit: Unit, table: str, column: str, cells: Sequence[tuple[str, str]]) -> list[str]:
        """The texts of many cells of one column, given as (row, cell). Raises what `open` raises."""
        keys = {key_of(sealed) for _, sealed in cells}
        if len(keys) == 1 and (key_id := keys.pop()) is not None:
            if key_id not in self._data:
                self.look(unit)
            return self._data_key(key_id).open_all(table, column, cells)
        return [self.open(unit, Place(table, column, row), sealed) for row, sealed in cells]

    def index(self, unit: Unit, table: str, column: str, text: str) -> str:
        """The blind index of a text, to be stored in this very unit beside its cell; `index_of` is applied here."""
        normal = self._declared(table, column).index_of(text)
        self.look(unit)
        return self._index_key(self._active(INDEX)).index(table, column, normal)

    def indexes(self, unit: Unit, table: str, column: str, text: str) -> list[str]:
        """All that a look-up in this unit must try, in this order or at once: two while a reseal is under way.

        The former comes first: between two statements a row may pass from it to the current one, never back.
        """
        normal = self._declared(table, column).index_of(text)
        self.look(unit)
        ids = [row.id for row in reversed(self._rows.values()) if row.purpose == INDEX]
        return [self._index_key(key_id).index(table, column, normal) for key_id in ids]

    def indexing(self, unit: Unit, table: str, column: str) -> Callable[[Iterable[str]], list[str]]:
        """What makes the indexes to be stored of many texts of one column, at a fraction of the cost of each.

        It asks nothing of the unit; they may be stored while `active_keys` stay the same. Raises SealingKeysMissing.
        """
        index_of = self._declared(table, column).index_of
        self.look(unit)
        index_all = self._index_key(self._active(INDEX)).index_all
        return lambda texts: index_all(table, column, map(index_of, texts))

    def former_indexes(self, unit: Unit, table: str, column: str, texts: Sequence[str]) -> list[list[str]]:
        """For each key that a reseal is about to delete the indexes of many texts, by which a look-up must try too."""
        index_of = self._declared(table, column).index_of
        self.look(unit)
        active = self._active(INDEX)
        former = [row.id for row in self._rows.values() if row.purpose == INDEX and row.id != active]
        return [self._index_key(key_id).index_all(table, column, map(index_of, texts)) for key_id in former]

    def active_keys(self, unit: Unit) -> tuple[str, str]:
        """What tells whether cells and indexes that were made earlier are as this unit would make them."""
        self.look(unit)
        return self._active(DATA), self._active(INDEX)

    def secret(self, unit: Unit, name: str) -> bytes:
        """The 32 random bytes that this database keeps under this name; made when a write unit first asks.

        Raises SealingKeysMissing before `begin`, and when a read unit asks for one that was never made;
        SealingKeyWrong, SealingKeyDamaged.
        """
        purpose = f"secret:{name}"
        rows = keys_for(unit, purpose)
        if not rows and unit.writes:
            unit.hold_together(HOLD)
            if not keys_for(unit, DATA):
                # Nobody has begun with this database: a key-encryption key that is not there yet is not lost.
                raise SealingKeysMissing(chain=self.chain)
            add_key(unit, self.chain, self.unwrapping.keks.current, purpose)
            rows = keys_for(unit, purpose)
        if not rows:
            raise SealingKeysMissing(chain=self.chain)
        # Remembered by id, not by name: a unit that made one may be rolled back.
        if rows[0].id not in self._secrets:
            self._secrets[rows[0].id] = self.unwrapping.secret(rows[0])
        return self._secrets[rows[0].id]

    def prove(self, unit: Unit) -> int:
        """Unwrap every key of this database; how many there are. Raises SealingKeysMissing, SealingKeyWrong, …"""
        rows = keys_for(unit)
        if not rows:
            raise SealingKeysMissing(chain=self.chain)
        return len([self.unwrapping.secret(row) for row in rows])

    def _declared(self, table: str, column: str) -> SealedColumn:
        return self._columns[table, column]

    def look(self, unit: Unit) -> None:
        """Know the keys as they are in this unit, and keep them so until a write unit ends.

        The first use in a unit does it; only who seals on the way into `insert_many`, where no other statement can run,
        must have done it before.
        """
        if self._seen is not None and self._seen() is unit:
            return
        unit.hold_together(HOLD)
        self._rows = {row.id: row for row in keys_for(unit, DATA, INDEX)}
        self._data = {key_id: key for key_id, key in self._data.items() if key_id in self._rows}
        self._index = {key_id: key for key_id, key in self._index.items() if key_id in self._rows}
        self._seen = ref(unit)

    def _active(self, purpose: str) -> str:
        for row in self._rows.values():
            if row.purpose == purpose and row.state == ACTIVE:
                return row.id
        raise SealingKeysMissing(chain=self.chain)

    def _data_key(self, key_id: str) -> DataKey:
        if key_id not in self._data:
            self._data[key_id] = DataKey(self.chain, key_id, self._secret(key_id, DATA))
        return self._data[key_id]

    def _index_key(self, key_id: str) -> IndexKey:
        if key_id not in self._index:
            self._index[key_id] = IndexKey(self.chain, key_id, self._secret(key_id, INDEX))
        return self._index[key_id]

    def _secret(self, key_id: str, purpose: str) -> bytes:
        row = self._rows.get(key_id)
        if row is None or row.purpose != purpose:
            raise SealingKeyMissing(chain=self.chain, key=key_id)
        return self.unwrapping.secret(row)
