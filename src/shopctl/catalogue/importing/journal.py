"""The journal of an import: what was asked, how far it came, what it did, and which rows it did not take."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from itertools import chain
from typing import Literal, NamedTuple

from shopctl.kernel import ids
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit

State = Literal["reading", "settled", "merging", "done", "refused", "abandoned", "rolling_back", "rolled_back"]
Mode = Literal["direct", "staged"]


@dataclass
class Counts:
    """Rows of a feed by what became of them; they add up to `rows` (retired products are not rows)."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    retired: int = 0
    rejected: int = 0
    superseded: int = 0

    def as_dict(self) -> dict[str, int]:
        """The counts by name, in the order they are shown."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


@dataclass
class Journal:
    """An import under way. `line` is journaled up to there, `merged` is merged up to there."""

    id: str
    feed_id: int
    mode: Mode
    state: State
    line: int = 0
    merged: int = 0
    counts: Counts = field(default_factory=Counts)


class RejectRow(NamedTuple):
    """A stored reject; `row` is the raw row as JSON, a list of cells or an object."""

    line: int
    sku: str
    field: str
    code: str
    message: str
    row: str


class ImportRow(NamedTuple):
    """One import as `catalogue imports` lists it; times in microseconds, UTC."""

    import_id: str
    feed: str
    source: str
    state: str
    rows: int
    created: int
    updated: int
    unchanged: int
    retired: int
    rejected: int
    superseded: int
    actor: str
    reason: str
    started_at: int
    finished_at: int | None


SUPERSEDED = "row.superseded"
UNFINISHED = ("reading", "settled", "merging")
_UNFINISHED = "('" + "', '".join(UNFINISHED) + "')"

_COUNTS = [item.name for item in fields(Counts)]


def feed_id(unit: Unit, name: str) -> int:
    """The number of the feed of this name, new when there is none."""
    unit.execute("insert into feed (name) values (:name) on conflict (name) do nothing", name=name)
    return int(unit.value("select id from feed where name = :name", name=name))


def rejects_from(unit: Unit, path: str, reject: Sequence[str]) -> str | None:
    """The feed whose rejects an import wrote to this file, by its name or else by its first reject.

    `reject` are the line, SKU, field, code and message of that one; None when no import wrote it.
    """
    feed: str | None = unit.value(
        "select f.name from catalogue_import i join feed f on f.id = i.feed_id where i.id = :id",
        id=storable(os.path.basename(path).removesuffix(".csv")),
    )
    if feed is None and len(reject) == 5 and reject[0].isdecimal() and len(reject[0]) < 16:
        line, sku, field, code, message = map(storable, reject)
        feed = unit.value(
            """select f.name from import_reject r
                 join catalogue_import i on i.id = r.import_id join feed f on f.id = i.feed_id
                where r.line = :line and r.sku = :sku and r.field = :field and r.code = :code and r.message = :message
                order by i.id desc limit 1""",
            line=int(line), sku=sku, field=field, code=code, message=message,
        )  # fmt: skip
    return feed


def known_hashes(unit: Unit, feed_name: str) -> Iterator[int]:
    """The hashes of the records this feed brought last and nobody edited since."""
    return chain.from_iterable(
        unit.stream(
            """select r.hash from feed_record r join feed f on f.id = r.feed_id
                where f.name = :name and r.hash is not null""",
            name=feed_name,
        )
    )


def start(
    unit: Unit, *, feed: int, source: str, fingerprint: str | None, mode: Mode, actor: str, reason: str, now: Instant
) -> Journal:
    """Open a journal. Without a fingerprint it cannot be resumed."""
    journal = Journal(id=ids.new("imp"), feed_id=feed, mode=mode, state="reading")
    unit.execute(
        f"""insert into catalogue_import (id, feed_id, source, fingerprint, state, mode, change_from, movement_from,
                   line, merged, {", ".join(_COUNTS)}, actor, reason, started_at)
            values (:id, :feed, :source, :fingerprint, 'reading', :mode,
                   (select coalesce(max(id), 0) from change), (select coalesce(max(id), 0) from stock_movement), 0, 0,
                   {", ".join("0" for _ in _COUNTS)}, :actor, :reason, :now)""",
        id=journal.id, feed=feed, source=storable(source), fingerprint=fingerprint or "", mode=mode, actor=actor,
        reason=reason, now=now,
    )  # fmt: skip
    return journal


def resumable(unit: Unit, fingerprint: str | None) -> Journal | None:
    """The unfinished import of the same file with the same rules, None when there is none."""
    if fingerprint is None:
        return None
    for row in unit.tuples(
        f"""select id, feed_id, mode, state, line, merged, {", ".join(_COUNTS)} from catalogue_import
             where state in {_UNFINISHED} and fingerprint = :fingerprint order by started_at desc""",
        fingerprint=fingerprint,
    ):
        import_id, feed, mode, state, line, merged, *counts = row
        return Journal(import_id, feed, mode, state, line, merged, Counts(*counts))
    return None


def applied(unit: Unit, fingerprint: str) -> tuple[str, Instant] | None:
    """The finished import of this fingerprint and when it ended; None when there is none."""
    for import_id, finished_at in unit.tuples(
        """select id, finished_at from catalogue_import
            where fingerprint = :fingerprint and state in ('done', 'rolling_back', 'rolled_back')""",
        fingerprint=fingerprint,
    ):
        return import_id, finished_at
    return None


def progress(unit: Unit, import_id: str) -> int:
    """How many products an unfinished import has changed by now, as its journal has it."""
    found = unit.value("select created + updated + retired from catalogue_import where id = :id", id=import_id)
    return int(found or 0)


class Abandoned(NamedTuple):
    """An import that was given up, and what it had done by then."""

    id: str
    created: int
    updated: int


def abandon(unit: Unit, now: Instant) -> list[Abandoned]:
    """Give up every unfinished import and drop its stage. What it had committed is the catalogue's and stays."""
    given_up = unit.rows(Abandoned, f"select id, created, updated from catalogue_import where state in {_UNFINISHED}")
    for row in given_up:
        drop_stage(unit, row.id)
        unit.execute(
            "update catalogue_import set state = 'abandoned', finished_at = :now where id = :id", id=row.id, now=now
        )
    return given_up


