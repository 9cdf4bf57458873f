"""The action `command` with real programs: what they are told, what becomes of their end, and that they do end."""

from __future__ import annotations

import json
import os
import sys
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from shopctl.provisioning.actions import programs
from shopctl.provisioning.actions.command import CommandAction
from shopctl.provisioning.actions.secrets import Secrets
from shopctl.workflow.ports import Done, Failed, Outcome, Unknown
from support.calls import call

ACTION = CommandAction(Secrets())
NO_OBJECT = "it did it, but what it printed is no JSON object in UTF-8"


def sh(script: str, *more: str, **values: Any) -> dict[str, Any]:
    """A step's `with` that runs a script of the shell."""
    return {"argv": ["/bin/sh", "-c", script, "script", *more], **values}


def run(script: str, *more: str, changes: dict[str, Any] | None = None, **values: Any) -> Outcome:
    return ACTION.perform(call(sh(script, *more, **values), **(changes or {})))


def test_a_program_is_told_all_and_its_object_is_the_output():
    values = {"name": "Åsa\n", "n": [1, None]}

    outcome = run("cat", values=values, changes={"attempt": 2, "undoing": True})

    assert outcome == Done(
        {"run": "run_1", "step": "create", "key": "run_1.create.1", "attempt": 2, "undoing": True, "values": values}
    )


def test_arguments_go_through_no_shell(tmp_path):
    folder = tmp_path / "a folder; with $(spaces)"
    folder.mkdir()
    program = folder / "my program"
    program.write_text(
        f"#!{sys.executable}\nimport json, os, sys\nprint(json.dumps({{'a': sys.argv[1:], 'd': os.getcwd()}}))\n"
    )
    program.chmod(0o755)

    outcome = ACTION.perform(call({"argv": [str(program), "$HOME `id`", "", "ü"], "cwd": str(folder)}))

    assert outcome == Done({"a": ["$HOME `id`", "", "ü"], "d": str(folder)})


@pytest.mark.parametrize(
    ("script", "kind", "code", "message"),
    [
        ("exit 0", Done, "", ""),
        ("echo first >&2; echo ' try later ' >&2; exit 75", Failed, "command.exit_75", "try later"),
        ("echo no such plan >&2; echo >&2; exit 3", Failed, "command.exit_3", "no such plan"),
        ("exit 1", Failed, "command.exit_1", "it ended with 1 and said nothing"),
        ("kill -9 $$", Unknown, "command.killed", "signal 9 ended it"),
        ("echo '[1]'", Unknown, "command.output", NO_OBJECT),
        ("printf '{\"a\": \"\\377\"}'", Unknown, "command.output", NO_OBJECT),
        ("printf '\\377\\033[2Jbad\\377' >&2; exit 2", Failed, "command.exit_2", "�\\x1b[2Jbad�"),
    ],
)  # fmt: skip
def test_how_it_ends_is_what_it_means(script, kind, code, message):
    outcome = run(script)

    assert type(outcome) is kind
    if not isinstance(outcome, Done):
        assert (outcome.code, outcome.message) == (code, message)  # type: ignore[union-attr]
        assert getattr(outcome, "retryable", False) is (code == "command.exit_75")


@pytest.mark.parametrize(
    ("repeat", "status", "kind"),
    [("at_least_once", 75, Failed), ("keyed", 75, Unknown), ("never", 75, Unknown), ("keyed", 3, Failed),
     ("at_least_once", 3, Unknown), ("never", 3, Unknown)],
)  # fmt: skip
def test_a_repeated_call_settles_only_what_it_can_know(repeat, status, kind):
    assert type(run(f"exit {status}", repeat=repeat, changes={"repeated": True})) is kind
    assert ACTION.repetition_of(sh("", repeat=repeat)) == repeat


def test_time_over_ends_all_that_it_started(tmp_path, monkeypatch):
    """The program ignores being asked, and so does its child, which holds the pipes open."""
    monkeypatch.setattr(programs, "_GRACE", 0.3)
    pids = tmp_path / "pids"
    script = 'trap "" TERM; (trap "" TERM; sleep 60) & echo $$ $! > "$1"; echo waiting >&2; wait; sleep 60'
    began = time.monotonic()

    outcome = run(script, str(pids), changes={"seconds": 0.3})

    assert time.monotonic() - began < 3
    assert outcome == Unknown("command.timeout", "it did not end within 0.3 seconds: waiting")
    assert not alive(pids)


