"""The action `command`: a program that is told of the step by JSON on its standard input, and answers the same way.

It gets {"run", "step", "key", "attempt", "undoing", "values"} and prints a JSON object, the step's output, or nothing.
Exit 0 means done, 75 (EX_TEMPFAIL of sysexits.h) try later, anything else that it will not do it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from shopctl.kernel.errors import ShopctlError
from shopctl.provisioning.actions.http_request import REPETITIONS
from shopctl.provisioning.actions.outcomes import fit, not_done, not_possible
from shopctl.provisioning.actions.programs import LARGEST_OUTPUT, Ended, run_program
from shopctl.provisioning.actions.secrets import Secrets, is_source
from shopctl.workflow.ports import Call, Done, Failed, Outcome, Repetition, Unknown
from shopctl.workflow.step_values import StepValues

TRY_LATER = 75

# What a program needs to find others and to write its language; nothing that the shop itself was told.
_PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")


@dataclass(frozen=True, slots=True)
class _Program:
    argv: list[str]
    values: Any
    env: Mapping[str, str]
    folder: str
    repeat: Repetition


class CommandAction:
    """Runs programs; relative folders of theirs lie in `folder`, that of the shop."""

    name = "command"
    place: Literal["outside"] = "outside"
    repetition: Repetition = "at_least_once"

    def __init__(self, secrets: Secrets, folder: str = ".") -> None:
        self._secrets = secrets
        self._folder = folder

    def problems(self, values: Mapping[str, Any]) -> list[str]:
        """See `Action`."""
        return _read(values, written=True)[1]

    def repetition_of(self, values: Mapping[str, Any]) -> Repetition:
        """See `OutsideAction`."""
        return _read(values, written=True)[0].repeat

    def perform(self, call: Call) -> Outcome:
        """See `OutsideAction`."""
        program, problems = _read(call.values)
        if problems:
            return not_done(call, "command.with", fit("; ".join(problems)))
        try:
            secrets = {name: self._secrets.get(source) for name, source in program.env.items()}
        except ShopctlError as error:
            return not_possible(call, error)
        told = {
            "run": call.run_id,
            "step": call.step,
            "key": call.key,
            "attempt": call.attempt,
            "undoing": call.undoing,
            "values": program.values,
        }
        try:
            ended = run_program(
                program.argv,
                given=json.dumps(told, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n",
                environment={name: os.environ[name] for name in _PASSED_ON if name in os.environ} | secrets,
                folder=os.path.join(self._folder, program.folder),
                seconds=call.seconds,
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            return not_done(call, "command.not_started", fit(f"{program.argv[0]}: {reason}"))
        return _outcome(call, program, ended, [secret for secret in secrets.values() if secret])


def _read(values: Mapping[str, Any], *, written: bool = False) -> tuple[_Program, list[str]]:
    read = StepValues(values, written=written)
    program = _Program(
        read.texts("argv", needed=True),
        read.data("values", {}),
        read.pairs("env"),
        read.text("cwd", "."),
        read.text("repeat", "at_least_once", choices=REPETITIONS),  # type: ignore[arg-type]
    )
    if program.argv and not program.argv[0]:
        read.wrong("argv", "names no program")
    for name, source in program.env.items():
        if not is_source(source):
            read.wrong(f"env.{name}", "must say where its value comes from: env:NAME, file:PATH, keyring:SERVICE/NAME")
        if not name or "=" in name or "\0" in name:
            read.wrong("env", "holds a name that no variable can have")
    read.end()
    return program, read.problems


def _outcome(call: Call, program: _Program, ended: Ended, secrets: list[str]) -> Outcome:
    last = _last_line(ended.errors)
    if ended.code is None:
        return Unknown("command.timeout", fit(f"it did not end within {call.seconds:g} seconds{last and f': {last}'}"))
    if ended.code < 0:
        return Unknown("command.killed", fit(f"signal {-ended.code} ended it{last and f': {last}'}"))
    if ended.code == 0:
        return _done(ended.output, secrets)
    code, message = f"command.exit_{ended.code}", fit(last or f"it ended with {ended.code} and said nothing")
    if ended.code == TRY_LATER:
        if program.repeat == "at_least_once":
            # It bears being repeated, so whatever an earlier call did needs no clearing up.
            return Failed(code, message, retryable=True)
        return not_done(call, code, message, retryable=True)
    # Under a key it has looked at what it did before; without, it says that of this call alone.
    return Failed(code, message) if program.repeat == "keyed" else not_done(call, code, message)


def _done(output: bytes, secrets: list[str]) -> Outcome:
    """The output, or Unknown: the program has done it, and a failure would have it done again under a new key."""
    if len(output) > LARGEST_OUTPUT:
        return Unknown("command.output", f"it did it, but printed more than {LARGEST_OUTPUT >> 20} MiB")
    text = output.strip()
    try:
        found = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return Unknown("command.output", "it did it, but what it printed is no JSON object in UTF-8")
    return Done(_without(found, secrets))


def _without(found: Any, secrets: list[str]) -> Any:
    """The same without the secrets that the program was given: what is kept must not hold them (S18)."""
    if isinstance(found, str):
        for secret in secrets:
            found = found.replace(secret, "****")
        return found
    if isinstance(found, dict):
        return {_without(key, secrets): _without(value, secrets) for key, value in found.items()}
    return [_without(each, secrets) for each in found] if isinstance(found, list) else found


def _last_line(errors: bytes) -> str:
    lines = [line for line in errors.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""
