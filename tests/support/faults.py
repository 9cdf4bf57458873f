"""Disks that fail on purpose: a library that stands between a process and its file system."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("faults.c")


def library(folder: Path) -> Path:
    """The library, compiled into `folder`; skips the test where there is no compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler here to make a failing disk with")
    made = folder / "faults.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", made, SOURCE, "-ldl"], check=True, capture_output=True)
    return made


def environment(library: Path, database: Path, **limits: int) -> dict[str, str]:
    """What makes a process's disk fail: `full_after` and `write_fails_after` bytes, `sync_fails_after` syncs."""
    names = {f"SHOPCTL_TEST_{name.upper()}": str(limit) for name, limit in limits.items()}
    return {"LD_PRELOAD": os.fspath(library), "SHOPCTL_TEST_FAULT_FILE": os.fspath(database), **names}
