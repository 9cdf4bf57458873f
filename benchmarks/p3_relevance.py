"""P3: how good search is by people's judgments, plain and with a typo in each query, beside its peers.

python benchmarks/p3_relevance.py                 the judgments that lie beside the checkout
python benchmarks/p3_relevance.py --data FOLDER   products.csv.gz and judgments.csv of another folder

The peers are what a shop would build by hand: the same fields with weights, every word first and then any of them.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import json
import re
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from statistics import fmean
from typing import Any

import tantivy
from common import ROOT, Figure, Folder, announce, arguments, publish, run, shopctl
from whoosh import fields, index, qparser
from whoosh.analysis import StemmingAnalyzer
from whoosh.filedb.filestore import RamStorage

from shopctl.bootstrap import Services
from shopctl.catalogue import judging
from shopctl.kernel.settings import load_settings

_WEIGHTS = {"name": 5.0, "brand": 4.0, "details": 1.2, "description": 1.0}
_ENOUGH = 10
_DEEP = 20_000  # hits looked through for judged ones
_GOALS = {"plain": 0.87, "typo": 0.72, "judged": 0.89}

Ranking = Callable[[str, Mapping[str, float]], list[str]]
"""SKUs best first, for a query; the judged ones may be asked for."""


def main() -> None:
    """Measure and print."""
    options = _options()
    judgments = {query: ratings for query, ratings in _judgments(options.data).items() if any(ratings.values())}
    with Folder(options.dir) as folder, gzip.open(options.data / "products.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
        announce(f"{len(rows):,} products, {len(judgments)} queries")
        rankings: dict[str, Ranking] = {"shopctl": _shopctl(folder, options.data)}
        rankings |= {"tantivy": _tantivy(rows), "FTS5": _fts5(rows), "whoosh": _whoosh(rows)}
        measured = {name: _measured(ranking, judgments, options.typos) for name, ranking in rankings.items()}
    figures = [
        Figure("P3", f"{name}, {form}", figures[form], "NDCG@10", _GOALS[form] if name == "shopctl" else None, False)
        for name, figures in measured.items()
        for form in ("plain", "typo", "judged")
    ]
    publish("P3", "relevance", figures, options.out, queries=len(judgments), typo_seeds=options.typos, halves={
        name: {form: value for form, value in found.items() if "half" in form} for name, found in measured.items()
    })  # fmt: skip


def _options() -> argparse.Namespace:
    parser = arguments(__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "relevance", metavar="FOLDER")
    parser.add_argument("--typos", type=int, default=3, metavar="N", help="so many seeds of typos; their mean counts")
    options = parser.parse_args()
    if not (options.data / "judgments.csv").exists():
        sys.exit(f"there are no judgments in {options.data}; name another folder with --data")
    return options


def _judgments(data: Path) -> judging.Judgments:
    return judging.read(str(data / "judgments.csv"))


def _measured(ranking: Ranking, judgments: judging.Judgments, seeds: int) -> dict[str, float]:
    def scores(typed: Callable[[str], str]) -> dict[str, judging.Score]:
        return {
            query: judging.score(query, found := ranking(typed(query), ratings), ratings, len(found))
            for query, ratings in judgments.items()
        }

    plain = scores(str)
    typo = [scores(lambda query, seed=seed: judging.mistyped(query, seed)) for seed in range(seeds)]
    # Two halves, by a hash: what was tuned to the one would not show in the other.
    halves = [[q for q in judgments if hashlib.sha256(q.encode()).digest()[0] % 2 == half] for half in (0, 1)]
    return {
        "plain": fmean(one.ndcg for one in plain.values()),
        "judged": fmean(one.judged for one in plain.values()),
        "typo": fmean(one.ndcg for each in typo for one in each.values()),
        **{f"half {n}": round(fmean(plain[query].ndcg for query in half), 4) for n, half in enumerate(halves, 1)},
    }


def _shopctl(folder: Path, data: Path) -> Ranking:
    run([*shopctl(), "init"], cwd=folder)
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".csv") as plain:
        plain.write(gzip.decompress((data / "products.csv.gz").read_bytes()))
        plain.flush()
        run([*shopctl(), "catalogue", "import", plain.name], cwd=folder)
    services = Services(load_settings(folder, {}))
    return lambda query, ratings: services.search.ranking(query, ratings)[1]


def _details(row: Mapping[str, str]) -> str:
    pairs = json.loads(row["attributes"] or "{}")
    return " ".join([row["mpn"], *(f"{key} {value}" for key, value in pairs.items())])


def _fields(row: Mapping[str, str]) -> dict[str, str]:
    return {name: _details(row) if name == "details" else row[name] for name in _WEIGHTS}


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"[^\W_]+", text.lower())))


def _then(every: list[str], any_word: Callable[[], list[str]]) -> list[str]:
    """Those with every word, and when they are few, those with any behind them."""
    return every if len(every) >= _ENOUGH else list(dict.fromkeys(every + any_word()))


def _tantivy(rows: list[dict[str, str]]) -> Ranking:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("sku", stored=True, tokenizer_name="raw")
    for name in _WEIGHTS:
        builder.add_text_field(name, tokenizer_name="en_stem")
    found = tantivy.Index(builder.build())
    writer = found.writer()
    for row in rows:
        writer.add_document(tantivy.Document(sku=row["sku"], **_fields(row)))
    writer.commit()
    found.reload()
    searcher = found.searcher()

    def asked(text: str, every: bool) -> list[str]:
        query = found.parse_query(
            " ".join(_words(text)), list(_WEIGHTS), field_boosts=_WEIGHTS, conjunction_by_default=every
        )
        return [searcher.doc(place)["sku"][0] for _, place in searcher.search(query, _DEEP).hits]

    return lambda text, _: _then(asked(text, True), lambda: asked(text, False))


def _fts5(rows: list[dict[str, str]]) -> Ranking:
    database = sqlite3.connect(":memory:")
    database.execute(
        f"create virtual table product using fts5(sku unindexed, {', '.join(_WEIGHTS)}, tokenize='porter')"
    )
    marks = ", ".join("?" * (1 + len(_WEIGHTS)))
    database.executemany(
        f"insert into product values ({marks})", [(row["sku"], *_fields(row).values()) for row in rows]
    )
    weights = ", ".join(map(str, _WEIGHTS.values()))

    def asked(text: str, joined: str) -> list[str]:
        words = joined.join(f'"{word}"' for word in _words(text))
        sql = f"select sku from product where product match ? order by bm25(product, 0, {weights}) limit {_DEEP}"
        with closing(database.execute(sql, (words,))) as found:
            return [sku for (sku,) in found]

    return lambda text, _: _then(asked(text, " "), lambda: asked(text, " OR "))


def _whoosh(rows: list[dict[str, str]]) -> Ranking:
    texts: dict[str, Any] = {
        name: fields.TEXT(analyzer=StemmingAnalyzer(), field_boost=weight) for name, weight in _WEIGHTS.items()
    }
    found: index.FileIndex = RamStorage().create_index(fields.Schema(sku=fields.ID(stored=True), **texts))
    writer = found.writer(limitmb=256)
    for row in rows:
        writer.add_document(sku=row["sku"], **_fields(row))
    writer.commit()
    searcher = found.searcher()

    def asked(text: str, group: Any) -> list[str]:
        query = qparser.MultifieldParser(list(_WEIGHTS), found.schema, group=group).parse(" ".join(_words(text)))
        return [hit["sku"] for hit in searcher.search(query, limit=_DEEP)]

    return lambda text, _: _then(asked(text, qparser.AndGroup), lambda: asked(text, qparser.OrGroup))


if __name__ == "__main__":
    main()
