"""Pruning: products a feed brought before and brings no more are retired."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shopctl.catalogue import changes
from shopctl.catalogue.importing.journal import Journal, json_rows
from shopctl.catalogue.importing.known import KnownRecords
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit

_BATCH = 2000

# Where the record is torn, the cell under `sku` may be any other; where its SKU is garbled, it may be meant for any.
_UNRELIABLE = ("row.quoting", "row.columns", "text.encoding", "sku.invalid")


class Missing(NamedTuple):
    """A product the file no longer names."""

    id: int
    sku: str
    version: int
    status: str
    hash: int | None


def missing(unit: Unit, journal: Journal, known: KnownRecords, *, lock: bool = True) -> list[Missing]:
    """Products of this feed that the file does not name. One whose row was rejected is named, so it stays.

    Nothing is missing for sure while there are rejected rows too broken to tell whose they are.
    """
    if held_back(unit, journal):
        return []
    return [
        product
        for product in unit.rows(
            Missing,
            # A record without a hash was staged if the file has it, unless the hash went only since it was read: when
            # somebody edits a product while the import runs, what its record was is not known any more.
            f"""select p.id, p.sku, p.version, p.status, r.hash
                 from feed_record r join product p on p.id = r.product_id
                where r.feed_id = :feed and p.status <> 'retired'
                  and not exists (select 1 from import_row s where s.import_id = :id and s.sku = p.sku)
                  and p.sku not in (select sku from import_reject where import_id = :id)
                  and not (r.hash is null and exists (
                           select 1 from change c
                            where c.product_id = p.id and c.import_id is null and {changes.edited_sql("c")}
                              and c.id > (select change_from from catalogue_import where id = :id)))
                order by p.id {unit.for_update if lock else ""}""",
            feed=journal.feed_id,
            id=journal.id,
        )
        if product.hash is None or not known.line_of(product.hash)
    ]


def held_back(unit: Unit, journal: Journal) -> str | None:
    """Why nothing can be retired: a rejected row does not tell for sure whose it is; None when all do."""
    line = unit.value(
        f"""select min(line) from import_reject
             where import_id = :id
               and (code in ({", ".join(f"'{code}'" for code in _UNRELIABLE)})
                    or (sku = '' and field <> 'sku') or (code = 'text.invalid' and sku like '%\\%' escape '!'))""",
        id=journal.id,
    )
    return None if line is None else f"line {line} may be any product"


def prune(unit: Unit, journal: Journal, known: KnownRecords, *, actor: str, now: Instant) -> int:
    """Retire what is missing; how many that were."""
    gone = missing(unit, journal, known)
    retire(unit, journal, gone, actor=actor, now=now)
    return len(gone)


def retire(unit: Unit, journal: Journal, gone: Sequence[Missing], *, actor: str, now: Instant) -> None:
    """Retire these products, which the unit has locked."""
    for start in range(0, len(gone), _BATCH):
        batch = gone[start : start + _BATCH]
        numbers = json_rows([product.id] for product in batch)
        among = f"in (select cast(value ->> 0 as bigint) from {unit.each('ids')})"
        unit.execute(
            f"""update product set status = 'retired', version = version + 1, updated_at = :now where id {among}""",
            ids=numbers,
            now=now,
        )
        # Should a feed bring one of them again, the same record as before must be looked at.
        unit.execute(
            f"update feed_record set hash = null where feed_id in (select id from feed) and product_id {among}",
            ids=numbers,
        )
        changes.record(unit, [
            changes.Change(product.id, "retire", now, product.version + 1, journal.id, actor,
                           changes.previous_json({"status": product.status}))
            for product in batch
        ])  # fmt: skip


def feed_size(unit: Unit, journal: Journal) -> int:
    """How many products the feed has brought that are not retired."""
    return int(
        unit.value(
            """select count(*) from feed_record r join product p on p.id = r.product_id
                where r.feed_id = :feed and p.status <> 'retired'""",
            feed=journal.feed_id,
        )
    )
