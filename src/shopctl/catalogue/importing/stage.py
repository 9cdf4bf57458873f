"""The stage: rows of a feed that differ from what it said before, settled as a whole before any of them is merged."""

from __future__ import annotations

import marshal
from collections.abc import Iterator, Sequence
from itertools import chain

from shopctl.catalogue.feed.row import COMPONENTS, LINE, PARENT_SKU, PUBLISH_AT, RETIRE_AT, SKU, FeedRow
from shopctl.catalogue.importing import journal as journals
from shopctl.catalogue.importing.bundles import Bundles, Rejected
from shopctl.catalogue.importing.journal import Journal
from shopctl.catalogue.importing.known import KnownRecords
from shopctl.kernel import clock
from shopctl.storage.unit import Unit

JUDGED_TOGETHER = frozenset({"parent_sku", "components", "publish_at", "retire_at"})
"""Fields whose rows are judged only once all are staged, together and against the shop."""

_BATCH = 2000
_NOTHING = (..., None, "[]")


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


def is_plain(row: FeedRow) -> bool:
    """Whether a row says nothing that is judged by more than itself, apart from its parent."""
    return row[COMPONENTS] in _NOTHING and row[PUBLISH_AT] in _NOTHING and row[RETIRE_AT] in _NOTHING


def settle(unit: Unit, journal: Journal, known: KnownRecords, *, plain: bool = False) -> None:
    """Decide what the whole stage decides: of several rows with one SKU the last wins, parents must exist.

    So must components, and a bundle may not hold itself; a product is published before it is retired. Where all rows
    are `plain` there is nothing of that to look at.
    """
    _supersede(unit, journal, known)
    bundles = Bundles(unit, journal.id)
    if not plain:
        _look_through(unit, journal, bundles)
    while _reject_orphans(unit, journal) or _reject_bundles(unit, journal, bundles):
        pass  # a rejected row may have been the parent or a component of others


def batches(unit: Unit, journal: Journal) -> Iterator[list[FeedRow]]:
    """The staged rows that are not merged yet, in the order of the file, some thousands at a time.

    What one line says is never divided: `Journal.merged` counts lines.
    """
    after = journal.merged
    while (last := _last_line(unit, journal, after)) is not None:
        rows = unit.tuples(
            """select row from import_row
                where import_id = :id and line > :after and line <= :last order by line, sku""",
            id=journal.id,
            after=after,
            last=last,
        )
        yield [marshal.loads(data) for (data,) in rows]
        after = last


def _last_line(unit: Unit, journal: Journal, after: int) -> int | None:
    """The last line of the next batch; None when there is none."""
    last: int | None = unit.value(
        """select max(line) from (select line from import_row where import_id = :id and line > :after
                                   order by line limit :limit) l""",
        id=journal.id,
        after=after,
        limit=_BATCH,
    )
    return last


def _supersede(unit: Unit, journal: Journal, known: KnownRecords) -> None:
    staged: dict[str, list[int]] = {}
    for sku, line in unit.tuples(
        """select sku, line from import_row where import_id = :id
              and sku in (select sku from import_row where import_id = :id group by sku having count(*) > 1)""",
        id=journal.id,
    ):
        staged.setdefault(sku, []).append(line)
    unchanged = _unchanged(unit, journal, known)
    _add_staged(unit, journal, staged, [sku for sku in unchanged if sku not in staged])
    beaten: list[Rejected] = []
    for sku in staged | unchanged:
        lines = staged.get(sku, []) + unchanged.get(sku, [])
        last = max(lines)
        beaten += [journals.superseded(line, sku, last) for line in lines if line != last]
        # An unchanged record was not staged, and counted as soon as it was met.
        journal.counts.unchanged -= sum(line != last for line in unchanged.get(sku, []))
    _remove(unit, journal, beaten)


def _unchanged(unit: Unit, journal: Journal, known: KnownRecords) -> dict[str, list[int]]:
    """Where unchanged records stand, by SKU, for the SKUs that have another row in the file."""
    if not len(known):
        return {}
    repeats: dict[int, list[int]] = {}
    for value, line in known.repeats():
        repeats.setdefault(value, []).append(line)
    found: dict[str, list[int]] = {}
    of_staged = unit.stream(
        """select s.sku, r.hash from (select distinct sku from import_row where import_id = :id) s
             join product p on p.sku = s.sku
             join feed_record r on r.product_id = p.id and r.feed_id = :feed
            where r.hash is not null""",
        id=journal.id,
        feed=journal.feed_id,
    )
    for sku, value in chain(of_staged, _repeated(unit, journal, repeats)):
        if line := known.line_of(value):
            found[sku] = [*repeats.get(value, ()), line]
    return found


def _repeated(unit: Unit, journal: Journal, repeats: dict[int, list[int]]) -> Iterator[tuple[str, int]]:
    if repeats:
        yield from unit.tuples(
            f"""select p.sku, r.hash from feed_record r join product p on p.id = r.product_id
                 where r.feed_id = :feed
                   and r.hash in (select cast(value ->> 0 as bigint) from {unit.each("hashes")})""",
            feed=journal.feed_id,
            hashes=journals.json_rows([value] for value in repeats),
        )