def test_one_that_ends_when_asked_is_not_waited_for():
    began = time.monotonic()
    outcome = run("trap 'echo bye >&2; exit 0' TERM; while :; do sleep 0.05; done", changes={"seconds": 0.2})

    assert isinstance(outcome, Unknown)
    assert outcome.message.endswith("bye")
    assert time.monotonic() - began < 1.5


def test_what_is_left_in_the_background_ends_with_the_program(tmp_path):
    pids = tmp_path / "pids"
    began = time.monotonic()

    assert run('sleep 60 & echo $! > "$1"; echo "{\\"a\\": 1}"', str(pids)) == Done({"a": 1})
    assert time.monotonic() - began < 2
    assert not alive(pids)


def test_one_who_got_away_and_writes_on_holds_nobody():
    """It has a session of its own, so that the group's end does not reach it; the closed pipe ends it."""
    began = time.monotonic()

    outcome = run("setsid yes & sleep 0.2; exit 3")

    assert isinstance(outcome, Failed)
    assert time.monotonic() - began < 2


def alive(pids: Path) -> list[str]:
    """Which of these processes are running; one that ended may stay in the table until somebody asks for it."""
    time.sleep(0.05)
    return [pid for pid in pids.read_text().split() if _state(pid) not in ("", "Z", "X")]


def _state(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except FileNotFoundError:
        return ""


@pytest.mark.parametrize("stream", ["1", "2"])
def test_an_endless_output_fills_no_memory(stream):
    tracemalloc.start()
    outcome = run(f"head -c 30000000 /dev/zero >&{stream}; echo end >&2; exit 4")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert most < 8 << 20

    assert outcome == Failed("command.exit_4", "end" if stream == "1" else outcome.message)  # type: ignore[union-attr]
    assert len(outcome.message) <= 300  # type: ignore[union-attr]


def test_too_much_output_of_what_was_done_is_unknown():
    assert isinstance(run("head -c 2000000 /dev/zero"), Unknown)


def test_a_large_input_is_given_and_one_nobody_reads_does_no_harm():
    values = {"text": "ü" * 500_000}
    assert run("exec 0<&-; echo '{}'", values=values) == Done({})
    assert run("wc -c | sed 's/.*/{\"n\": &}/'", values=values).output["n"] > 1_000_000  # type: ignore[union-attr]


@pytest.mark.assure("S18")
def test_secrets_come_by_the_environment_and_stay_out_of_all_that_is_kept(monkeypatch):
    monkeypatch.setenv("DOWN", "s3cret-value")
    monkeypatch.setenv("SHOPCTL_DATABASE_URL", "postgresql://u:other-s3cret@h/d")
    env = {"TOKEN": "env:DOWN"}

    seen = run('printf \'{"t": "%s", "all": "%s"}\' "$TOKEN" "$(env | tr "\\n" " ")"', env=env)
    failed = run('echo "bad token $TOKEN" >&2; exit 1', env=env)
    arguments = run("tr '\\0' ' ' < /proc/$$/cmdline | sed 's/.*/{\"a\": \"&\"}/'", env=env)

    assert isinstance(seen, Done)
    assert seen.output["t"] == "****"
    assert "s3cret" not in json.dumps(seen.output)
    assert "PATH=" in seen.output["all"]
    assert failed == Failed("command.exit_1", "bad token ****")
    assert "s3cret" not in str(arguments)


@pytest.mark.parametrize("argv", [["/no/such/program"], ["/etc/passwd"], ["/bin/echo", "a\0b"]])
def test_what_cannot_be_started_fails_for_sure(argv):
    outcome = ACTION.perform(call({"argv": argv}))

    assert isinstance(outcome, Failed)
    assert outcome.code == "command.not_started"


@pytest.mark.parametrize(
    ("values", "problem"),
    [({}, "argv is missing"), ({"argv": "rm -rf"}, "argv must be a list"), ({"argv": []}, "argv must be"),
     ({"argv": [""]}, "argv names no program"), ({"argv": ["x"], "env": {"A": "plain"}}, "env.A must say where"),
     ({"argv": ["x"], "repeat": "often"}, "repeat must be one of"),
     ({"argv": ["x"], "shell": True}, "there is no shell")],
)  # fmt: skip
def test_a_fault_in_a_definition_is_named(values, problem):
    assert any(problem in line for line in ACTION.problems(values))


def test_many_programs_run_at_once():
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(lambda number: run("cat", values=number), range(40)))

    assert [each.output["values"] for each in outcomes] == list(range(40))  # type: ignore[union-attr]
    assert len(os.listdir("/proc/self/fd")) < 100
