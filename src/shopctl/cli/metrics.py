"""Figures for Prometheus, as the text that its node exporter reads from a file."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any


def write_metrics(path: Path, tally: Any) -> None:
    """Write what a worker did; the file is replaced at once, so that nobody reads half of it."""
    lines = ["# TYPE shopctl_worker_runs gauge"]
    lines += [f'shopctl_worker_runs{{outcome="{name}"}} {count}' for name, count in tally.shown().items()]
    lines += ["# TYPE shopctl_worker_last_run_seconds gauge", f"shopctl_worker_last_run_seconds {time.time():.0f}"]
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
    draft.rename(path)
