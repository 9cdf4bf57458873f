"""Which instances are meant: filters, and conditions as a person writes them, `configuration.region=eu`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple, cast

from shopctl.product_store.errors import BadAttribute, BadInstanceCondition
from shopctl.product_store.model import STATES, Instance

Operator = Literal["=", "!="]
COLUMNS = {"customer": "customer_id", "sku": "sku", "state": "state", "parent": "parent_id",
           "purchase": "purchase_id"}  # fmt: skip
OBJECTS = ("configuration", "customisation")

_CONDITION = re.compile(r"\s*([^=!<>]*?)\s*(!=|=)\s*(.*?)\s*", re.DOTALL)
# The words of a path stand in the text of SQL statements and index definitions, so nothing in them may mean anything.
_PATH = re.compile(r"[\w -]{1,60}(\.[\w -]{1,60}){0,7}")


class Condition(NamedTuple):
    """One condition on a column, or on an attribute: `path` leads to it through the object in that column.

    An empty value asks for instances that have nothing there.
    """

    column: str
    path: tuple[str, ...]
    operator: Operator
    value: str

    def holds(self, instance: Instance) -> bool:
        """Whether an instance fulfils it."""
        found: Any = getattr(instance, self.column)
        for word in self.path:
            found = found.get(word) if isinstance(found, dict) else None
        return (self.value == _text(found)) is (self.operator == "=")


class Filters(NamedTuple):
    """Which instances to list; None means any."""

    customer: str | None = None
    sku: str | None = None
    state: str | None = None
    parent: str | None = None
    purchase: str | None = None
    where: tuple[Condition, ...] = ()

    def conditions(self) -> tuple[Condition, ...]:
        """All of it as conditions."""
        given = self._asdict()
        columns = ((column, given[name]) for name, column in COLUMNS.items())
        return (*(Condition(column, (), "=", value) for column, value in columns if value is not None), *self.where)


def parsed(texts: Iterable[str]) -> tuple[Condition, ...]:
    """Conditions from their texts. Raises BadInstanceCondition."""
    return tuple(_parsed(text) for text in texts)


def path_of(text: str) -> tuple[str, ...]:
    """The words of an attribute's name, `network.zone`. Raises BadAttribute."""
    if not _PATH.fullmatch(text):
        raise BadAttribute(text=text[:200])
    return tuple(text.split("."))


def _parsed(text: str) -> Condition:
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise BadInstanceCondition(text=text[:200], reason="it compares nothing")
    name, operator, value = match[1], cast("Operator", match[2]), _unquoted(match[3])
    if "\0" in value or not value.isprintable():
        raise BadInstanceCondition(text=text[:200], reason="its value holds characters that no text has")
    if name in COLUMNS:
        if name == "state" and value not in STATES:
            raise BadInstanceCondition(text=text[:200], reason=f"a state is one of {', '.join(STATES)}")
        return Condition(COLUMNS[name], (), operator, value)
    column, _, path = name.partition(".")
    if column not in OBJECTS or not path:
        fields = ", ".join((*COLUMNS, *(f"{each}.ATTRIBUTE" for each in OBJECTS)))
        raise BadInstanceCondition(text=text[:200], reason=f"{name or 'nothing'} is no field; there are {fields}")
    try:
        return Condition(column, path_of(path), operator, value)
    except BadAttribute as refused:
        raise BadInstanceCondition(text=text[:200], reason=refused.message.rstrip(".")) from None


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return text


def _text(value: Any) -> str:
    """A value as conditions see it: numbers and truth as JSON writes them, nothing as empty text."""
    from shopctl.product_store.model import canonical

    return value if isinstance(value, str) else "" if value is None else canonical(value)
