"""Errors, exit codes and signals, through real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

TINY = Path(__file__).resolve().parent.parent / "support" / "tiny.py"
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("SHOPCTL_", "CLICOLOR", "NO_COLOR"))}


def run(*words: str, folder: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(TINY), *words],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**CLEAN, **environment},
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("words", "code", "message", "hint"),
    [
        (["catalog"], 2, "There is no command 'catalog'.", "Did you mean: shopctl catalogue"),
        (["tyni"], 2, "There is no command 'tyni'.", "Did you mean: shopctl tiny"),
        (["adjust"], 2, "There is no command 'adjust'.", "shopctl tiny adjust"),
        (["qqqqq"], 2, "There is no command 'qqqqq'.", "See: shopctl --help"),
        (["tiny"], 2, "shopctl tiny needs a command.", "One of: list, show, "),
        (["tiny", "lits"], 2, "shopctl tiny has no command 'lits'.", "Did you mean: shopctl tiny list"),
        (["tiny", "list", "--limti", "3"], 2, "shopctl tiny list has no option --limti.", "Did you mean: --limit"),
        (["tiny", "list", "--outptu", "json"], 2, "has no option --outptu.", "Did you mean: --output"),
        (["tiny", "list", "--limit", "x"], 2, "'--limit': 'x' is not a whole number.", "tiny list --help"),
        (["tiny", "list", "--limit", "0"], 2, "'--limit': 0 is not at least 1.", "tiny list --help"),
        (["tiny", "list", "--kind", "lnog"], 2, "'lnog' is not one of all, long, none.", "tiny list --help"),
        (["tiny", "list", "-o", "jsno"], 2, "'jsno' is not one of table, json,", "tiny list --help"),
        (["tiny", "show"], 2, "Missing argument 'SKU'.", "tiny show --help"),
        (["tiny", "show", "a", "b"], 2, "takes fewer arguments", "tiny show --help"),
        (["tiny", "list", "--fields", "suk"], 2, "There is no field 'suk'", "It has: sku, name, price, quantity"),
        (["tiny", "list", "--query", "[["], 2, "'[[' is not a JMESPath expression", "Such as:"),
        (["tiny", "show", "locked"], 11, "Another process holds the lock.", None),
        (["tiny", "show", "partly"], 6, "Some items failed, the rest is done.", None),
        (["tiny", "show", "broken"], 1, "Internal error: RuntimeError: it broke\\nbadly", "Run again with --debug"),
        (["tiny", "ask"], 2, "there is nobody to ask: Really?", "Give --yes."),
        (["tiny", "ask", "--yes"], 2, "there is nobody to ask: the name of the shop", "Give --confirm main"),
        (["tiny", "ask", "--yes", "--confirm", "mani"], 2, "'mani' is not the name of the shop", "--confirm main"),
    ],
)
def test_an_error_is_one_line_and_a_hint_and_its_exit_code(words, code, message, hint):
    done = run(*words)
    lines = done.stderr.splitlines()
    assert done.returncode == code
    assert lines[0].startswith("error: ")
    assert message in lines[0]
    if hint is None:
        assert len(lines) == 1
    else:
        assert len(lines) == 2
        assert lines[1].startswith("hint: ")
        assert hint in lines[1]

    told = run(*words, "-o", "json") if "-o" not in words else run("-o", "json", *words[:2], "--bogus")
    error = json.loads(told.stderr)["error"]
    assert list(error) == ["code", "message", "hint", "retryable", "exit_code"]
    assert error["exit_code"] == told.returncode
    assert error["retryable"] is (code == 11)


@pytest.mark.parametrize("flag", [["-o", "json"], ["-ojson"], ["--output=json"], ["--output", "ndjson"]])
def test_a_line_that_cannot_be_parsed_is_still_answered_in_json(flag):
    for words in (["tiny", "list", "--nope", *flag], [*flag, "tiny", "list", "--nope"], ["nope", *flag]):
        assert json.loads(run(*words).stderr)["error"]["code"] == "usage"


def test_control_characters_are_escaped_and_secrets_masked():
    done = run("tiny", "show", "missing")
    assert done.returncode == 3
    assert done.stderr.splitlines() == [
        "error: The shop at postgresql://ada:****@host/shop \\x1b[31m\\r\\nerror: forged was not found."
    ]
    refused = run("tiny", "show", "x", "--\x1b[31m\nnope")
    assert len(refused.stderr.splitlines()) == 2
    assert "\x1b" not in refused.stderr


def test_a_traceback_comes_only_with_debug_and_without_local_variables():
    assert "Traceback" not in run("tiny", "show", "broken").stderr
    done = run("tiny", "show", "broken", "--debug")
    assert "Traceback" in done.stderr
    assert "hunter3" not in "\n".join(line for line in done.stderr.splitlines() if "password = " not in line)
    assert done.stderr.splitlines()[-1] == "error: Internal error: RuntimeError: it broke\\nbadly"
    assert done.returncode == 1
    assert "Traceback" in run("--debug", "tiny", "show", "missing").stderr


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_signal_lets_the_command_clean_up(number, code, word):
    for output in ("table", "json"):
        started = subprocess.Popen(
            [sys.executable, str(TINY), "tiny", "wait", "-o", output],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=CLEAN,
        )
        assert started.stdout is not None
        assert started.stdout.readline() == "waiting\n"
        started.send_signal(number)
        _, said = started.communicate(timeout=30)
        assert started.returncode == code
        first, last = said.splitlines()
        assert first == "cleaned up"
        assert (
            last == f"error: {word.capitalize()}." if output == "table" else json.loads(last)["error"]["code"] == word
        )


def test_a_reader_that_leaves_is_no_error_to_read_about():
    line = f"{sys.executable} {TINY} tiny list --kind long --limit 20000 -o ndjson | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=CLEAN, timeout=60)
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "141"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_output_that_cannot_be_written_is_an_error():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, str(TINY), "tiny", "list"], stdout=full, stderr=subprocess.PIPE, text=True, env=CLEAN
        )
    assert done.returncode == 7
    assert "No space is left" in done.stderr.splitlines()[0]


def test_a_command_that_needs_a_shop_says_how_to_make_one(tmp_path):
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    done = run("tiny", "needs", folder=tmp_path, **home)
    assert done.returncode == 3
    assert "shopctl init" in done.stderr.splitlines()[1]
    assert "shopctl demo" in done.stderr.splitlines()[1]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("words", [["--help"], ["config", "path"], ["completion", "show", "--shell", "bash"]])
def test_the_interpreter_adds_nothing_when_output_cannot_be_written(words, tmp_path):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [str(Path(sys.executable).parent / "shopctl"), *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=CLEAN,
            cwd=tmp_path,
        )
    assert done.returncode == 7
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["error", "hint"]
