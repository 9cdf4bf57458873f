"""What a plan says of itself: for whom it was made, from which feed, and what it would do."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from shopctl.catalogue.importing.run import Run
from shopctl.kernel import clock, ids
from shopctl.kernel.clock import Instant

KIND = "plan"  # of document, to whoever signs it


def plan_header(run: Run, *, database_id: str, actor: str, now: Instant) -> dict[str, Any]:
    """The header of the plan that a dry run has made."""
    request = run.request
    return {
        "plan_id": ids.new("pln"),
        "database_id": database_id,
        "made_at": clock.show(now),
        "actor": actor,
        "feed": run.feed_name,
        "source": os.path.basename(request.path),
        "feed_format": run.feed.format,
        "mapping": _mapping(request.mapping),
        "on_error": request.on_error,
        "prune": request.prune,
        "not_pruned": run.not_pruned,
        "counts": run.journal.counts.as_dict(),
        "compared_unchanged": run.plan.unchanged if run.plan else 0,
        "guards": [each.as_dict() for each in run.judged],
    }


def _mapping(path: str | None) -> dict[str, str] | None:
    if path is None:
        return None
    return {"name": os.path.basename(path), "sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest()}
