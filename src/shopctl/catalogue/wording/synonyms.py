"""Other names of the same thing, from a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from shopctl.catalogue.wording.errors import BadSynonyms

BUNDLED = Path(__file__).with_name("synonyms.toml")
_LONGEST = 4  # words of a name

Name = tuple[str, ...]


class Synonyms:
    """Which other names a name of some words has; compared by the stems of their words."""

    def __init__(self, groups: Iterable[Sequence[str]], one_way: Iterable[tuple[str, Sequence[str]]]) -> None:
        self._groups = list(groups)
        self._one_way = list(one_way)
        self._known: dict[Name, list[Name]] | None = None

    def of(self, name: Name, words: Callable[[str], Sequence[str]], stem: Callable[[str], str]) -> Sequence[Name]:
        """Its other names as words that are looked up."""
        if self._known is None:
            self._known = {}
            for group in self._groups:
                names = [tuple(words(text)) for text in group]
                for one in names:
                    self._add(one, [other for other in names if other != one], stem)
            for text, others in self._one_way:
                self._add(tuple(words(text)), [tuple(words(other)) for other in others], stem)
        return self._known.get(tuple(map(stem, name)), ())

    def _add(self, name: Name, others: list[Name], stem: Callable[[str], str]) -> None:
        assert self._known is not None
        if 0 < len(name) <= _LONGEST:
            found = self._known.setdefault(tuple(map(stem, name)), [])
            found += [other for other in others if other and other not in found]


def read(file: Path | None) -> Synonyms:
    """The synonyms of a file; without one those that come with shopctl. Raises BadSynonyms."""
    path = file or BUNDLED
    try:
        with path.open("rb") as opened:
            data = tomllib.load(opened)
    except OSError as error:
        raise BadSynonyms(file=path, reason=error.strerror or str(error)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadSynonyms(file=path, reason=str(error).split("\n", 1)[0]) from None
    if unknown := sorted(data.keys() - {"same", "also"}):
        raise BadSynonyms(file=path, reason=f"it has no part called {unknown[0]}, only same and also")
    same, also = data.get("same", []), data.get("also", {})
    if not isinstance(same, list) or not all(map(_texts, same)):
        raise BadSynonyms(file=path, reason="same must be a list of lists of names")
    if not isinstance(also, dict) or not all(map(_texts, also.values())):
        raise BadSynonyms(file=path, reason="under also each name has a list of names")
    return Synonyms(same, also.items())


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
