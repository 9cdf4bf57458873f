"""Turns what the benchmarks printed into the figure table of README.

python benchmarks/table.py benchmarks/results        every *.json in there, in order of figure
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

HEAD = ("#", "figure", "measured", "peer, same run", "result", "goal", "reached")


def table(results: list[dict[str, Any]]) -> str:
    """The table as Markdown, and below it where and when each figure was measured."""
    results = sorted(results, key=lambda result: _order(result["figure"]))
    rows = [_row(figure) for result in results for figure in result["figures"]]
    lines = [_line(HEAD), _line(["---"] * len(HEAD)), *map(_line, rows)]
    return "\n".join([*lines, "", *(_where(result) for result in results)])


def _row(figure: dict[str, Any]) -> list[str]:
    peer = figure.get("peer", "")
    if "peer_seconds" in figure:
        peer = f"`{peer}` {_seconds(figure['peer_seconds'])}"
        if note := figure.get("note"):
            peer += f" ({note})"
    return [
        figure["id"],
        figure["what"],
        _seconds(figure["seconds"]) if "seconds" in figure else "",
        peer,
        _amount(figure["value"], figure["unit"]),
        _goal(figure),
        {True: "yes", False: "**no**", None: "–"}[figure["passed"]],
    ]


def _goal(figure: dict[str, Any]) -> str:
    goal = figure.get("goal")
    if goal is None:
        return ""
    words, limit = next(iter(goal.items()))
    if limit == 0:
        return "none"
    return f"{words.replace('_', ' ')} {_amount(limit, figure['unit'])}"


def _amount(value: float, unit: str) -> str:
    if unit == "s":
        return _seconds(value)
    shown = f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}" if value < 10 else f"{value:.1f}"
    return f"{shown} {unit}".strip()


def _seconds(value: float) -> str:
    if value < 1:
        return f"{value * 1000:.0f} ms" if value >= 0.01 else f"{value * 1000:.2g} ms"
    return f"{value:.1f} s" if value < 100 else f"{value:,.0f} s"


def _order(figure: str) -> tuple[int, str]:
    number = re.search(r"\d+", figure)
    return (int(number.group()) if number else 0, figure)


def _where(result: dict[str, Any]) -> str:
    machine = result["machine"]
    busy = f", load {machine['load']}" if machine["load"] > machine["processors"] else ""
    rounds = f", median of {result['rounds']}" if result.get("rounds", 1) > 1 else ""
    return (
        f"{result['figure']}, {result['about']}: {machine['at'][:10]}, {machine['processors']} processors, "
        f"Python {machine['python']}{rounds}{busy}.  "
    )


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main() -> None:
    """Print the table of the results in a folder."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: python benchmarks/table.py FOLDER   (the folder with the benchmarks' JSON outputs)")
    files = sorted(Path(sys.argv[1]).glob("*.json"))
    if not files:
        sys.exit(f"there is no *.json in {sys.argv[1]}: run the benchmarks with --out FILE first")
    print(table([json.loads(file.read_text(encoding="utf-8")) for file in files]))


if __name__ == "__main__":
    main()
