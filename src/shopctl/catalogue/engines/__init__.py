"""Search engines behind `catalogue.ports`; each is imported when it is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopctl.catalogue.engines.errors import EngineMissing, EngineNotInstalled

if TYPE_CHECKING:
    from shopctl.catalogue.ports import Engine

NAMES = ("tantivy", "whoosh")


_PACKAGES = {"tantivy": "tantivy", "whoosh": "whoosh-reloaded"}


def engine(name: str, language: str = "english") -> Engine:
    """The engine of this name; its stems are those of `language`, or none for `none`.

    Raises EngineMissing, and EngineNotInstalled where the library behind it is absent or made for another machine.
    """
    try:
        if name == "tantivy":
            from shopctl.catalogue.engines.tantivy import TantivyEngine

            return TantivyEngine(language)
        if name == "whoosh":
            from shopctl.catalogue.engines.whoosh import WhooshEngine

            return WhooshEngine(language)
    except ImportError as error:
        if (error.name or name).startswith("shopctl"):
            raise
        [other] = set(NAMES) - {name}
        raise EngineNotInstalled(name=name, reason=str(error), package=_PACKAGES[name], other=other) from None
    raise EngineMissing(name=name, known=", ".join(NAMES))
