"""The entry point, and the one place where an error becomes an exit code."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from shopctl.cli.shop import Shop
    from shopctl.kernel.errors import ShopctlError

INTERRUPTED = 130
READER_LEFT = 141
TERMINATED = 143
_NO_ROOM = (errno.EFBIG, errno.ENOSPC, errno.EDQUOT)


def run() -> NoReturn:
    """What the `shopctl` command starts."""
    sys.exit(main())


def main(argv: list[str] | None = None) -> int:
    """Run one command line (without the program's name) and return its exit code; raises nothing."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    # Started without standard streams (`>&-`), Python has none at all; what would be said goes nowhere then.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 - open for as long as the process
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115 - likewise
    failure = _Failure(arguments)
    try:
        try:
            code = _answer(arguments)
            if code is None:
                code = _command(arguments, failure)
        finally:
            # Here and not at the interpreter's exit, where a full disk or a closed pipe would go unreported.
            sys.stdout.flush()
        return code
    except KeyboardInterrupt as left:
        return failure.ended("interrupted", "Interrupted.", INTERRUPTED, left)
    except SystemExit as left:
        if left.code == TERMINATED:
            return failure.ended("terminated", "Terminated.", TERMINATED, left)
        return left.code if isinstance(left.code, int) else 0
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _reader_left():
            return READER_LEFT
        return failure.report(error)


def _answer(arguments: list[str]) -> int | None:
    # These three need no typer, which costs four times as much to import as all they do.
    if arguments[:1] == ["__complete"]:
        from shopctl.cli.complete import complete

        sys.stdout.write(complete(arguments[1:]))
        return 0
    if not arguments or arguments in (["--help"], ["-h"]):
        from shopctl.cli.help import root_help

        print(root_help())
        return 0
    if arguments[0] == "--version" and set(arguments[1:]) <= {"-v", "--verbose"}:
        from shopctl.cli.version import version

        print(version(verbose=len(arguments) > 1))
        return 0
    return None


def _command(arguments: list[str], failure: _Failure) -> int:
    import signal

    from shopctl.cli.app import run as run_command
    from shopctl.cli.shop import Shop

    def terminate(number: int, frame: Any) -> NoReturn:
        raise SystemExit(TERMINATED)

    try:
        before = signal.signal(signal.SIGTERM, terminate)
    except ValueError:  # not the main thread: whoever runs us there keeps his own signals
        before = None
    failure.shop = Shop()
    try:
        return run_command(arguments, failure.shop)
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


class _Failure:
    """How this command line wants to hear of what went wrong."""

    def __init__(self, arguments: list[str]) -> None:
        self.arguments = arguments
        self.shop: Shop | None = None

    @property
    def machine(self) -> bool:
        from shopctl.cli.global_options import typed_value

        parsed = self.shop.globals.output if self.shop is not None else "table"
        output = parsed if parsed != "table" else typed_value(self.arguments, "output")
        return output in ("json", "ndjson")

    @property
    def debug(self) -> bool:
        return "--debug" in self.arguments or (self.shop is not None and self.shop.globals.debug)

    def report(self, error: Exception) -> int:
        """Write an error to standard error and return its exit code."""
        from shopctl.kernel.errors import ShopctlError, one_line

        if self.debug:
            self._write(_traceback(error))
        if isinstance(error, ShopctlError):
            return self._say(error.code, error.message, _advice(error), error.exit_code, error.retryable, error)
        if isinstance(error, OSError) and error.errno in _NO_ROOM and error.filename is None:
            hint = "Free some space, or send the output elsewhere."
            _discard_output()
            return self._say("output.no_room", "No space is left for standard output.", hint, 7, True)
        message = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        hint = "" if self.debug else "Run again with --debug to see where."
        return self._say("internal", f"Internal error: {one_line(message)}", hint, 1, False)

    def ended(self, code: str, message: str, exit_code: int, left: BaseException) -> int:
        """Report that a signal ended the command; a verb that can be gone on with has noted how on the exception."""
        return self._say(code, message, " ".join(getattr(left, "__notes__", [])), exit_code, True)

    def _say(
        self, code: str, message: str, hint: str, exit_code: int, retryable: bool, error: ShopctlError | None = None
    ) -> int:
        message, hint = _redacted(message), _redacted(hint)
        if self.machine:
            import json

            fields: dict[str, object] = {
                "code": code,
                "message": message,
                "hint": hint,
                "retryable": retryable,
                "exit_code": exit_code,
            }
            if error is not None and error.details:
                fields["facts"] = error.details
            self._write(json.dumps({"error": fields}, ensure_ascii=False) + "\n")
        else:
            # Products' data, not masked: an article number may well look like a card's.
            lines = "".join(f"  {line}\n" for line in (error.lines if error else ()))
            self._write(f"error: {message}\n{lines}" + (f"hint: {hint}\n" if hint else ""))
        return exit_code

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            pass  # nobody is left to tell; the exit code still says it


def _advice(error: ShopctlError) -> str:
    advice = error.advice
    # A usage error without a remedy leaves its placeholder.
    return "" if advice == "{remedy}" else advice


def _redacted(text: str) -> str:
    from shopctl.kernel.logging import redact

    return redact(text)


def _traceback(error: Exception) -> str:
    import traceback

    from shopctl.kernel.errors import one_line

    # Never with local variables: they hold passwords and customers' data.
    lines = "".join(traceback.format_exception(error)).split("\n")
    return _redacted("\n".join(one_line(line) for line in lines))


def _discard_output() -> None:
    # What is still waiting would fail again at the interpreter's exit, which then answers with a code of its own (120).
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _reader_left() -> bool:
    """Whether standard output is a pipe that nobody reads any more; then what is left of it is thrown away."""
    import select

    try:
        descriptor = sys.stdout.fileno()
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        left = any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
        if left:
            _discard_output()
    except (OSError, ValueError):
        return False
    return left


if __name__ == "__main__":
    run()
