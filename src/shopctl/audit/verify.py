"""Reading a whole trail again and naming every place where it differs from what was written.

Entries and seals are read side by side in the order of seals, one at a time, so memory does not grow with the trail.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from shopctl.audit import queries
from shopctl.audit.model import BATCH, Checkpoint, Entry, Seal, Tail, Verification
from shopctl.audit.seal import Scribe, same
from shopctl.storage.errors import StatementFailed
from shopctl.storage.secret_file import Keys
from shopctl.storage.unit import Unit

_T = TypeVar("_T")


def verify(unit: Unit, keys: Keys, *, system: str, checkpoint: Checkpoint | None = None) -> Verification:
    """Recompute everything within one read snapshot."""
    result = Verification(checkpoint=checkpoint)
    try:
        scribe = _identify(unit, keys, system, result)
        if scribe is not None:
            _Reading(unit, keys, scribe, result).run(checkpoint)
        elif checkpoint is not None and not result.differences:
            result.found(
                "trail_cut", f"the trail is empty, the checkpoint saw {checkpoint.entries} entries under seals"
            )
    except StatementFailed as failed:
        # Bytes that are no text, a column that is gone: not what was written either.
        result.found("unreadable", f"the trail cannot be read to its end: {failed.facts.get('reason')}")
    return result


def _identify(unit: Unit, keys: Keys, system: str, result: Verification) -> Scribe | None:
    trail = queries.trail(unit)
    if trail is None:
        if next(queries.seals(unit), None) or next(queries.unsealed_entries(unit), None):
            result.found("trail_unnamed", "the row that names the trail is gone")
        elif queries.highest_given_id(unit):
            result.found("entry_missing", f"all {queries.highest_given_id(unit)} entries are gone")
        return None
    scribe = Scribe(system, str(trail.database_id))
    result.database_id = scribe.database_id
    key = keys.find(trail.key_id)
    if key is None or not same(scribe.trail_code(key, trail), trail.mac):
        result.found("trail_edited", "the row that names the trail was edited, or belongs to another database or key")
        return None
    return scribe


class _Peekable(Iterator[_T]):
    def __init__(self, source: Iterable[_T]) -> None:
        self._source = iter(source)
        self.head = next(self._source, None)

    def __next__(self) -> _T:
        found = self.head
        if found is None:
            raise StopIteration
        self.head = next(self._source, None)
        return found


class _Reading:
    """One pass over the trail. SQLite keeps any type in any column, so nothing read is taken for a number unseen."""

    def __init__(self, unit: Unit, keys: Keys, scribe: Scribe, result: Verification) -> None:
        self.unit = unit
        self.keys = keys
        self.scribe = scribe
        self.result = result
        self.number = 0  # of the last seal read
        self.code = ""  # its code
        self.highest = 0  # the highest id so far

    def run(self, checkpoint: Checkpoint | None) -> None:
        """Read the seals with their entries, then the entries without a seal."""
        found = self.result.found
        if checkpoint is not None and checkpoint.database_id != self.scribe.database_id:
            found("trail_replaced", f"the checkpoint is of another trail, {checkpoint.database_id}")
            checkpoint = None
        entries = _Peekable(queries.sealed_entries(self.unit))
        covered = 0
        reached = checkpoint is None or checkpoint.seal == 0
        for seal in queries.seals(self.unit):
            self._orphans(entries, before=seal.number)
            self._seal(seal, entries)
            covered += seal.entries if isinstance(seal.entries, int) else 0
            if checkpoint is not None and seal.number == checkpoint.seal:
                reached = True
                if not same(checkpoint.hmac, seal.mac) or covered != checkpoint.entries:
                    what = f"seal {seal.number} is not the one the checkpoint saw"
                    found("seal_replaced", what, seal=seal.number)
        self._orphans(entries, before=None)
        if checkpoint is not None and not reached:
            what = f"the trail ends at seal {self.number}, the checkpoint saw seal {checkpoint.seal}"
            found("trail_cut", what, seal=checkpoint.seal)
        self._tail()

    def _seal(self, seal: Seal, entries: _Peekable[Entry]) -> None:
        self.result.seals += 1
        if seal.number != self.number + 1:
            what = f"{_range('seal', self.number + 1, seal.number - 1)} gone"
            self.result.found("seal_missing", what, seal=self.number + 1)
        elif not same(self.code, seal.previous):
            what = f"seal {seal.number} was not made after the one before it"
            self.result.found("seal_unlinked", what, seal=seal.number)
        key = self.keys.find(seal.key_id)
        genuine = key is not None and same(self.scribe.seal_code(key, seal), seal.mac)
        if not genuine:
            what = f"seal {seal.number} was edited, or made with another key"
            self.result.found("seal_edited", what, seal=seal.number)

        before = self.result.differences
        batch = self.scribe.batch(seal.previous)
        count, ids = 0, list[int]()
        while entries.head is not None and entries.head.seal == seal.number:
            entry = next(entries)
            batch.add(self._entry(entry), entry.mac)
            count += 1
            if count <= BATCH:
                ids.append(entry.id)
        if genuine:
            if seal.dialect == "sqlite":
                self._gaps(seal, ids, already=count == seal.entries)
            if self.result.differences == before:
                self._compare(seal, count, batch.hash)
        self.number, self.code = seal.number, seal.mac
        self.highest = max(self.highest, *ids[-1:], seal.last_entry if genuine else 0)

    def _compare(self, seal: Seal, count: int, digest: str) -> None:
        if count != seal.entries:
            lost = seal.entries - count
            what = f"seal {seal.number} covers {seal.entries} entries, {count} are there"
            self.result.found("entry_missing" if lost > 0 else "entry_added", what, seal=seal.number)
        elif digest != seal.hash:
            what = f"the entries under seal {seal.number} are not those it was made for"
            self.result.found("seal_mismatch", what, seal=seal.number)

    def _entry(self, entry: Entry) -> bytes:
        self.result.entries += 1
        content = self.scribe.entry_bytes(entry)
        key = self.keys.find(entry.key_id)
        if key is None or not same(self.scribe.entry_code(key, content), entry.mac):
            what = f"entry {entry.id} is not what was recorded"
            self.result.found("entry_edited", what, entry=entry.id, seal=entry.seal)
        return content

    def _gaps(self, seal: Seal, ids: list[int], *, already: bool) -> None:
        """Name the entries missing where ids have no gaps; `already`: the seal was made without them."""
        expected = self.highest + 1
        for number in (*ids, seal.last_entry + 1):
            if number > expected:
                self._missing(expected, number - 1, seal.number, already=already)
            expected = max(expected, number + 1)

    def _missing(self, first: int, last: int, seal: int | None, *, already: bool) -> None:
        what = f"{_range('entry', first, last)} gone{', since before the seal was made' if already else ''}"
        self.result.found("entry_missing", what, entry=first, seal=seal)

    def _orphans(self, entries: _Peekable[Entry], *, before: int | None) -> None:
        """Entries under a seal that does not exist."""
        while (entry := entries.head) is not None:
            if before is not None and not (isinstance(entry.seal, int) and entry.seal < before):
                return
            self._entry(next(entries))
            self.highest = max(self.highest, entry.id)
            what = f"entry {entry.id} was under seal {entry.seal}, which is gone"
            self.result.found("seal_missing", what, entry=entry.id)

    def _tail(self) -> None:
        count, moments = 0, list[int]()
        given = queries.highest_given_id(self.unit)
        for entry in queries.unsealed_entries(self.unit):
            self._entry(entry)
            count += 1
            if isinstance(entry.at, int):
                moments = [min([entry.at, *moments]), max([entry.at, *moments])]
            if given is not None:
                if entry.id <= self.highest:
                    what = f"entry {entry.id} lost its seal, or was put among the sealed ones"
                    self.result.found("entry_added", what, entry=entry.id)
                elif entry.id > self.highest + 1:
                    self._missing(self.highest + 1, entry.id - 1, None, already=False)
                self.highest = max(self.highest, entry.id)
        self.result.unsealed = Tail(count, *(moments or (None, None)))
        if given is not None and given > self.highest:
            self._missing(self.highest + 1, given, None, already=False)
        elif given is not None and given < self.highest:
            what = f"the counter of entries stands at {given}, entry {self.highest} is there"
            self.result.found("counter_edited", what)


def _range(noun: str, first: int, last: int) -> str:
    if first == last:
        return f"{noun} {first} is"
    return f"{'entries' if noun == 'entry' else f'{noun}s'} {first} to {last} are"
