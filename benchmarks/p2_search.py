"""P2: search in process, 1 to 3 words, top 10, and with a price filter and five facet counts, beside tantivy alone.

    python benchmarks/p2_search.py                    100,000 products
    python benchmarks/p2_search.py --rows 1000000

The peer runs the very query that shopctl runs, on the same index, and fetches nothing but ids and scores; then it
counts the facets, which shopctl does beside the query where the catalogue is large.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from common import Figure, announce, arguments, compile_bytecode, publish, run, shopctl
from feed import ADJECTIVES, NOUNS, feed

from shopctl.bootstrap import Services
from shopctl.catalogue.engines import tantivy as engine
from shopctl.catalogue.searching import SearchRequest
from shopctl.kernel.settings import load_settings

_MORE_MS = 1.0  # that shopctl may take beside the peer
_P99_MS = 10.0
_SEED = 20261124
_FACETS = ("brand", "category", "kind", "tag", "attributes.weight")


def main() -> None:
    """Measure and print."""
    options = _options()
    compile_bytecode("tantivy")
    services = Services(load_settings(_shop(options.dir, options.rows), {}))
    dice = random.Random(_SEED)
    questions = [
        " ".join([*dice.sample(ADJECTIVES, dice.randrange(3)), dice.choice(NOUNS)]) for _ in range(options.rounds)
    ]
    figures = []
    for what, more in (
        ("plain", {}),
        ("with five facets", {"facets": _FACETS}),
        ("with a price filter and five facets", {"facets": _FACETS, "where": ("price<50",)}),
    ):
        announce(f"{what} …")
        figures += _measure(services, questions, what, more, f"{options.rows:,} products")
    services.close()
    publish("P2", "search in process", figures, options.out, products=options.rows, questions=len(questions))


def _options() -> argparse.Namespace:
    parser = arguments(__doc__.partition("\n")[0] if __doc__ else None)
    parser.set_defaults(rounds=200)
    parser.add_argument("--rows", type=int, default=100_000, metavar="N", help="products in the shop")
    return parser.parse_args()


def _shop(folder: Path, rows: int) -> Path:
    """A shop with an index, made once and taken again."""
    place = folder / f"search-{rows}"
    if not (place / "ready").exists():
        plain = feed(folder, rows)
        place.mkdir(parents=True, exist_ok=True)
        run([*shopctl(), "init"], cwd=place)
        run([*shopctl(), "catalogue", "import", plain.path, "--on-error", "skip-rows"], cwd=place, expect=(6,))
        (place / "ready").touch()
    run([*shopctl(), "catalogue", "reindex"], cwd=place)
    return place


def _measure(services: Services, questions: list[str], what: str, more: dict[str, Any], size: str) -> list[Figure]:
    own: list[float] = []
    peer: list[float] = []
    with _recorded() as calls:
        for question in [*questions[:10], *questions]:  # the first ones warm up
            calls.clear()
            own.append(_milliseconds(lambda text=question: _asked(services, text, more)))
            again = list(calls.values())
            peer.append(_milliseconds(lambda calls=again: [call() for call in calls]))
    own, peer = own[10:], peer[10:]
    difference = median(mine - theirs for mine, theirs in zip(own, peer, strict=True))
    note = f"median {median(own):.2f} ms, the peer's {median(peer):.2f} ms"
    return [
        Figure(
            "P2", f"{what}, {size}: more than the peer", difference, "ms", _MORE_MS, peer="tantivy alone", note=note
        ),
        Figure("P2", f"{what}, {size}: p99", quantiles(own, n=100)[-1], "ms", _P99_MS),
    ]


def _asked(services: Services, text: str, more: dict[str, Any]) -> None:
    if services.search.search(SearchRequest(text, currency="EUR", **more))["lag"]:
        sys.exit("the index lags behind")  # quick because it has less to look through


@contextmanager
def _recorded() -> Iterator[dict[str, Callable[[], Any]]]:
    """The query that found the hits, and the count of its facets, as calls of tantivy alone, one after the other."""
    calls: dict[str, Callable[[], Any]] = {}
    find, counting = engine.TantivyIndex.find, engine.TantivyIndex.counting

    def found(self: Any, question: Any, limit: int) -> Any:
        if question.text:
            query, searcher = engine.query_of(question, self._language), self._searcher
            calls["find"] = lambda: searcher.search(query, limit).hits
        return find(self, question, limit)

    def counted(self: Any, question: Any, columns: Any, most: int) -> Any:
        query, searcher = engine.query_of(question, self._language), self._searcher
        terms = {str(number): engine.counted(field, key, 100) for number, (field, key) in enumerate(columns)}
        calls["count"] = lambda: searcher.aggregate(query, terms)
        return counting(self, question, columns, most)

    engine.TantivyIndex.find, engine.TantivyIndex.counting = found, counted  # type: ignore[method-assign]
    try:
        yield calls
    finally:
        engine.TantivyIndex.find, engine.TantivyIndex.counting = find, counting  # type: ignore[method-assign]


def _milliseconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
