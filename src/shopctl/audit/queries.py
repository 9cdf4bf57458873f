"""The SQL of the audit trail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shopctl.audit.model import Entry, Seal, Trail
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit

_ENTRY = "id, seal, at, actor, action, subject, reason, request_id, changed, facts, key_id, mac"
_SEAL = "number, first_entry, last_entry, entries, at, dialect, hash, previous, key_id, mac"

# The id is part of what is signed, so it is taken before the row is written. SQLite's single writer makes ids without
# gaps, PostgreSQL's sequence does not wait for others.
_NEXT_ID = {
    "sqlite": """
        select 1 + max(coalesce((select seq from sqlite_sequence where name = 'audit_entry'), 0),
                       coalesce((select max(id) from audit_entry), 0))""",
    "postgres": "select nextval(cast(pg_get_serial_sequence('audit_entry', 'id') as regclass))",
}


def trail(unit: Unit) -> Trail | None:
    """The row that names the trail; None before the first entry."""
    return unit.row(Trail, "select database_id, created_at, key_id, mac from audit_trail where id = 1")


def start_trail(unit: Unit, new: Trail) -> None:
    """Name the trail, unless another has just done it."""
    unit.execute(
        """insert into audit_trail (id, database_id, created_at, key_id, mac)
           values (1, :database_id, :created_at, :key_id, :mac) on conflict do nothing""",
        **new._asdict(),
    )


def next_id(unit: Unit) -> int:
    """The id of the next entry, within a write unit."""
    number: int = unit.value(_NEXT_ID[unit.dialect])
    return number


def add(unit: Unit, entry: Entry) -> None:
    """Store a new entry."""
    unit.execute(
        f"""insert into audit_entry ({_ENTRY})
            values (:id, :seal, :at, :actor, :action, :subject, :reason, :request_id, :changed, :facts, :key_id,
                    :mac)""",
        **entry._asdict(),
    )


def has_unsealed(unit: Unit) -> bool:
    """Whether any entry waits for its seal."""
    return unit.value("select 1 from audit_entry where seal is null limit 1") is not None


def unsealed(unit: Unit, limit: int) -> list[Entry]:
    """The entries that wait for their seal, lowest id first; late committers of PostgreSQL among them."""
    return unit.rows(
        Entry, f"select {_ENTRY} from audit_entry where seal is null order by id limit :limit", limit=limit
    )


def last_seal(unit: Unit) -> Seal | None:
    """The newest seal."""
    return unit.row(Seal, f"select {_SEAL} from audit_seal order by number desc limit 1")


def add_seal(unit: Unit, seal: Seal, ids: Sequence[int]) -> int:
    """Store a seal and mark the entries under it; how many were marked."""
    unit.execute(
        f"""insert into audit_seal ({_SEAL}) values (:number, :first_entry, :last_entry, :entries, :at, :dialect, :hash,
            :previous, :key_id, :mac)""",
        **seal._asdict(),
    )
    # By id and not by range: an entry that commits in between waits for the next seal.
    return unit.execute(
        f"""update audit_entry set seal = :number
             where seal is null and id in (select cast(each.value as bigint) from {unit.each("ids")})""",
        number=seal.number,
        ids=f"[{','.join(map(str, ids))}]",
    )


def seals(unit: Unit) -> Iterator[Seal]:
    """All seals in order."""
    return map(Seal._make, unit.stream(f"select {_SEAL} from audit_seal order by number"))


def sealed_entries(unit: Unit) -> Iterator[Entry]:
    """All sealed entries in the order they were sealed."""
    return map(Entry._make, unit.stream(f"select {_ENTRY} from audit_entry where seal is not null order by seal, id"))


def unsealed_entries(unit: Unit) -> Iterator[Entry]:
    """All entries without a seal, lowest id first."""
    return map(Entry._make, unit.stream(f"select {_ENTRY} from audit_entry where seal is null order by id"))


def sealed_count(unit: Unit) -> int:
    """How many entries the seals cover."""
    return int(unit.value("select coalesce(sum(entries), 0) from audit_seal"))


def highest_given_id(unit: Unit) -> int | None:
    """The highest id that was ever given out, where the ids have no gaps (SQLite); None elsewhere."""
    if unit.dialect != "sqlite":
        return None
    return int(unit.value("select coalesce(max(seq), 0) from sqlite_sequence where name = 'audit_entry'"))


def newest(
    unit: Unit,
    *,
    since: Instant | None,
    actor: str | None,
    action: str | None,
    subject: str | None,
    limit: int,
) -> Iterator[Entry]:
    """Entries from the newest to the oldest; `action` is a prefix, all else must be equal."""
    conditions = {
        "at >= :since": since,
        "actor = :actor": actor,
        "substr(action, 1, length(cast(:action as text))) = :action": action,
        "subject = :subject": subject,
    }
    chosen = [sql for sql, value in conditions.items() if value is not None]
    where = f"where {' and '.join(chosen)}" if chosen else ""
    return map(
        Entry._make,
        unit.stream(
            f"select {_ENTRY} from audit_entry {where} order by id desc limit :limit",
            since=since,
            actor=actor,
            action=action,
            subject=subject,
            limit=limit,
        ),
    )