def _add_staged(unit: Unit, journal: Journal, staged: dict[str, list[int]], skus: Sequence[str]) -> None:
    for start in range(0, len(skus), _BATCH):
        for sku, line in unit.tuples(
            f"""select sku, line from import_row where import_id = :id
                 and sku in (select value ->> 0 from {unit.each("skus")})""",
            id=journal.id,
            skus=journals.json_rows([sku] for sku in skus[start : start + _BATCH]),
        ):
            staged.setdefault(sku, []).append(line)


def _reject_orphans(unit: Unit, journal: Journal) -> bool:
    # Variants are one level deep. A staged row tells of its product what the shop says of others. The parent's row is
    # looked up by its line: for anything but that SQLite reads the whole stage each time, not the index on SKUs.
    orphans = unit.tuples(
        """select r.line, r.sku, r.parent_sku,
                  coalesce(s.parent_sku, p.parent_sku) is null, coalesce(s.parent_sku, p.parent_sku, '') <> ''
             from import_row r
             left join import_row s on s.import_id = :id and s.sku = r.parent_sku
                                   and s.line = (select o.line from import_row o
                                                  where o.import_id = :id and o.sku = r.parent_sku)
             left join product p on p.sku = r.parent_sku
            where r.import_id = :id and r.parent_sku <> ''
              and (r.parent_sku = r.sku or coalesce(s.parent_sku, p.parent_sku, '?') <> ''
                   or exists (select 1 from product v where v.parent_sku = r.sku and v.parent_sku <> ''
                               and not exists (select 1 from import_row o where o.import_id = r.import_id
                                                                            and o.sku = v.sku)))
            order by r.line""",
        id=journal.id,
    )
    _remove(unit, journal, [
        (line, sku, "parent_sku", *_why(sku, parent, is_missing, is_variant), [])
        for line, sku, parent, is_missing, is_variant in orphans
    ])  # fmt: skip
    return bool(orphans)


def _reject_bundles(unit: Unit, journal: Journal, bundles: Bundles) -> bool:
    rejected = bundles.rejected()
    _remove(unit, journal, rejected)
    return bool(rejected)


def _look_through(unit: Unit, journal: Journal, bundles: Bundles) -> None:
    early: list[Rejected] = []
    for rows in batches(unit, journal):
        for row in rows:
            bundles.add(row[LINE], row[SKU], row[COMPONENTS])
        early += _never_visible(unit, [row for row in rows if row[PUBLISH_AT] is not ... or row[RETIRE_AT] is not ...])
    _remove(unit, journal, early)


def _never_visible(unit: Unit, rows: Sequence[FeedRow]) -> list[Rejected]:
    if not rows:
        return []
    stored = {
        sku: (publish_at, retire_at)
        for sku, publish_at, retire_at in unit.tuples(
            f"""select sku, publish_at, retire_at from product
                 where (publish_at is not null or retire_at is not null)
                   and sku in (select value ->> 0 from {unit.each("skus")})""",
            skus=journals.json_rows([row[SKU]] for row in rows),
        )
    }
    found: list[Rejected] = []
    for row in rows:
        before = stored.get(row[SKU], (None, None))
        publish_at = before[0] if row[PUBLISH_AT] is ... else row[PUBLISH_AT]
        retire_at = before[1] if row[RETIRE_AT] is ... else row[RETIRE_AT]
        if publish_at is not None and retire_at is not None and retire_at <= publish_at:
            field = "publish_at" if row[RETIRE_AT] is ... else "retire_at"
            reason = f"it would be retired at {clock.show(retire_at)}, not after it is published"
            found.append((row[LINE], row[SKU], field, "schedule.invalid", f"{reason} at {clock.show(publish_at)}", []))
    return found


def _why(sku: str, parent: str, is_missing: bool, is_variant: bool) -> tuple[str, str]:
    if parent == sku:
        return "parent.invalid", "a product cannot be its own parent"
    if is_missing:
        return "parent.unknown", f"there is no product {parent!r} in the shop or in this file"
    if is_variant:
        return "parent.invalid", f"{parent!r} is a variant itself"
    return "parent.invalid", "it has variants of its own"


def _remove(unit: Unit, journal: Journal, rejects: list[Rejected]) -> None:
    if not rejects:
        return
    journals.add_rejects(unit, journal, rejects)
    for start in range(0, len(rejects), _BATCH):
        unit.execute(
            f"""delete from import_row where import_id = :id
                 and (line, sku) in (select cast(value ->> 0 as bigint), value ->> 1 from {unit.each("lines")})""",
            id=journal.id,
            lines=journals.json_rows(reject[:2] for reject in rejects[start : start + _BATCH]),
        )
    superseded = sum(reject[3] == journals.SUPERSEDED for reject in rejects)
    journal.counts.superseded += superseded
    journal.counts.rejected += len(rejects) - superseded
