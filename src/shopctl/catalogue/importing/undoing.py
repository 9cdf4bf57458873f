"""Undoing the changes of an import from the change log, set by set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from shopctl.catalogue import bundles, changes, queries, removed
from shopctl.catalogue.edits import save_many
from shopctl.catalogue.importing.staleness import Difference
from shopctl.catalogue.model import Product
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit, json_array

What = Literal["restored", "reinstated", "removed", "retired"]

# The changes an import made, in their order; its journal says where to begin looking.
_OF_THE_IMPORT = """c.import_id = :import_id and c.kind not in ('rollback', 'remove')
                    and c.id > (select change_from from catalogue_import where id = :import_id)"""


class State(NamedTuple):
    """The state of an import, and the file it was of."""

    state: str
    source: str


class Made(NamedTuple):
    """A change that an import made and nobody has undone; `id` is that of the change."""

    id: int
    product_id: int
    kind: str
    version: int
    previous: str | None


class Undone(NamedTuple):
    """A product before and after its change is undone; `after` is None where it goes."""

    what: What
    before: Product
    after: Product | None


class Changed(Exception):
    """Products are not what the import made of them."""

    def __init__(self, differing: Sequence[Difference]) -> None:
        super().__init__()
        self.differing = differing


def state_of(unit: Unit, import_id: str) -> State | None:
    """The state of an import; None when there is no such import."""
    return unit.row(State, "select state, source from catalogue_import where id = :id", id=import_id)


def set_state(unit: Unit, import_id: str, state: str) -> None:
    """Put an import into another state."""
    unit.execute("update catalogue_import set state = :state where id = :id", id=import_id, state=state)


def changed_since(unit: Unit, import_id: str, *, among: Iterable[int] | None = None) -> list[Difference]:
    """The products that are not any more as the import left them; what was changed and undone is no difference."""
    some = "" if among is None else f"and p.id in (select cast(each.value ->> 0 as bigint) from {unit.each('ids')})"
    rows = unit.tuples(
        f"""select p.id, p.sku, p.version, c.version from change c join product p on p.id = c.product_id
             where {_OF_THE_IMPORT} and p.version <> c.version {some}
               and not {changes.undone_sql("c")} and {changes.changed_since_sql("c")}
             order by p.id""",
        import_id=import_id,
        **({} if among is None else {"ids": json_array(among)}),
    )
    return [Difference(sku, f"is version {now}, was {made}", (number, made)) for number, sku, now, made in rows]


def made(unit: Unit, import_id: str, *, after: int, limit: int) -> list[Made]:
    """Changes of the import that are to be undone, above the change `after`, rising."""
    return unit.rows(
        Made,
        f"""select c.id, c.product_id, c.kind, c.version, c.previous from change c
             where {_OF_THE_IMPORT} and c.id > :after and not {changes.undone_sql("c")}
             order by c.id limit :limit""",
        import_id=import_id, after=after, limit=limit,
    )  # fmt: skip


def in_use(unit: Unit, import_id: str) -> frozenset[int]:
    """Products the import created that others need by now: their stock moved or was reserved, or what stays names them.

    What the import itself changed names them no more once it is undone.
    """
    used = {number for (number,) in unit.stream(_touched("true"), import_id=import_id)}
    used |= {number for (number,) in unit.stream(_FOREIGN_PARENTS, import_id=import_id)}
    foreign = unit.stream(_FOREIGN_BUNDLES, import_id=import_id)
    waiting = {sku for (components,) in foreign for sku in bundles.held(components)} | _named_by(unit, used)
    while found := _created(unit, import_id, waiting) - used:
        used |= found
        waiting = _named_by(unit, found)
    return frozenset(used)


def undo(
    unit: Unit, import_id: str, batch: Sequence[Made], used: frozenset[int], *, actor: str, now: Instant
) -> list[Undone]:
    """Undo these changes. Raises Changed when one of the products is another by now."""
    ids = [each.product_id for each in batch]
    products = queries.by_ids(unit, ids, now=now, lock=True)
    if differing := changed_since(unit, import_id, among=ids):
        raise Changed(differing)
    # Somebody may have reserved one since we looked at the whole.
    touched = unit.tuples(
        _touched(f"p.id in (select cast(each.value ->> 0 as bigint) from {unit.each('ids')})"),
        import_id=import_id, ids=json_array(ids),
    )  # fmt: skip
    undone = list(planned(batch, products, used.union(number for (number,) in touched)))
    kept = [(each.before, each.after) for each in undone if each.after is not None]
    save_many(unit, kept, kind="rollback", import_id=import_id, actor=actor, now=now)
    gone = removed.remove(unit, [each.before for each in undone if each.after is None], at=now)
    changes.record(
        unit,
        [
            changes.Change(each.product.id, "remove", each.removed_at, each.product.version, import_id, actor, "{}")
            for each in gone
        ],
    )
    return undone


def planned(
    batch: Sequence[Made], products: Mapping[int, Product], used: frozenset[int] | set[int]
) -> Iterator[Undone]:
    """What undoing each of these changes makes of its product."""
    for each in batch:
        before = products[each.product_id]
        if each.kind != "create":
            yield Undone("reinstated" if each.kind == "retire" else "restored", before,
                         changes.undone(before, each.previous))  # fmt: skip
        elif each.product_id in used:
            yield Undone("retired", before, before._replace(status="retired", publish_at=None, retire_at=None))
        else:
            yield Undone("removed", before, None)


def totals(unit: Unit, import_id: str) -> dict[What, int]:
    """What the rollback of an import has done by now, by the rows it left in the change log."""
    found: dict[What, int] = {}
    for made_as, undone_as, count in unit.tuples(
        f"""select c.kind, r.kind, count(*) from change c
              join change r on r.product_id = c.product_id and r.import_id = c.import_id
                           and r.kind in ('rollback', 'remove')
             where {_OF_THE_IMPORT} group by c.kind, r.kind""",
        import_id=import_id,
    ):
        found[_WHAT[made_as, undone_as]] = count
    return found


_WHAT: dict[tuple[str, str], What] = {
    ("update", "rollback"): "restored",
    ("retire", "rollback"): "reinstated",
    ("create", "rollback"): "retired",
    ("create", "remove"): "removed",
}

_CREATED = f"""select p.id from change c join product p on p.id = c.product_id
                where {_OF_THE_IMPORT} and c.kind = 'create'"""
# What the import changed names none of its creations once that is undone.
_FOREIGN = """not exists (select 1 from change own where own.product_id = v.id and own.import_id = :import_id)"""
_FOREIGN_PARENTS = f"""{_CREATED} and exists (select 1 from product v
                                               where v.parent_sku = p.sku and v.parent_sku <> '' and {_FOREIGN})"""
_FOREIGN_BUNDLES = f"select v.components from product v where v.components <> '[]' and {_FOREIGN}"


def _touched(condition: str) -> str:
    return f"""{_CREATED} and {condition}
                 and (exists (select 1 from stock_movement m where m.product_id = p.id)
                      or p.id in (select product_id from reservation))"""


def _created(unit: Unit, import_id: str, skus: Iterable[str]) -> set[int]:
    """Those of these SKUs that the import created."""
    if not (wanted := list(skus)):
        return set()
    rows = unit.tuples(
        f"{_CREATED} and p.sku in (select each.value ->> 0 from {unit.each('skus')})",
        import_id=import_id, skus=json_array(wanted),
    )  # fmt: skip
    return {number for (number,) in rows}


def _named_by(unit: Unit, ids: Iterable[int]) -> set[str]:
    """The parents and components of these products."""
    rows = unit.tuples(
        f"""select parent_sku, components from product
             where id in (select cast(each.value ->> 0 as bigint) from {unit.each("ids")})
               and (parent_sku <> '' or components <> '[]')""",
        ids=json_array(ids),
    )
    return {sku for parent, components in rows for sku in (parent, *bundles.held(components)) if sku}
