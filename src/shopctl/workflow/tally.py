"""What a worker has done."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass
class Tally:
    """What a worker has done; `remaining` are the runs that are due and that it left."""

    claimed: int = 0
    succeeded: int = 0
    failed: int = 0
    rescheduled: int = 0
    remaining: int = 0

    def shown(self) -> dict[str, int]:
        """{"claimed","succeeded","failed","rescheduled","remaining"}."""
        return asdict(self)
