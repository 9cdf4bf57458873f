"""A child process that reads a feed while its parent writes: batches travel over a pipe as marshalled tuples.

Forking halves the time of an import on two cores, and the cyclic collector, which only costs time over millions of
short-lived tuples, can be off in the child alone.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import marshal
import os
import signal
import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, NoReturn

from shopctl.kernel.errors import ShopctlError

_LENGTH = struct.Struct("<I")
_PIPE_BYTES = 1 << 20
_F_SETPIPE_SZ = 1031  # Linux; other kernels keep their default
_PR_SET_PDEATHSIG = 1
_MARSHAL_VERSION = 2  # later ones look for objects met twice, which costs more than it saves here


class ReaderDied(ShopctlError):
    """The process that reads the feed ended without a word ({how})."""

    code = "catalogue.reader_died"
    hint = "Was it killed for want of memory? Run the import again with --resume."
    retryable = True


class ReaderFailed(ShopctlError):
    """Reading the feed failed: {reason}"""

    code = "catalogue.reader_failed"
    hint = "This is a fault of shopctl: run again with --debug and report it."


def from_child(produce: Callable[[], Iterator[tuple[Any, ...]]]) -> Iterator[tuple[Any, ...]]:
    """Run `produce` in a forked child and yield what it yields, tuples of plain values, in order.

    An error of ours that `produce` raises is raised here again; the child ends when the parent stops reading.
    Raises ReaderDied, ReaderFailed.
    """
    readable, writable = os.pipe()
    _widen(writable)
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    # A signal that came right after the fork would run the parent's handler in the child.
    waiting = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    child = os.fork()
    if child == 0:
        os.close(readable)
        _produce(produce, writable, parent, waiting)
    os.close(writable)
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, waiting)
        with os.fdopen(readable, "rb", buffering=_PIPE_BYTES) as pipe:
            yield from _receive(pipe, child)
    except BaseException:
        # It may be waiting for its input, which may never come.
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        _reap(child)


def _die_with(parent: int) -> None:
    # A bare fork shares its parent's file locks: a child that outlived a killed import would keep the next one waiting.
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _receive(pipe: Any, child: int) -> Iterator[tuple[Any, ...]]:
    while True:
        head = pipe.read(_LENGTH.size)
        if len(head) < _LENGTH.size:
            raise ReaderDied(how=_ended(child))
        kind, content = marshal.loads(pipe.read(_LENGTH.unpack(head)[0]))
        if kind == "item":
            yield content
        elif kind == "error":
            module, name, facts = content
            raise getattr(importlib.import_module(module), name)(**facts)
        elif kind == "fault":
            raise ReaderFailed(reason=content)
        else:
            return


def _produce(
    produce: Callable[[], Iterator[tuple[Any, ...]]], writable: int, parent: int, mask: Iterable[int]
) -> NoReturn:
    # Nothing of the parent may run here: no atexit, no buffered output, no signal handler of the command line.
    status = 1
    try:
        _die_with(parent)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the parent decides, also when both are sent one
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        gc.disable()
        with os.fdopen(writable, "wb", buffering=0) as pipe:
            try:
                for item in produce():
                    _send(pipe, ("item", item))
                _send(pipe, ("end", None))
                status = 0
            except ShopctlError as error:
                facts = {
                    name: fact if isinstance(fact, int | float) else str(fact) for name, fact in error.facts.items()
                }
                _send(pipe, ("error", (type(error).__module__, type(error).__qualname__, facts)))
            except Exception as error:  # the parent reports it; a traceback must not reach the terminal twice
                _send(pipe, ("fault", f"{type(error).__name__}: {error}"))
    finally:
        os._exit(status)


def _send(pipe: Any, message: tuple[str, Any]) -> None:
    data = marshal.dumps(message, _MARSHAL_VERSION)
    view = memoryview(_LENGTH.pack(len(data)) + data)
    while view:
        view = view[pipe.write(view) :]


def _widen(handle: int) -> None:
    with suppress(OSError):  # a smaller pipe is slower, nothing else
        fcntl.fcntl(handle, _F_SETPIPE_SZ, _PIPE_BYTES)


def _ended(child: int) -> str:
    """How the child ended, which is left to be reaped."""
    found = os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert found is not None
    return f"{'exit code' if found.si_code == os.CLD_EXITED else 'signal'} {found.si_status}"


def _reap(child: int) -> None:
    os.waitpid(child, 0)
