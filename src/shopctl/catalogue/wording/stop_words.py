"""Words that say nothing about a product, by language: a search may leave them out."""

from __future__ import annotations

from functools import lru_cache

_WORDS = {
    "english": "a an and are at by for from in is it of on or that the this to with without your",
    "danish": "af den det der en er et for fra i med og pa som til uden",
    "dutch": "aan de der een en het in is met naar of om op te van voor zonder",
    "finnish": "ja joka on se tai",
    "french": "a au aux avec ce d de des du en est et l la le les ou par pour sans sur un une",
    "german": "als am an auf aus bei das dem den der des die ein eine einem einen einer eines fur im in ist mit nach "
    "oder ohne und von vom zu zum zur",
    "italian": "a al alla con d da dal dalla dei del della delle di e il in l la le lo gli i per senza su un una uno",
    "norwegian": "av den det en er et for fra i med og pa som til uten",
    "portuguese": "a ao as com da das de do dos e em o os ou para por sem um uma",
    "romanian": "a al cu de din fara in la pe pentru sau si un o",
    "russian": "без в для до и из к на о от по под с у",
    "spanish": "a al con de del e el en la las lo los o para por sin su un una y",
    "swedish": "av den det en er ett for fran i med och pa som till utan",
    "turkish": "bir icin ile ve veya",
}


@lru_cache(maxsize=4)
def stop_words(language: str) -> frozenset[str]:
    """Those of a language, folded as an index folds words; none for a language without a list."""
    return frozenset(_WORDS.get(language, "").split())
