"""The reading half of an import: the feed of P1 from bytes to validated rows in one process, and what each phase costs.

    python benchmarks/feed_reading.py [--rows N] [--dir DIR]

Seconds are of this process's processor time, medians of the rounds; each phase includes the ones before it, the costs
are the differences.
"""

from __future__ import annotations

import gc
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from common import arguments
from feed import feed as feed_of

from shopctl.catalogue.feed.opening import open_feed
from shopctl.catalogue.feed.readers.csv import CsvFeed
from shopctl.catalogue.importing.known import KnownRecords


def opened(path: Path) -> CsvFeed:
    """The feed with its head read."""
    found = open_feed(str(path), default_currency="EUR")
    assert isinstance(found, CsvFeed)
    return found


def read(path: Path) -> None:
    """Bytes alone."""
    with path.open("rb", buffering=0) as file:
        while file.read(192 << 10):
            pass


def split(path: Path) -> None:
    """Cut into records."""
    for _ in opened(path).splitter:
        pass


def hashed(path: Path) -> None:
    """And hashed."""
    found = opened(path)
    for piece in found.splitter:
        found.table.hashes(piece.records)


def parsed(path: Path) -> None:
    """And parsed into cells."""
    found = opened(path)
    for piece in found.splitter:
        found.table.hashes(piece.records)
        found.cells_of(piece, [])


def validated(path: Path) -> None:
    """Rows, as an import gets them."""
    for _ in opened(path).batches():
        pass


PHASES = (read, split, hashed, parsed, validated)


def seconds(work: Callable[[Path], None], path: Path, rounds: int) -> float:
    """Processor time, the median of the rounds."""
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        work(path)
        taken.append(time.process_time() - start)
    return round(median(taken), 2)


def peak_mib() -> int | None:
    """The most memory this process has held so far."""
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="utf-8"))
    except OSError:
        return None
    return int(found[1]) // 1024 if found else None


def main() -> None:
    """Print the phases as one JSON object."""
    parser = arguments(__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, metavar="N")
    options = parser.parse_args()
    written = feed_of(options.dir, options.rows)
    gc.disable()  # as the reading process of an import does: rows hold no cycles
    rounds = options.rounds or 3
    until = {phase.__name__: seconds(phase, written.file, rounds) for phase in PHASES}
    names = list(until)
    costs = {name: round(until[name] - (until[names[at - 1]] if at else 0), 2) for at, name in enumerate(names)}
    peak = peak_mib()
    hashes: list[int] = []
    rejects = 0
    for batch in opened(written.file).batches():
        hashes.extend(row[1] for row in batch.rows)
        rejects += len(batch.rejects)
    unchanged = seconds(
        lambda path: [None for _ in opened(path).batches(KnownRecords(hashes))].clear(), written.file, rounds
    )
    figures = {
        "figure": "feed_reading",
        "rows": len(hashes),
        "rejects": rejects,
        "bytes": written.bytes,
        "seconds": until["validated"],
        "costs": costs,
        "unchanged_seconds": unchanged,
        "peak_mib": peak,
    }
    text = json.dumps(figures, indent=2)
    print(text)
    if options.out is not None:
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
