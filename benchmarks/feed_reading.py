"""The reading half of P1: a CSV of 1,000,000 products from bytes to validated rows in one process; prints what each phase costs.

python benchmarks/feed_reading.py [--rows N] [--keep FILE]
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from shopctl.catalogue.feed.opening import open_feed
from shopctl.catalogue.feed.readers.csv import CsvFeed

HEADER = "sku,name,description,brand,category,price,currency,stock,weight\n"
WORDS = "steel oak blue small garden kitchen light cover cable black series compact wool frame travel pocket glass water solid".split()
BAD = ["n/a", "-5.00", "9.999", "1e5", "twelve"]


def write_feed(path: Path, rows: int, seed: int = 1) -> None:
    """About 360 bytes a row; SKUs shuffled, 3 % with a quoted newline, 0.1 % with a price that is none."""
    rng = random.Random(seed)
    numbers = list(range(rows))
    rng.shuffle(numbers)
    texts = [" ".join(rng.choices(WORDS, k=44)) for _ in range(997)]
    brands = [f"{word.title()} {number}" for number, word in enumerate(WORDS * 20)]
    categories = [f"{a.title()} > {b.title()}" for a in WORDS[:12] for b in WORDS]
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(HEADER)
        for row, number in enumerate(numbers):
            text = texts[number % 997] + f" No. {number}"
            if row % 100 < 3:
                text = f'"{text[:120]}\n{text[120:]}, and more"'
            price = BAD[row % len(BAD)] if row % 1000 == 500 else f"{rng.randrange(100, 99999) / 100:.2f}"
            file.write(
                f"SKU-{number:07d},{WORDS[number % 19].title()} {WORDS[number % 17]} {number},{text},{brands[number % 380]},"
                f"{categories[number % 228]},{price},EUR,{number % 500},{rng.randrange(1, 9999)}\n"
            )


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return round(time.perf_counter() - start, 2), result


def opened(path: Path) -> CsvFeed:
    feed = open_feed(str(path), default_currency="EUR")
    assert isinstance(feed, CsvFeed)
    return feed


def pieces(feed: CsvFeed) -> Iterator[tuple[list[bytes], Any]]:
    for piece in feed.splitter:
        yield piece.records, piece


def phases(path: Path) -> dict[str, float]:
    """Each phase includes the ones before it; the differences are the costs."""

    def read() -> None:
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 18):
                pass

    def split() -> None:
        for _ in opened(path).splitter:
            pass

    def hashed() -> None:
        feed = opened(path)
        for records, _ in pieces(feed):
            feed._hashes(records)

    def parsed() -> None:
        feed = opened(path)
        for records, piece in pieces(feed):
            feed._hashes(records)
            feed._cells(feed._texts(records, piece.lines, []))

    until = {work.__name__: timed(work)[0] for work in (read, split, hashed, parsed)}
    seconds, (rows, rejects) = timed(lambda: validated(path))
    until["validated"] = seconds
    names = list(until)
    costs = {name: round(until[name] - (until[names[at - 1]] if at else 0), 2) for at, name in enumerate(names)}
    return {
        "rows": rows,
        "rejects": rejects,
        "seconds": seconds,
        **{f"{name}_seconds": cost for name, cost in costs.items()},
    }


def validated(path: Path) -> tuple[int, int]:
    rows = rejects = 0
    for batch in opened(path).batches():
        rows += len(batch.rows)
        rejects += len(batch.rejects)
    return rows, rejects


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="use this file, written first if absent")
    options = parser.parse_args()
    gc.disable()  # as the forked reader of an import does: rows hold no cycles
    with tempfile.TemporaryDirectory() as folder:
        path = options.keep or Path(folder) / "feed.csv"
        if not path.exists():
            write_feed(path, options.rows)
        figures: dict[str, Any] = {"figure": "feed_reading", "bytes": path.stat().st_size, **phases(path)}
        hashes: set[int] = set()
        for batch in opened(path).batches():
            hashes.update(row[1] for row in batch.rows)
        figures["peak_mb_reading"] = None
        seconds, _ = timed(lambda: sum(len(batch.known) for batch in opened(path).batches(hashes)))
        figures["unchanged_seconds"] = seconds
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    json.dump(figures, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
