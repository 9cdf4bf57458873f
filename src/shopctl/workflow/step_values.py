"""Reading a step's `with`: what it must hold and of which kind, with a line for each thing that is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class StepValues:
    """One table of values. Problems of it and of the tables in it are collected in one list.

    `written`: expressions (`${…}`) are still texts, which may become anything.
    """

    def __init__(
        self, values: Mapping[str, Any], *, written: bool = False, within: str = "", problems: list[str] | None = None
    ) -> None:
        self._values = values
        self._written = written
        self._within = within
        self._known: set[str] = set()
        self.problems: list[str] = [] if problems is None else problems

    def text(self, name: str, default: str = "", *, needed: bool = False, choices: Iterable[str] = ()) -> str:
        """A text that is not empty."""
        found = self._take(name, needed)
        if found is None or self._open(found):
            return default if found is None else str(found)
        if not isinstance(found, str) or not found:
            self._add(name, "must be a text")
            return default
        choices = tuple(choices)
        if choices and found not in choices:
            self._add(name, f"must be one of {', '.join(choices)}")
            return default
        return found

    def number(
        self, name: str, default: float = 0.0, *, needed: bool = False, least: float = 0.0, most: float = 1e9
    ) -> float:
        """A number of seconds or the like."""
        found = self._take(name, needed)
        if found is None or self._open(found):
            return default
        if isinstance(found, bool) or not isinstance(found, int | float) or not least <= found <= most:
            self._add(name, f"must be a number from {least:g} to {most:g}")
            return default
        return found

    def flag(self, name: str, default: bool) -> bool:
        """true or false."""
        found = self._take(name, False)
        if found is None or self._open(found):
            return default
        if not isinstance(found, bool):
            self._add(name, "must be true or false")
            return default
        return found

    def texts(self, name: str, *, needed: bool = False) -> list[str]:
        """A list of texts, such as the arguments of a program."""
        found = self._take(name, needed)
        if found is None or self._open(found):
            return []
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found) or needed and not found:
            self._add(name, "must be a list of texts")
            return []
        return found

    def numbers(self, name: str, default: Iterable[int] = ()) -> list[int]:
        """A list of whole numbers."""
        found = self._take(name, False)
        if found is None or self._open(found):
            return list(default)
        if not isinstance(found, list) or not all(type(each) is int or self._open(each) for each in found):
            self._add(name, "must be a list of whole numbers")
            return list(default)
        return found

    def table(self, name: str) -> StepValues | None:
        """A table with names of its own, None where there is none."""
        found = self._take(name, False)
        if found is None or self._open(found):
            return None
        if not isinstance(found, Mapping):
            self._add(name, "must be a table")
            return None
        within = f"{self._within}{name}."
        return StepValues(found, written=self._written, within=within, problems=self.problems)

    def pairs(self, name: str) -> dict[str, str]:
        """A table of any names, each with a text; numbers become texts."""
        found = self._take(name, False)
        if found is None or self._open(found):
            return {}
        if not isinstance(found, Mapping) or not all(
            isinstance(each, str | int | float) and not isinstance(each, bool) for each in found.values()
        ):
            self._add(name, "must be a table of texts")
            return {}
        return {str(key): str(value) for key, value in found.items()}

    def data(self, name: str, default: Any = None) -> Any:
        """Anything that JSON can hold."""
        found = self._take(name, False)
        return default if found is None else found

    def wrong(self, name: str, problem: str) -> None:
        """Say what else is wrong with one of the values."""
        self._add(name, problem)

    def end(self) -> None:
        """Everything was read: what is left over is misspelt."""
        for name in self._values:
            if name not in self._known:
                known = ", ".join(sorted(self._known))
                self.problems.append(f"there is no {self._within}{name}; known here: {known or 'nothing'}")

    def _take(self, name: str, needed: bool) -> Any:
        self._known.add(name)
        found = self._values.get(name)
        if found is None and needed:
            self._add(name, "is missing")
        return found

    def _open(self, value: Any) -> bool:
        return self._written and isinstance(value, str) and "${" in value

    def _add(self, name: str, problem: str) -> None:
        self.problems.append(f"{self._within}{name} {problem}")
