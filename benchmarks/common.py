"""Times whole processes in pairs (A B A B …), samples the memory of process trees, sets figures against goals."""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MIB = 1 << 20
_SAMPLE_SECONDS = 0.1  # reading a process's page tables holds its memory lock, so not oftener


@dataclass(frozen=True)
class Run:
    """One process from its start to its end.

    `processor_seconds` is what it and its descendants computed, `peak_bytes` the largest sum of memory they were seen
    to hold at one moment.
    """

    seconds: float
    processor_seconds: float
    exit_code: int
    stdout: str
    stderr: str
    peak_bytes: int | None

    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.stdout)


def environment(**more: str) -> dict[str, str]:
    """The environment of every process timed: nothing of ours in it, and bytecode may be kept."""
    left_out = ("PYTHONDONTWRITEBYTECODE", "PYTHONPROFILEIMPORTTIME", "PYTHONDEVMODE", "PYTHONSTARTUP")
    kept = {
        name: value for name, value in os.environ.items() if name not in left_out and not name.startswith("SHOPCTL_")
    }
    return kept | more


def shopctl() -> list[str]:
    """The command under test: the script installed beside this interpreter."""
    script = Path(sys.executable).with_name("shopctl")
    if script.exists():
        return [str(script)]
    if find_spec("shopctl") is None:
        sys.exit("shopctl is not installed beside this interpreter: run it with the one of .venv (make test builds it)")
    return [sys.executable, "-m", "shopctl"]


