"""The stage: rows of a feed that differ from what it said before, settled as a whole before any of them is merged."""

from __future__ import annotations

import marshal
from collections.abc import Iterator, Sequence

from shopctl.catalogue.feed.row import LINE, PARENT_SKU, SKU, FeedRow
from shopctl.catalogue.importing import journal as journals
from shopctl.catalogue.importing.journal import Journal
from shopctl.catalogue.importing.known import KnownRecords
from shopctl.storage.unit import Unit

_BATCH = 2000


def add(unit: Unit, import_id: str, rows: Sequence[FeedRow]) -> None:
    """Stage rows."""
    unit.insert_many(
        "import_row",
        ("import_id", "line", "sku", "parent_sku", "row"),
        (
            (import_id, row[LINE], row[SKU], row[PARENT_SKU] if row[PARENT_SKU] is not ... else "", marshal.dumps(row))
            for row in rows
        ),
    )


def settle(unit: Unit, journal: Journal, known: KnownRecords) -> None:
    """Decide what the whole stage decides: of several rows with one SKU the last wins, parents must exist."""
    _supersede(unit, journal)
    _supersede_by_known(unit, journal, known)
    while _reject_orphans(unit, journal):
        pass  # a rejected row may have been the parent of others


def batches(unit: Unit, journal: Journal) -> Iterator[list[FeedRow]]:
    """The staged rows that are not merged yet, in the order of the file, some thousands at a time."""
    after = journal.merged
    while rows := unit.tuples(
        "select line, row from import_row where import_id = :id and line > :after order by line limit :limit",
        id=journal.id,
        after=after,
        limit=_BATCH,
    ):
        yield [marshal.loads(data) for _, data in rows]
        after = rows[-1][0]


def _supersede(unit: Unit, journal: Journal) -> None:
    beaten = """select r.line, r.sku, (select max(n.line) from import_row n
                                        where n.import_id = r.import_id and n.sku = r.sku) as winner
                  from import_row r where r.import_id = :id
                   and exists (select 1 from import_row n where n.import_id = r.import_id and n.sku = r.sku
                                                            and n.line > r.line)"""
    _remove(unit, journal, [
        journals.superseded(line, sku, winner)
        for line, sku, winner in unit.tuples(beaten, id=journal.id)
    ])  # fmt: skip


def _supersede_by_known(unit: Unit, journal: Journal, known: KnownRecords) -> None:
    # A record that is unchanged was not staged; where it stands below a staged row of its product, it is the last.
    if not len(known):
        return
    candidates = unit.stream(
        """select s.line, s.sku, r.hash from import_row s
             join product p on p.sku = s.sku
             join feed_record r on r.product_id = p.id and r.feed_id = :feed
            where s.import_id = :id and r.hash is not null""",
        id=journal.id,
        feed=journal.feed_id,
    )
    _remove(unit, journal, [
        journals.superseded(line, sku, known.line_of(value))
        for line, sku, value in candidates
        if known.line_of(value) > line
    ])  # fmt: skip


def _reject_orphans(unit: Unit, journal: Journal) -> bool:
    orphans = unit.tuples(
        """select r.line, r.sku, r.parent_sku from import_row r
            where r.import_id = :id and r.parent_sku <> ''
              and (r.parent_sku = r.sku
                   or not exists (select 1 from product p where p.sku = r.parent_sku)
                  and not exists (select 1 from import_row s where s.import_id = r.import_id and s.sku = r.parent_sku))
            order by r.line""",
        id=journal.id,
    )
    rows = dict(
        unit.tuples(
            f"""select line, row from import_row where import_id = :id
                 and line in (select cast(value ->> 0 as bigint) from {unit.each("lines")})""",
            id=journal.id,
            lines=journals.json_rows([line] for line, _, _ in orphans),
        )
        if orphans
        else []
    )
    _remove(unit, journal, [
        (line, sku, "parent_sku", "parent.unknown", f"there is no product {parent!r} in the shop or in this file",
         [str(value) for value in marshal.loads(rows[line])[SKU:]])
        for line, sku, parent in orphans
    ])  # fmt: skip
    return bool(orphans)


def _remove(unit: Unit, journal: Journal, rejects: list[tuple[int, str, str, str, str, object]]) -> None:
    if not rejects:
        return
    journals.add_rejects(unit, journal, rejects)
    for start in range(0, len(rejects), _BATCH):
        unit.execute(
            f"""delete from import_row where import_id = :id
                 and line in (select cast(value ->> 0 as bigint) from {unit.each("lines")})""",
            id=journal.id,
            lines=journals.json_rows([reject[0]] for reject in rejects[start : start + _BATCH]),
        )
    superseded = sum(reject[3] == journals.SUPERSEDED for reject in rejects)
    journal.counts.superseded += superseded
    journal.counts.rejected += len(rejects) - superseded
