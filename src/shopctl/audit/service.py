"""The audit trail of one database: every use case that changes something records itself here, in its own unit."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from shopctl.audit import queries
from shopctl.audit.errors import CheckpointInvalid, CheckpointUnreadable, CheckpointUnwritable, TextNotRecordable
from shopctl.audit.model import BATCH, Checkpoint, Entry, Seal, Trail, Verification, operating_system_actor, redacted
from shopctl.kernel.clock import Clock, Instant
from shopctl.kernel.errors import Locked, ShopctlError
from shopctl.storage.database import Database
from shopctl.storage.unit import Unit

if TYPE_CHECKING:
    from shopctl.audit.seal import Scribe
    from shopctl.storage.secret_file import Keys

SEALER = "audit-seal"
_LATE_BATCHES = 8
_FORMAT = "shopctl audit checkpoint 1"


class Audit:
    """Who changed what in one database.

    `key_file` lies outside the database; it is read at the first entry, seal or verification. `system` names the
    database, so that entries of one cannot be passed off as those of another.
    """

    def __init__(
        self,
        database: Database,
        key_file: str | os.PathLike[str],
        *,
        system: Literal["shop", "auth"] = "shop",
        reason: str | None = None,
        actor: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._database = database
        self._key_file = key_file
        self._system = system
        self._reason = reason
        self._actor = actor
        self._clock = clock or Clock()
        self._cached_keys: Keys | None = None
        self._database_id: str | None = None
        self.pending = False
        """Whether this process recorded anything since it last sealed."""

    @property
    def actor(self) -> str:
        """Who acts: the name given, else `os:` and the operating system's user."""
        return self._actor or operating_system_actor()

    @actor.setter
    def actor(self, name: str) -> None:
        self._actor = name

    @property
    def reason(self) -> str | None:
        """Why it is done, in the actor's words; secrets that were pasted into them are masked."""
        from shopctl.kernel.redaction import redact

        return None if self._reason is None else redact(self._reason)

    def record(self, unit: Unit, action: str, subject: str | None, facts: Mapping[str, Any], *, count: int = 1) -> None:
        """Say within a write unit what it changes: one entry for a use case, however many things it touches.

        `action` is `noun.verb`, `subject` the one thing it is about (a SKU, an id) or None, `facts` what JSON can hold
        (sizes and outcomes rather than contents; secrets are masked, personal data does not belong there), `count` how
        many things change. Raises AuditKeyMissing, so that nothing is changed without a trace, and TextNotRecordable.
        """
        from shopctl.kernel.logging import current_id, redact

        key = self._keys.current
        scribe = self._scribe_of(unit)
        entry = Entry(
            id=queries.next_id(unit),
            seal=None,
            at=self._clock.now(),
            actor=_text("the actor", self.actor),
            action=_text("the action", action),
            subject=None if subject is None else _text("the subject", redact(subject)),
            reason=None if self._reason is None else _text("the reason", self.reason or ""),
            request_id=current_id(),
            changed=count,
            facts=_text("a fact", _canonical(redacted(facts))),
            key_id=key.id,
            mac="",
        )
        queries.add(unit, entry._replace(mac=scribe.entry_code(key, scribe.entry_bytes(entry))))
        self.pending = True

    def database_id(self, unit: Unit) -> str:
        """What this database is called, the same in a copy of it; it is named at the first use, within a write unit."""
        return self._scribe_of(unit).database_id

    def sign(self, database_id: str, kind: str, content: bytes) -> tuple[str, str]:
        """Sign a document of this database, such as a plan: the id of the key and the code. Raises AuditKeyMissing."""
        from shopctl.audit.seal import Scribe

        key = self._keys.current
        return key.id, Scribe(self._system, database_id).document_code(key, kind, content)

    def is_signed(self, database_id: str, kind: str, content: bytes, key_id: str, code: str) -> bool:
        """Whether that is the code of a document, by a key that is still in the key file."""
        from shopctl.audit.seal import Scribe, same

        key = self._keys.find(key_id)
        return key is not None and same(Scribe(self._system, database_id).document_code(key, kind, content), code)

    def seal(self) -> int:
        """Link the entries that wait into the chain and return how many; 0 when another sealer is at it.

        One unit for each batch. Entries are chosen by having no seal, not by their ids, so that one whose transaction
        commits late on PostgreSQL is sealed late but never skipped. What others go on recording meanwhile is sealed
        too, yet not without end: a command would never be done while they write.
        """
        sealed = late = 0
        try:
            with self._database.exclusive(SEALER):
                while late < _LATE_BATCHES and (batch := self._seal_batch()):
                    sealed += batch
                    late += batch < BATCH
        except Locked:
            return sealed
        self.pending = False
        return sealed

    def finish(self) -> None:
        """Seal what this process recorded, before it ends. Trouble is logged and no more: the changes themselves are
        committed, and whoever seals next seals these entries too."""
        if not self.pending:
            return
        try:
            self.seal()
        except ShopctlError as trouble:
            from shopctl.kernel import logging

            logging.warning("the audit trail could not be sealed, the next command will do it", reason=trouble.message)

    def _seal_batch(self) -> int:
        with self._database.read() as unit:
            if not queries.has_unsealed(unit):
                return 0
        key = self._keys.current
        with self._database.unit() as unit:
            # Should the lock be lost, the number is the fence: of two seals with the same one the later is refused.
            entries = queries.unsealed(unit, BATCH)
            if not entries:
                return 0
            scribe = self._scribe_of(unit)
            last = queries.last_seal(unit)
            previous = last.mac if last else ""
            seal = Seal(
                number=last.number + 1 if last else 1,
                first_entry=entries[0].id,
                last_entry=entries[-1].id,
                entries=len(entries),
                at=self._clock.now(),
                dialect=unit.dialect,
                hash=scribe.hash_of(entries, previous),
                previous=previous,
                key_id=key.id,
                mac="",
            )
            queries.add_seal(unit, seal._replace(mac=scribe.seal_code(key, seal)), [entry.id for entry in entries])
        return len(entries)

    def verify(self, checkpoint: Checkpoint | None = None) -> Verification:
        """Recompute the whole trail; a checkpoint finds that its end was cut off. Raises AuditKeyMissing."""
        from shopctl.audit.verify import verify

        with self._database.read() as unit:
            return verify(unit, self._keys, system=self._system, checkpoint=checkpoint)

    def checkpoint(self) -> Checkpoint:
        """Where the trail stands, everything sealed first; to be kept where the database's owner cannot change it."""
        self.seal()
        key = self._keys.current
        with self._database.unit() as unit:
            scribe = self._scribe_of(unit)
            last = queries.last_seal(unit)
            entries = queries.sealed_count(unit)
        made = Checkpoint(
            database_id=scribe.database_id,
            seal=last.number if last else 0,
            hmac=last.mac if last else "",
            entries=entries,
            at=self._clock.now(),
            key_id=key.id,
            signature="",
        )
        return made._replace(signature=scribe.checkpoint_code(key, made))

    def write_checkpoint(self, checkpoint: Checkpoint, path: str) -> None:
        """Write a checkpoint to a file, whole or not at all. Raises CheckpointUnwritable."""
        from shopctl.storage.files import write_private

        try:
            write_private(path, checkpoint_text(checkpoint).encode())
        except OSError as error:
            raise CheckpointUnwritable(path=path, reason=error.strerror) from None

    def read_checkpoint(self, path: str) -> Checkpoint:
        """Read a checkpoint and check its signature. Raises CheckpointUnreadable, CheckpointInvalid."""
        try:
            with open(path, "rb") as file:
                content = file.read(65536)
        except OSError as error:
            raise CheckpointUnreadable(path=path, reason=error.strerror) from None
        return self.parse_checkpoint(content, path)

    def parse_checkpoint(self, content: bytes, name: str) -> Checkpoint:
        """A checkpoint from its JSON; `name` says where it came from. Raises CheckpointInvalid."""
        import json

        from shopctl.audit.seal import Scribe, same

        try:
            fields = json.loads(content)
            made = Checkpoint(**{field: fields[field] for field in Checkpoint._fields})
            numbers = (made.seal, made.entries, made.at)
            if fields["format"] != _FORMAT or not all(type(number) is int for number in numbers):
                raise CheckpointInvalid(path=name, reason="its format is not known")
        except (ValueError, KeyError, TypeError, RecursionError):
            raise CheckpointInvalid(path=name, reason="it is not the JSON of a checkpoint") from None
        key = self._keys.find(made.key_id)
        if key is None:
            raise CheckpointInvalid(path=name, reason="it was signed with a key that is not in the key file")
        if not same(Scribe(self._system, str(made.database_id)).checkpoint_code(key, made), made.signature):
            raise CheckpointInvalid(path=name, reason="its signature does not match its content")
        return made

    def entries(
        self,
        *,
        since: Instant | None = None,
        actor: str | None = None,
        action: str | None = None,
        subject: str | None = None,
        limit: int,
    ) -> Iterator[Entry]:
        """At most `limit` entries, newest first, read as they are used; `action` is a prefix such as `catalogue.`."""
        with self._database.read() as unit:
            yield from queries.newest(unit, since=since, actor=actor, action=action, subject=subject, limit=limit)

    @property
    def _keys(self) -> Keys:
        if self._cached_keys is None:
            from shopctl.audit.keys import load_keys

            self._cached_keys = load_keys(self._key_file)
        return self._cached_keys

    def _scribe_of(self, unit: Unit) -> Scribe:
        """The codes of this database's trail, which is named at its first entry."""
        from shopctl.audit.seal import Scribe

        if self._database_id is not None:
            return Scribe(self._system, self._database_id)
        found = queries.trail(unit)
        if found is not None:
            self._database_id = found.database_id
            return Scribe(self._system, found.database_id)
        from shopctl.kernel import ids

        key = self._keys.current
        new = Trail(ids.new("dbs"), self._clock.now(), key.id, "")
        code = Scribe(self._system, new.database_id).trail_code(key, new)
        queries.start_trail(unit, new._replace(mac=code))
        started = queries.trail(unit)
        assert started is not None
        # Not remembered: this unit may yet be rolled back, and the name with it.
        return Scribe(self._system, started.database_id)


def checkpoint_text(checkpoint: Checkpoint) -> str:
    """A checkpoint as JSON, one line for each field."""
    import json

    return json.dumps({"format": _FORMAT, **checkpoint._asdict()}, indent=2) + "\n"


def _canonical(facts: Any) -> str:
    import json

    return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _text(what: str, text: str) -> str:
    if "\0" in text:
        raise TextNotRecordable(what=what, reason="a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise TextNotRecordable(what=what, reason=error.reason) from None
    return text
