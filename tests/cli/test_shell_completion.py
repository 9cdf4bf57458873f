"""Completion in the shell: what is offered, how it is installed, and that it is silent when something is wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shopctl.cli import complete

TINY = Path(__file__).resolve().parent.parent / "support" / "tiny.py"


def offered(*words: str, cwd: Path | None = None) -> list[str]:
    done = subprocess.run(
        [sys.executable, str(TINY), "__complete", *words], capture_output=True, text=True, cwd=cwd, timeout=60
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return [line.partition("\t")[0] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["cata"], ["catalogue"]),
        (["--ou"], ["--output"]),
        (["-o", ""], ["table", "json", "ndjson", "csv", "tsv", "yaml"]),
        (["tiny", "s"], ["show", "search"]),
        (["-o", "json", "tiny", "s"], ["show", "search"]),
        (["tiny", "list", "--k"], ["--kind"]),
        (["tiny", "list", "--kind", "l"], ["long"]),
        (["tiny", "list", "-o", "n"], ["ndjson"]),
        (["tiny", "list", "--qui"], ["--quiet"]),
        (["tiny", "nosuch", ""], []),
        (["nosuch", ""], []),
    ],
)
def test_names_options_and_choices_are_offered(words, expected):
    assert offered(*words) == expected


def test_every_noun_is_offered_with_its_help():
    done = subprocess.run(
        [sys.executable, "-m", "shopctl", "__complete", ""], capture_output=True, text=True, check=True
    )
    assert "catalogue\tProducts, prices, imports, exports and search." in done.stdout.splitlines()


def test_ids_are_silent_without_a_shop(tmp_path):
    assert offered("tiny", "show", "MU", cwd=tmp_path) == []


def test_ids_that_take_too_long_are_not_waited_for(monkeypatch):
    monkeypatch.setattr(complete._Ids, "_cached", classmethod(lambda cls, of, prefix: time.sleep(2) or [prefix]))
    started = time.monotonic()
    assert complete.complete_sku("MU") == []
    assert time.monotonic() - started < 1


def test_ids_come_from_the_lookup(monkeypatch):
    monkeypatch.setattr(complete._Ids, "_cached", classmethod(lambda cls, of, prefix: [f"{prefix}G-1"]))
    assert complete.complete_sku("MU") == ["MUG-1"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_is_shown_and_installed_once(shell, tmp_path):
    environment = {**os.environ, "HOME": str(tmp_path), "SHELL": f"/bin/{shell}"}
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "ZDOTDIR"):
        environment.pop(name, None)

    def run(*words: str) -> str:
        line = [sys.executable, "-m", "shopctl", "completion", *words]
        return subprocess.run(line, capture_output=True, text=True, check=True, env=environment).stdout

    script = run("show")
    assert "shopctl __complete" in script
    assert str(tmp_path) in run("install", "--shell", shell)
    files = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert script in files.values()
    run("install")
    assert {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()} == files


def test_an_unknown_shell_is_refused():
    line = [sys.executable, "-m", "shopctl", "completion", "show"]
    done = subprocess.run(line, capture_output=True, text=True, env={**os.environ, "SHELL": "/bin/tcsh"})
    assert done.returncode == 2
    assert "--shell bash, zsh or fish" in done.stderr


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_itself_completes(tmp_path):
    launcher = tmp_path / "shopctl"
    launcher.write_text(f'#!/bin/sh\nexec {sys.executable} {TINY} "$@"\n')
    launcher.chmod(0o755)
    script = subprocess.run(
        [sys.executable, "-m", "shopctl", "completion", "show", "--shell", "bash"], capture_output=True, text=True
    ).stdout
    asked = f"""{script}
COMP_WORDS=(shopctl tiny li); COMP_CWORD=2; _shopctl; echo "${{COMPREPLY[@]}}"
COMP_WORDS=(shopctl tiny list --kind ""); COMP_CWORD=4; _shopctl; echo "${{COMPREPLY[@]}}"
"""
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, env=environment)
    assert done.stdout.splitlines() == ["list", "all long none"]