def close_unmerged(unit: Unit, journal: Journal, *, keep: bool, now: Instant) -> None:
    """End an import that changed nothing; a preview leaves no trace, a refusal stays on record with its rejects."""
    drop_stage(unit, journal.id)
    if keep:
        save(unit, journal, finished_at=now)
        return
    unit.execute("delete from import_reject where import_id = :id", id=journal.id)
    unit.execute("delete from catalogue_import where id = :id", id=journal.id)
    unit.execute(
        """delete from feed where id = :feed and not exists (select 1 from catalogue_import where feed_id = :feed)
                              and not exists (select 1 from feed_record where feed_id = :feed)""",
        feed=journal.feed_id,
    )


def save(unit: Unit, journal: Journal, *, finished_at: Instant | None = None) -> None:
    """Write down how far the import came, in the unit that made it so."""
    unit.execute(
        f"""update catalogue_import
               set state = :state, line = :line, merged = :merged, finished_at = :finished_at,
                   {", ".join(f"{name} = :{name}" for name in _COUNTS)}
             where id = :id""",
        id=journal.id, state=journal.state, line=journal.line, merged=journal.merged, finished_at=finished_at,
        **journal.counts.as_dict(),
    )  # fmt: skip


def add_rejects(unit: Unit, journal: Journal, rejects: list[tuple[int, str, str, str, str, object]]) -> None:
    """Store rows that were not taken: (line, sku, field, code, message, raw row)."""
    unit.execute_many(
        """insert into import_reject (import_id, line, sku, field, code, message, row)
           values (:import_id, :line, :sku, :field, :code, :message, :row)
           on conflict (import_id, line, sku) do nothing""",
        [
            {"import_id": journal.id, "line": line, "sku": storable(sku).strip(), "field": field, "code": code,
             "message": storable(message), "row": json.dumps(row)}
            for line, sku, field, code, message, row in rejects
        ],
    )  # fmt: skip


