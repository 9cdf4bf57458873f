"""A folder in memory for what tests write: a commit waits for the disk, and tests commit many thousand times."""

from __future__ import annotations

import os
import shutil

FOLDER = "/dev/shm"
ENOUGH = 2 << 30  # bytes free; a whole run keeps far less at a time


def folder_in_memory() -> str | None:
    """Where temporary files cost no disk, if there is such a place with room enough."""
    if os.path.isdir(FOLDER) and os.access(FOLDER, os.W_OK) and shutil.disk_usage(FOLDER).free >= ENOUGH:
        return FOLDER
    return None
