"""Running a program for a step: its own process group, bounded output, and an end when its time is over."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, NamedTuple

LARGEST_OUTPUT = 1 << 20
_LAST_WORDS = 64 << 10  # of standard error
_PIECE = 64 << 10
_PIPE = 2 << 20  # more than a pipe can hold
_LOOK = 0.05  # seconds between looks at whether it has ended
_GRACE = 2.0  # seconds between asking it to end and ending it


class Ended(NamedTuple):
    """How a program ended: `code` is negative for a signal, None where its time was over."""

    code: int | None
    output: bytes  # of standard output, one byte more than `LARGEST_OUTPUT` where there was more
    errors: bytes  # the end of standard error


def run_program(
    argv: Sequence[str], *, given: bytes, environment: Mapping[str, str], folder: str | None, seconds: float
) -> Ended:
    """Run it to its end, with `given` on standard input. Raises OSError and ValueError where it cannot be started.

    What it leaves running in its process group is ended with it, so that nothing works on for a step that is over.
    """
    with subprocess.Popen(
        list(argv),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(environment),
        cwd=folder,
        start_new_session=True,
    ) as program:
        talk = _Talk(program, given)
        try:
            in_time = talk.until(time.monotonic() + seconds)
            if not in_time:
                _tell(program, signal.SIGTERM)
                talk.until(time.monotonic() + _GRACE)
        finally:
            # Before it is waited for: until then nobody else can have its number.
            _tell(program, signal.SIGKILL)
            talk.end()
        code = program.wait()
    return Ended(code if in_time else None, bytes(talk.output), bytes(talk.errors))


class _Talk:
    """Gives and takes what the pipes bear, without waiting for any one of them."""

    def __init__(self, program: subprocess.Popen[bytes], given: bytes) -> None:
        self.output = bytearray()
        self.errors = bytearray()
        self._program = program
        self._given = memoryview(given)
        self._ready = selectors.DefaultSelector()
        for pipe, event in (
            (program.stdin, selectors.EVENT_WRITE),
            (program.stdout, selectors.EVENT_READ),
            (program.stderr, selectors.EVENT_READ),
        ):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            self._ready.register(pipe, event)

    def until(self, deadline: float) -> bool:
        """Talk until it has ended; False where the deadline comes before that."""
        while not self._ended():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._turn(min(left, _LOOK))
        return True

    def end(self) -> None:
        """Take what still lies in the pipes, and close them."""
        for _ in range(_PIPE // _PIECE):  # no more, lest somebody who got away holds us by writing on
            if not self._turn(0):
                break
        for key in list(self._ready.get_map().values()):
            self._drop(key.fileobj)  # type: ignore[arg-type]
        self._ready.close()

    def _turn(self, seconds: float) -> bool:
        """Move what can be moved, waiting so long for the first of it; whether there was anything."""
        ready = self._ready.select(seconds)
        for key, _ in ready:
            pipe: IO[bytes] = key.fileobj  # type: ignore[assignment]
            if pipe is self._program.stdin:
                self._give(pipe)
            else:
                self._take(pipe)
        return bool(ready)

    def _give(self, pipe: IO[bytes]) -> None:
        try:
            self._given = self._given[os.write(pipe.fileno(), self._given[:_PIECE]) :]
        except BlockingIOError:
            return
        except OSError:  # it does not care for what it is told
            self._given = self._given[:0]
        if not self._given:
            self._drop(pipe)

    def _take(self, pipe: IO[bytes]) -> None:
        try:
            piece = os.read(pipe.fileno(), _PIECE)
        except BlockingIOError:
            return
        if not piece:
            self._drop(pipe)
        elif pipe is self._program.stdout:
            self.output += piece[: LARGEST_OUTPUT + 1 - len(self.output)]
        else:
            self.errors += piece
            del self.errors[:-_LAST_WORDS]

    def _drop(self, pipe: IO[bytes]) -> None:
        self._ready.unregister(pipe)
        pipe.close()

    def _ended(self) -> bool:
        # Without taking it from the table of processes, so that its number stays its own.
        return os.waitid(os.P_PID, self._program.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _tell(program: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(program.pid, number)
