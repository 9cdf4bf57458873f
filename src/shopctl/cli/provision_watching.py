"""Watching runs: a live screen on a terminal, a line for each change elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from shopctl.cli.provision_drawing import drawn_run, history_line

if TYPE_CHECKING:
    from shopctl.cli.shop import Shop

_PAUSE = 0.3
_OVER = ("completed", "failed", "cancelled", "parked")
VERIFY_WITHIN = 60.0  # seconds; a step that has to wait for longer has not passed


def watched(shop: Shop, run_id: str, seconds: float | None) -> tuple[str, Any]:
    """Show a run until it has ended or `seconds` have passed; the state in which it was left, and its error."""
    if shop.output == "table" and sys.stdout.isatty():
        return _live(shop, run_id, seconds)
    told = 0
    for found in _looked(shop, run_id, seconds):
        for entry in found["history"][told:]:
            if shop.output == "table":
                print(history_line(entry).strip(), flush=True)
            else:
                import json

                print(json.dumps({"run_id": run_id, **entry}, ensure_ascii=False), flush=True)
        told = len(found["history"])
    return str(found["state"]), found["error"]


def verified(shop: Shop, run_ids: list[str]) -> int:
    """Wait until each run has ended or goes on to wait for somebody; how many have not passed what they stood at."""
    failed = 0
    for run_id in run_ids:
        for found in _looked(shop, run_id, VERIFY_WITHIN):
            standing = [step for step in found["steps"] if step["state"] in ("retrying", "failed", "unknown")]
            if not standing and found["state"] in ("waiting", "completed"):
                break
        else:
            failed += found["state"] != "completed"
    return failed


def _looked(shop: Shop, run_id: str, seconds: float | None) -> Any:
    deadline = None if seconds is None else time.monotonic() + seconds
    while True:
        found = shop.services.provisioning.show(run_id)
        yield found
        if found["state"] in _OVER or (deadline is not None and time.monotonic() >= deadline):
            return
        time.sleep(_PAUSE)


def _live(shop: Shop, run_id: str, seconds: float | None) -> tuple[str, Any]:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(highlight=False)
    with Live(console=console, refresh_per_second=4, transient=False) as live:
        for found in _looked(shop, run_id, seconds):
            shown = {**found, "history": found["history"][-8:]}
            live.update(Text(drawn_run(shown), no_wrap=True, overflow="ellipsis"))
    return str(found["state"]), found["error"]
