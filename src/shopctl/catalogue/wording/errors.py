"""What can go wrong with the words that a search knows."""

from __future__ import annotations

from shopctl.kernel.errors import InvalidData


class BadSynonyms(InvalidData):
    """The synonyms in {file} cannot be used: {reason}."""

    code = "search.synonyms"
    hint = "Mend the file, or take search.synonyms out of the configuration to use those that come with shopctl."