def compile_bytecode(*packages: str) -> None:
    """Compile what is going to be imported, so that no run pays for it and none profits from another."""
    for package in ("shopctl", *packages):
        found = find_spec(package)
        if found is not None and found.submodule_search_locations:
            for folder in found.submodule_search_locations:
                compileall.compile_dir(folder, quiet=2)


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    memory: bool = False,
    stdin: str | None = None,
    expect: Sequence[int] | None = (0,),
    env: Mapping[str, str] | None = None,
) -> Run:
    """Run a process to its end; ends the benchmark unless its exit code is one of `expect` (None: any will do)."""
    words = [str(word) for word in command]
    computed, began = _computed(), time.perf_counter()
    process = subprocess.Popen(
        words,
        cwd=cwd,
        env=environment() if env is None else dict(env),
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    memory_of = _Memory(process.pid) if memory else None
    stdout, stderr = process.communicate(stdin)
    seconds = time.perf_counter() - began
    peak = memory_of.peak() if memory_of is not None else None
    if expect is not None and process.returncode not in expect:
        said = "\n".join((stderr or stdout).strip().splitlines()[-5:])
        sys.exit(f"exit {process.returncode} from: {' '.join(words)}\n{said}")
    return Run(seconds, _computed() - computed, process.returncode, stdout, stderr, peak)


def _computed() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class _Memory:
    """The largest sum of memory that a process and its descendants were seen to hold at one moment.

    Proportional set size where the kernel shows it, so that pages shared after a fork count once; else resident size.
    """

    def __init__(self, root: int) -> None:
        self.root = root
        self.largest = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def peak(self) -> int | None:
        """Bytes, or None where there is no /proc."""
        self.ended.set()
        self.thread.join()
        return self.largest or None

    def _watch(self) -> None:
        while not self.ended.is_set():
            self.largest = max(self.largest, sum(_held(pid) for pid in _tree(self.root)))
            self.ended.wait(_SAMPLE_SECONDS)


def _tree(root: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            # The name stands in parentheses and may hold anything, the parent's id is the second word behind them.
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        parents.setdefault(parent, []).append(int(entry.name))
    found = [root]
    for pid in found:
        found.extend(parents.get(pid, ()))
    return found


def _held(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def in_turn(sides: Mapping[str, Callable[[], Run]], rounds: int, *, warm_up: bool = True) -> dict[str, list[Run]]:
    """Run every side once a round, in order (A B A B …), after a round that does not count."""
    if warm_up:
        for side in sides.values():
            side()
    runs: dict[str, list[Run]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            runs[name].append(side())
    return runs


def seconds(runs: Sequence[Run]) -> list[float]:
    """How long each of them took."""
    return [each.seconds for each in runs]


@dataclass
class Figure:
    """One measured figure with its goal; `value` is compared with `limit`, nothing is rounded before."""

    id: str
    what: str
    value: float
    unit: str  # × for a ratio, else MB, s or rows
    limit: float | None
    at_most: bool = True
    peer: str = ""
    own: float | None = None  # seconds, median
    peer_own: float | None = None  # seconds, median
    ratios: list[float] = field(default_factory=list)
    note: str = ""

    @property
    def passed(self) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        if self.limit is None:
            return None
        return self.value <= self.limit if self.at_most else self.value >= self.limit

    def data(self) -> dict[str, Any]:
        """As JSON shows it."""
        goal = None if self.limit is None else {"at_most" if self.at_most else "at_least": self.limit}
        shown = {
            "id": self.id,
            "what": self.what,
            "value": rounded(self.value),
            "unit": self.unit,
            "goal": goal,
            "passed": self.passed,
            "seconds": rounded(self.own),
            "peer": self.peer,
            "peer_seconds": rounded(self.peer_own),
            "ratios": [rounded(ratio) for ratio in self.ratios],
            "note": self.note,
        }
        return {name: value for name, value in shown.items() if value not in (None, "", []) or name == "passed"}


def ratio(
    name: str,
    what: str,
    own: Sequence[float],
    peer: str,
    peer_own: Sequence[float],
    limit: float | None,
    *,
    faster: bool = False,
    note: str = "",
) -> Figure:
    """Own time over the peer's, pair by pair, and the median of that; `faster` turns it round (times as fast)."""
    pairs = zip(own, peer_own, strict=True)
    ratios = [theirs / ours if faster else ours / theirs for ours, theirs in pairs]
    return Figure(
        id=name,
        what=what,
        value=median(ratios),
        unit="×",
        limit=limit,
        at_most=not faster,
        peer=peer,
        own=median(own),
        peer_own=median(peer_own),
        ratios=ratios,
        note=note,
    )


def rounded(value: float | None) -> float | None:
    """Four digits are more than a shared machine can tell apart."""
    return None if value is None else float(f"{value:.4g}")


def machine() -> dict[str, Any]:
    """Where and when this was measured, for whoever compares two outputs."""
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load": rounded(os.getloadavg()[0]),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def arguments(doc: str | None) -> argparse.ArgumentParser:
    """The options every script has."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--dir", type=Path, default=Path(tempfile.gettempdir()) / "shopctl-benchmarks", metavar="DIR",
                        help="where generated files and databases go (default: %(default)s)")  # fmt: skip
    parser.add_argument("--rounds", type=int, metavar="N", help="how many pairs (default: %(default)s)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the JSON object there as well")
    return parser


def announce(text: str) -> None:
    """Say on standard error what goes on, since some of it takes minutes."""
    print(text, file=sys.stderr, flush=True)


def publish(figure: str, about: str, figures: Sequence[Figure], out: Path | None, **more: Any) -> None:
    """Print the one JSON object of a script, and keep it in `out`."""
    result = {
        "figure": figure,
        "about": about,
        "machine": machine(),
        **more,
        "figures": [each.data() for each in figures],
    }
    # A list of numbers stands on one line.
    text = re.sub(
        r"\[[\s\d.,e-]+\]", lambda found: " ".join(found[0].split()), json.dumps(result, indent=2, ensure_ascii=False)
    )
    print(text)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text + "\n", encoding="utf-8")


class Folder:
    """A folder of its own for one run, empty at first and gone afterwards."""

    def __init__(self, parent: Path) -> None:
        parent.mkdir(parents=True, exist_ok=True)
        self.path = Path(tempfile.mkdtemp(prefix="run-", dir=parent))

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *raised: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def settle() -> None:
    """Let the disk finish what earlier runs left it, so that no run waits for another's writes."""
    os.sync()