def superseded(line: int, sku: str, winner: int) -> tuple[int, str, str, str, str, object]:
    """The entry that names a row which a later one of the same SKU replaced."""
    return line, sku, "sku", SUPERSEDED, f"line {winner} has the same SKU and wins", []


def without_row(unit: Unit, journal: Journal) -> list[int]:
    """The lines of rejects whose raw row is not stored: what was staged had lost it."""
    rows = unit.tuples(
        "select line from import_reject where import_id = :id and row = '[]' and code <> :superseded",
        id=journal.id, superseded=SUPERSEDED,
    )  # fmt: skip
    return [line for (line,) in rows]


def add_rows(unit: Unit, journal: Journal, rows: Iterable[tuple[int, object]]) -> None:
    """Store the raw rows of rejects, by line."""
    unit.execute_many(
        "update import_reject set row = :row where import_id = :id and line = :line",
        [{"id": journal.id, "line": line, "row": json.dumps(row)} for line, row in rows],
    )


def rejects(unit: Unit, import_id: str, *, limit: int | None = None, superseded: bool = False) -> Iterator[RejectRow]:
    """The rows an import did not take, in the order of the file; those a later row replaced only when asked for."""
    rows = unit.stream(
        f"""select line, sku, field, code, message, row from import_reject
             where import_id = :id and {"code = :superseded" if superseded else "code <> :superseded"}
             order by line, sku limit :limit""",
        id=import_id, superseded=SUPERSEDED, limit=limit if limit is not None else 1 << 40,
    )  # fmt: skip
    return (RejectRow._make(row) for row in rows)


def drop_stage(unit: Unit, import_id: str) -> None:
    """Forget the staged rows."""
    unit.execute("delete from import_row where import_id = :id", id=import_id)


def imports(unit: Unit, limit: int) -> list[ImportRow]:
    """The latest imports, newest first."""
    return unit.rows(
        ImportRow,
        f"""select i.id, f.name, i.source, i.state, {", ".join("i." + name for name in _COUNTS)},
                  i.actor, i.reason, i.started_at, i.finished_at
             from catalogue_import i join feed f on f.id = i.feed_id
            order by i.started_at desc, i.id desc limit :limit""",
        limit=limit,
    )


def storable(text: str) -> str:
    """Text of a rejected row as both databases can keep it: what is wrong with it must not stop its being named."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def json_rows(rows: Iterable[Sequence[object]]) -> str:
    """Rows as the JSON array that `Unit.each` reads."""
    return json.dumps([list(row) for row in rows], ensure_ascii=False, separators=(",", ":"))


def stored_counts(unit: Unit, journal: Journal) -> dict[str, int]:
    """What the database says this import did, by the rows it left: created, updated and retired products."""
    changes: dict[str, int] = {}
    first_created = None
    for kind, count, first in unit.tuples(
        """select kind, count(*), min(product_id) from change
            where import_id = :id and id > (select change_from from catalogue_import where id = :id) group by kind""",
        id=journal.id,
    ):
        changes[kind] = count
        if kind == "create":
            first_created = first
    created = unit.value("select count(*) from product where id >= :first", first=first_created) if first_created else 0
    restocked = unit.value(
        """select count(distinct m.product_id) from stock_movement m
            where m.reference = :id and m.id > (select movement_from from catalogue_import where id = :id)
              and not exists (select 1 from change c where c.product_id = m.product_id and c.import_id = :id
                                                       and c.kind = 'update')""",
        id=journal.id,
    )
    return {
        "created": min(created, changes.get("create", 0)),
        "updated": changes.get("update", 0) + restocked,
        "retired": changes.get("retire", 0),
    }
