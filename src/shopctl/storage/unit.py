"""A unit: one transaction on one connection, with named-parameter SQL that runs on SQLite and PostgreSQL alike."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar, cast

Row = TypeVar("Row", bound=NamedTuple)
Dialect = Literal["sqlite", "postgres"]
Constants = Mapping[str, int | str | None]


def json_array(values: Iterable[object]) -> str:
    """Values as `Unit.each` reads them on both engines: each in a list of its own, taken out with `value ->> 0`."""
    return json.dumps([[value] for value in values], ensure_ascii=False)


class Unit(ABC):
    """One open transaction. SQL names its parameters `:name`; text and bigint are the only types it needs.

    Text with NUL characters or lone surrogates raises TextInvalid. For speed, the two bulk methods leave NUL characters
    to whoever made the rows (the feed reader refuses them), where the database itself does not mind.
    """

    dialect: ClassVar[Dialect]
    for_update: ClassVar[str]  # row locks; SQLite's single writer needs none
    for_claim: ClassVar[str]  # the same, leaving out the rows that somebody else has locked
    connection: Any  # the driver's own, for what only migrations and checks do
    writes: bool  # whether what it changes is kept

    @abstractmethod
    def stream(self, sql: str, **params: object) -> Iterator[tuple[Any, ...]]:
        """Rows one after another in bounded memory."""

    @abstractmethod
    def execute(self, sql: str, **params: object) -> int:
        """Run one statement; how many rows it changed."""

    @abstractmethod
    def execute_many(self, sql: str, rows: Iterable[Mapping[str, object]]) -> None:
        """Run one statement for each row of parameters."""

    @abstractmethod
    def insert_many(
        self,
        table: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[object]] | bytes,
        *,
        constants: Constants | None = None,
    ) -> None:
        """Add many rows at once (COPY on PostgreSQL); values stand in the order of `columns`.

        `constants` are further columns that have the same value in every row. What `Database.packed` made of the same
        rows and constants will do as well.
        """

    @abstractmethod
    def each(self, parameter: str) -> str:
        """A FROM item that yields the JSON array in `:parameter` as `each(value)`, element by element."""

    @abstractmethod
    def unique_later(self, table: str, column: str) -> AbstractContextManager[Callable[[], bool]]:
        """Add to a table whose unique column is checked afterwards: many rows in no order go in much faster so.

        Yields a function that says whether the column is unique by now; while it is not, rows can be taken out. At the
        end it must be. The unique index is `uq_TABLE_COLUMN`.
        """

    def analyze(self, *tables: str) -> None:  # noqa: B027 - SQLite's plans here need no statistics
        """Let the planner know these tables as they are now: many rows were added, and their statistics come later."""

    def hold_together(self, name: str) -> None:  # noqa: B027 - SQLite's writers come one at a time
        """Hold `name` until this unit ends, beside other units that do; those that `hold_alone` wait. Not for reading.

        What is read afterwards includes what the last lone holder committed. Raises DatabaseLocked.
        """

    def hold_alone(self, name: str) -> None:  # noqa: B027 - the same
        """Hold `name` until this unit ends, when every other write unit that holds it has ended."""

    @abstractmethod
    def tables(self) -> list[str]:
        """The names of all tables, sorted; a partitioned one has one name."""

    @abstractmethod
    def translated(self) -> AbstractContextManager[None]:
        """Turns what the driver raises inside into our errors; needed only around `connection`."""

    def tuples(self, sql: str, **params: object) -> list[tuple[Any, ...]]:
        """All rows as bare tuples."""
        return list(self.stream(sql, **params))

    def rows(self, kind: type[Row], sql: str, **params: object) -> list[Row]:
        """All rows, each as the named tuple `kind`, columns in its order."""
        make = cast("Any", kind)._make
        return [make(values) for values in self.stream(sql, **params)]

    def row(self, kind: type[Row], sql: str, **params: object) -> Row | None:
        """The first row as `kind`, None when there is none."""
        for values in self.tuples(sql, **params):
            return cast("Row", cast("Any", kind)._make(values))
        return None

    def value(self, sql: str, **params: object) -> Any:
        """The first column of the first row, None when there is none."""
        for values in self.tuples(sql, **params):
            return values[0]
        return None
