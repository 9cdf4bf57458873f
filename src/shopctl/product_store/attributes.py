"""Attributes in SQL: how each database takes one out of a JSON object, and the indexes that find by it.

An attribute with an index of its own is found in the order of lists, however many instances share its value. PostgreSQL
finds the others by the GIN index over whole configurations, which is quick while few share the value.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from shopctl.product_store.where import Condition, path_of
from shopctl.storage.unit import Dialect, Unit

_INDEXED = 300  # characters of a value that PostgreSQL's index has; an entry has room for some 2,700 bytes
_PREFIX = "ix_instance_attribute_"


def value_sql(dialect: Dialect, column: str, path: tuple[str, ...]) -> str:
    """The attribute as text, as an index on it has it: null where there is nothing."""
    if dialect == "sqlite":
        # JSON text without its quotation marks, as `->>` would tell neither true from 1 nor how a number was written.
        return f"""trim(nullif({column} -> '{_json_path(path)}', 'null'), '"')"""
    return f"left({_whole_text(dialect, column, path)}, {_INDEXED})"


def compared_sql(unit: Unit, condition: Condition, name: str, *, indexed: bool) -> tuple[str, dict[str, Any]]:
    """The condition on an attribute with its parameters, whose names begin with `name`; `indexed` by its own index."""
    there = value_sql(unit.dialect, condition.column, condition.path)
    whole = _whole_text(unit.dialect, condition.column, condition.path)
    if not condition.value:
        return f"coalesce({whole}, '') {condition.operator.replace('!=', '<>')} ''", {}
    if unit.dialect == "sqlite":
        value = json.dumps(condition.value, ensure_ascii=False).strip('"')
        if condition.operator == "=":
            return f"{there} = :{name}", {name: value}
        return f"coalesce({there} <> :{name}, 1)", {name: value}
    if condition.operator == "!=":
        return f"{whole} is distinct from :{name}", {name: condition.value}
    if indexed or condition.column != "configuration":
        if len(condition.value) < _INDEXED:
            return f"{there} = :{name}", {name: condition.value}
        exactly = f"{there} = left(:{name}, {_INDEXED}) and {whole} = :{name}"
        return exactly, {name: condition.value}
    # What is written as text may be a text, or a number or truth value that JSON writes so.
    forms = {f"{name}_{number}": form for number, form in enumerate(_nested(condition))}
    holds = " or ".join(f"cast({condition.column} as jsonb) @> cast(:{form} as jsonb)" for form in forms)
    return f"({holds})", forms


def indexes_wanted(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The indexes for these attributes of configurations: an index's name to the path. Raises BadAttribute."""
    return {_index_name(path): path for path in map(path_of, dict.fromkeys(names))}


def indexes_there(unit: Unit) -> list[str]:
    """The indexes of attributes that a database has."""
    if unit.dialect == "sqlite":
        sql = "select name from sqlite_master where type = 'index' and tbl_name = 'instance' order by 1"
    else:
        sql = "select indexname::text from pg_indexes where schemaname = current_schema() and tablename = 'instance'"
    return sorted(name for (name,) in unit.tuples(sql) if name.startswith(_PREFIX))


def create_index(unit: Unit, name: str, path: tuple[str, ...]) -> None:
    """Make the index of an attribute. Writers of instances wait for it on both databases."""
    # Of all rows: PostgreSQL takes no statistics from an index of some of them.
    unit.execute(f"create index {name} on instance ({value_sql(unit.dialect, 'configuration', path)}, id)")


def drop_index(unit: Unit, name: str) -> None:
    """Take the index of an attribute away."""
    unit.execute(f"drop index {name}")


def learn(unit: Unit) -> None:
    """Let PostgreSQL's planner know how many instances share a value, from as large a sample as its own vacuum takes.

    From a small one (`Unit.analyze`) it would take every hundredth instance to hold what only one does.
    """
    if unit.dialect == "postgres":
        unit.execute("analyze instance")


def _index_name(path: tuple[str, ...]) -> str:
    words = "_".join(path).lower()
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in words)[:28]
    # A digest, since two names may look alike once they are plain.
    return f"{_PREFIX}{plain}_{hashlib.sha256('.'.join(path).encode()).hexdigest()[:8]}"


def _whole_text(dialect: Dialect, column: str, path: tuple[str, ...]) -> str:
    if dialect == "sqlite":
        return f"({column} ->> '{_json_path(path)}')"
    words = ", ".join(f"'{word}'" for word in path)
    return f"jsonb_extract_path_text(cast({column} as jsonb), {words})"


def _json_path(path: tuple[str, ...]) -> str:
    return "$" + "".join(f'."{word}"' for word in path)


def _nested(condition: Condition) -> Iterator[str]:
    for value in _readings(condition.value):
        whole: Any = value
        for word in reversed(condition.path):
            whole = {word: whole}
        yield json.dumps(whole, ensure_ascii=False)


def _readings(text: str) -> Iterator[Any]:
    yield text
    try:
        value = json.loads(text, parse_constant=_refused)
    except ValueError:
        return
    if isinstance(value, (bool, int, float)) and json.dumps(value) == text:
        yield value


def _refused(constant: str) -> None:
    raise ValueError(constant)  # NaN and the infinities are Python's own
