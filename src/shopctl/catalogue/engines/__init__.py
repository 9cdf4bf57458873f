"""Search engines behind `catalogue.ports`; each is imported when it is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopctl.catalogue.engines.errors import EngineMissing

if TYPE_CHECKING:
    from shopctl.catalogue.ports import Engine

NAMES = ("tantivy", "whoosh")


def engine(name: str, language: str = "english") -> Engine:
    """The engine of this name; its stems are those of `language`, or none for `none`. Raises EngineMissing."""
    if name == "tantivy":
        from shopctl.catalogue.engines.tantivy import TantivyEngine

        return TantivyEngine(language)
    if name == "whoosh":
        from shopctl.catalogue.engines.whoosh import WhooshEngine

        return WhooshEngine(language)
    raise EngineMissing(name=name, known=", ".join(NAMES))
