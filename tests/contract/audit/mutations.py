"""Ways to falsify a trail with full rights on its database and without its key; each gets one draw of the dice."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from shopctl.audit.model import Entry, Seal
from shopctl.audit.queries import sealed_entries, seals, unsealed_entries
from shopctl.storage.unit import Unit

ENTRY = Entry._fields
SEAL = Seal._fields
TEXTS = ("", " ", "a\nb", "x" * 300, "os:eve", "💥", "00", "null", "{}")


def edit_entry(unit: Unit, dice: random.Random) -> str:
    """One field of one entry, wherever it stands."""
    entry = dice.choice(entries(unit))
    field = dice.choice([name for name in ENTRY if name not in ("id", "seal")])
    value = other(dice, getattr(entry, field), nullable=field in ("subject", "reason"))
    unit.execute(f"update audit_entry set {field} = :value where id = :id", value=value, id=entry.id)
    return f"entry {entry.id}: {field} = {value!r}"


def shift_text(unit: Unit, dice: random.Random) -> str:
    """Text moves from a field to its neighbour, so that all of them together read the same."""
    entry = dice.choice(entries(unit))
    letters = dice.randrange(1, len(entry.action))
    unit.execute(
        "update audit_entry set actor = :actor, action = :action where id = :id",
        actor=entry.actor + entry.action[:letters],
        action=entry.action[letters:],
        id=entry.id,
    )
    return f"entry {entry.id}: {letters} letters"


def delete_entries(unit: Unit, dice: random.Random) -> str:
    """One entry or a few; where ids have no gaps also such as have no seal yet."""
    there = entries(unit) if unit.dialect == "sqlite" else list(sealed_entries(unit))
    gone = dice.sample(there, dice.choice([1, 1, 1, 2, 5]))
    for entry in gone:
        unit.execute("delete from audit_entry where id = :id", id=entry.id)
    return f"{[entry.id for entry in gone]}"


def insert_entry(unit: Unit, dice: random.Random) -> str:
    """A copy of an entry, under any seal or none, with an id inside or after those in use."""
    copied = dice.choice(entries(unit))
    new = copied._replace(
        id=entries(unit)[-1].id + dice.choice([1, 1, 2, 1000]),
        seal=dice.choice([None, *[seal.number for seal in seals(unit)]]),
        actor=dice.choice([copied.actor, "os:eve"]),
    )
    if dice.random() < 0.5:  # in the place of one that is moved out of the way
        unit.execute("update audit_entry set id = :new where id = :id", new=new.id, id=copied.id)
        new = new._replace(id=copied.id)
    unit.execute(f"insert into audit_entry ({', '.join(ENTRY)}) values ({marks(ENTRY)})", **new._asdict())
    return f"{new.id} after {copied.id}"


def swap_entries(unit: Unit, dice: random.Random) -> str:
    """Two entries change places: all they say, or only their ids."""
    one, two = dice.sample(entries(unit), 2)
    fields = [name for name in ENTRY if name not in ("id", "seal")]
    for place, content in ((one, two), (two, one)):
        unit.execute(
            f"update audit_entry set {', '.join(f'{name} = :{name}' for name in fields)} where id = :id",
            **(content._asdict() | {"id": place.id}),
        )
    return f"{one.id} and {two.id}"


def renumber_entry(unit: Unit, dice: random.Random) -> str:
    """An entry gets an id that is not in use."""
    entry = dice.choice(entries(unit))
    new = dice.choice([0, -1, entries(unit)[-1].id + 1, 10**15])
    unit.execute("update audit_entry set id = :new where id = :id", new=new, id=entry.id)
    return f"{entry.id} becomes {new}"


def move_entry(unit: Unit, dice: random.Random) -> str:
    """A sealed entry goes under another seal, under one that does not exist, or under none."""
    entry = dice.choice(list(sealed_entries(unit)))
    numbers = [seal.number for seal in seals(unit)]
    new = dice.choice([number for number in (*numbers, 0, -1, numbers[-1] + 1, None) if number != entry.seal])
    unit.execute("update audit_entry set seal = :seal where id = :id", seal=new, id=entry.id)
    return f"entry {entry.id} from seal {entry.seal} to {new}"


def seal_falsely(unit: Unit, dice: random.Random) -> str:
    """An entry without a seal is put under one, so that the sealer passes it over."""
    entry = dice.choice(list(unsealed_entries(unit)))
    number = dice.choice([0, *[seal.number for seal in seals(unit)], 99])
    unit.execute("update audit_entry set seal = :seal where id = :id", seal=number, id=entry.id)
    return f"entry {entry.id} under seal {number}"


def edit_seal(unit: Unit, dice: random.Random) -> str:
    """One field of one seal."""
    seal = dice.choice(list(seals(unit)))
    field = dice.choice([name for name in SEAL if name != "number"])
    value = other(dice, getattr(seal, field))
    unit.execute(f"update audit_seal set {field} = :value where number = :number", value=value, number=seal.number)
    return f"seal {seal.number}: {field} = {value!r}"


def swap_seals(unit: Unit, dice: random.Random) -> str:
    """Two seals change places."""
    one, two = dice.sample(list(seals(unit)), 2)
    for place, content in ((one, two), (two, one)):
        unit.execute(
            f"update audit_seal set {', '.join(f'{name} = :{name}' for name in SEAL[1:])} where number = :number",
            **(content._asdict() | {"number": place.number}),
        )
    return f"{one.number} and {two.number}"


def delete_seal(unit: Unit, dice: random.Random) -> str:
    """A seal goes: alone, with its entries, or with its entries left without one."""
    seal = dice.choice(list(seals(unit))[:-1])
    unit.execute("delete from audit_seal where number = :number", number=seal.number)
    how = dice.choice(["alone", "with entries", "entries freed"])
    if how == "with entries":
        unit.execute("delete from audit_entry where seal = :number", number=seal.number)
    elif how == "entries freed":
        unit.execute("update audit_entry set seal = null where seal = :number", number=seal.number)
    if dice.random() < 0.5:  # and the later ones move up
        for number in range(seal.number, list(seals(unit))[-1].number):
            unit.execute("update audit_seal set number = :new where number = :old", new=number, old=number + 1)
            unit.execute("update audit_entry set seal = :new where seal = :old", new=number, old=number + 1)
    return f"{seal.number} {how}"


def insert_seal(unit: Unit, dice: random.Random) -> str:
    """A seal is made up, with the codes of a real one."""
    there = list(seals(unit))
    new = dice.choice(there)._replace(number=dice.choice([0, there[-1].number + 1, there[-1].number + 5]))
    unit.execute(f"insert into audit_seal ({', '.join(SEAL)}) values ({marks(SEAL)})", **new._asdict())
    return f"{new.number}"


def truncate(unit: Unit, dice: random.Random) -> str:
    """The end is cut off: seals and entries, only one of the two, or the seals with their entries freed; to the very
    first seal, and with every counter set back as if nothing had been there."""
    kept = dice.randrange(0, len(list(seals(unit))))
    how = dice.choice(["both", "both", "entries", "seals", "freed"])
    if how != "seals":
        unit.execute("delete from audit_entry where seal is null" if how != "freed" else "select 1")
        verb = "update audit_entry set seal = null" if how == "freed" else "delete from audit_entry"
        unit.execute(f"{verb} where seal > :kept", kept=kept)
    if how != "entries":
        unit.execute("delete from audit_seal where number > :kept", kept=kept)
    if unit.dialect == "sqlite" and how != "freed":
        unit.execute("update sqlite_sequence set seq = (select coalesce(max(id), 0) from audit_entry)"
                     " where name = 'audit_entry'")  # fmt: skip
    if kept == 0 and dice.random() < 0.5:
        unit.execute("delete from audit_trail")
    return f"after seal {kept}: {how}"


def rename_trail(unit: Unit, dice: random.Random) -> str:
    """The row that names the trail is changed or deleted."""
    field = dice.choice(["database_id", "created_at", "key_id", "mac", None])
    if field is None:
        unit.execute("delete from audit_trail")
    else:
        value = 1 if field == "created_at" else "dbs_other"
        unit.execute(f"update audit_trail set {field} = :value", value=value)
    return str(field)


MUTATIONS: tuple[Callable[[Unit, random.Random], str], ...] = (
    edit_entry,
    edit_entry,
    edit_entry,
    shift_text,
    delete_entries,
    delete_entries,
    insert_entry,
    swap_entries,
    swap_entries,
    renumber_entry,
    move_entry,
    seal_falsely,
    edit_seal,
    edit_seal,
    swap_seals,
    delete_seal,
    insert_seal,
    truncate,
    truncate,
    rename_trail,
)


def entries(unit: Unit) -> list[Entry]:
    """All entries by id."""
    return sorted([*sealed_entries(unit), *unsealed_entries(unit)])


def marks(fields: tuple[str, ...]) -> str:
    """`:a, :b` for an insert."""
    return ", ".join(f":{name}" for name in fields)


def other(dice: random.Random, value: Any, *, nullable: bool = False) -> Any:
    """Another value of the same kind: a little changed or quite different."""
    if isinstance(value, int):
        return dice.choice([value + 1, value - 1, -value - 1, value + 10**9])
    changed = [text for text in TEXTS if text != value]
    if nullable:
        changed += [None] * 3 if value is not None else []
    if value:
        at = dice.randrange(len(value))
        letter = "0" if value[at] != "0" else "1"
        changed += [
            value[:at] + letter + value[at + 1 :],
            value[:at] + value[at + 1 :],
            value + " ",
            value.upper() + "_",
        ] * 3
    return dice.choice(changed)
