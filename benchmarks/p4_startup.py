"""P4: how long a shell waits for `--version`, `--help` and completion, beside `python -c 'import typer'`.

python benchmarks/p4_startup.py --rounds 41
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from common import (
    Figure,
    Folder,
    Run,
    arguments,
    compile_bytecode,
    in_turn,
    publish,
    ratio,
    rounded,
    run,
    seconds,
    shopctl,
)
from feed import feed, good_skus
from shops import on_sqlite

LIMIT = 1.3
IDS_LIMIT = 0.15  # seconds, docs: completion of ids takes 150 ms at most
PRODUCTS = 1000
_PEER = "python -c 'import typer'"
_COMMANDS = {
    "--version": ("--version",),
    "--help": ("--help",),
    "completion of a noun": ("__complete", "ca"),
    "completion of a verb": ("__complete", "catalogue", "s"),
    "completion of an option": ("__complete", "catalogue", "import", "--on"),
}


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__.partition("\n")[0] if __doc__ else None)
    parser.set_defaults(rounds=21)
    options = parser.parse_args()
    compile_bytecode("typer", "click", "rich", "shellingham", "pluggy")
    with on_sqlite(options.dir) as shop, Folder(options.dir) as nowhere:
        plain = feed(options.dir, PRODUCTS)
        run([*shopctl(), "catalogue", "import", plain.path, "--on-error", "skip-rows"], cwd=shop.folder, expect=(6,))
        prefix = good_skus(plain.file, 1)[0][:-1]
        sides: dict[str, Callable[[], Run]] = {
            "python -c pass": partial(run, [sys.executable, "-c", "pass"], cwd=nowhere),
            _PEER: partial(run, [sys.executable, "-c", "import typer"], cwd=nowhere),
        }
        for name, words in _COMMANDS.items():
            sides[name] = partial(_said, [*shopctl(), *words], nowhere)
        sides["completion of a SKU"] = partial(
            _said, [*shopctl(), "__complete", "catalogue", "show", prefix], shop.folder
        )
        runs = in_turn(sides, options.rounds)
    times = {name: seconds(each) for name, each in runs.items()}
    peer = times[_PEER]
    figures = [
        ratio("P4", f"shopctl {name}".replace("shopctl c", "c"), times[name], _PEER, peer, LIMIT) for name in _COMMANDS
    ]
    ids = median(times["completion of a SKU"])
    figures.append(Figure("P4", "completion of a SKU in a shop of 1,000 products", ids, "s", IDS_LIMIT, own=ids))
    bare = rounded(median(times["python -c pass"]))
    publish("P4", "start-up, whole process", figures, options.out, rounds=options.rounds, python_alone_seconds=bare)


def _said(command: list[str], cwd: Path) -> Run:
    finished = run(command, cwd=cwd)
    if not finished.stdout.strip():
        sys.exit(f"nothing came from: {' '.join(command)}")  # quick because it did nothing
    return finished


if __name__ == "__main__":
    main()
