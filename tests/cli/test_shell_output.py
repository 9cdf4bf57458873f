"""What commands print: formats, tables, colour, help and where the global options may stand."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from fcntl import ioctl
from pathlib import Path

import pytest
import yaml

TINY = Path(__file__).resolve().parent.parent / "support" / "tiny.py"
CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("SHOPCTL_", "CLICOLOR", "NO_COLOR", "COLUMNS"))
}


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(TINY), *words],
        capture_output=True,
        text=True,
        env={**CLEAN, **environment},
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


def on_terminal(*words: str, width: int = 80, typed: bytes = b"", **environment: str) -> str:
    """Run on a terminal of its own and return all it shows."""
    leader, follower = pty.openpty()
    ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    process = subprocess.Popen(
        [sys.executable, str(TINY), *words],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**CLEAN, "TERM": "xterm", **environment},
    )
    os.close(follower)
    if typed:
        os.write(leader, typed)
    shown, end = b"", time.monotonic() + 60
    while time.monotonic() < end:
        ready, _, _ = select.select([leader], [], [], 0.5)
        if ready:
            try:
                part = os.read(leader, 65536)
            except OSError:
                break
            shown += part
            if not part:
                break
        elif process.poll() is not None:
            break
    process.wait(timeout=60)
    os.close(leader)
    return shown.decode().replace("\r\n", "\n")


def test_every_format_carries_every_key():
    plain = json.loads(run("tiny", "list", "-o", "json").stdout)
    assert [row["sku"] for row in plain] == ["MUG-1", "柔-2"]
    assert plain[0]["name"] == "A [bold]blue[/bold] mug\r\nwith \x1b[31mred"
    assert plain[0]["price"] == {"amount": "9.90", "currency": "EUR"}
    assert [json.loads(line) for line in run("tiny", "list", "-o", "ndjson").stdout.splitlines()] == plain
    assert yaml.safe_load(run("tiny", "list", "-o", "yaml").stdout) == plain
    done = subprocess.run([sys.executable, str(TINY), "tiny", "list", "-o", "csv"], capture_output=True, env=CLEAN)
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode(), newline="")))
    assert [{**row, "price": json.loads(row["price"]), "quantity": int(row["quantity"])} for row in rows] == plain
    heading, first, second = run("tiny", "list", "-o", "tsv").stdout.splitlines()
    assert heading.split("\t") == list(plain[0])
    assert first.split("\t")[1] == "A [bold]blue[/bold] mug\\r\\nwith \x1b[31mred"
    assert second.split("\t")[0] == "柔-2"


@pytest.mark.parametrize("output", ["json", "ndjson", "csv", "tsv", "yaml", "table"])
def test_nothing_found_is_no_error(output):
    done = run("tiny", "list", "--kind", "none", "-o", output)
    assert done.returncode == 0
    headings = {"csv": "sku,name,quantity\n", "tsv": "sku\tname\tquantity\n"}
    assert done.stdout == {"json": "[]\n", "yaml": "[]\n", **headings}.get(output, "")
    assert done.stderr == ("no things\n" if output == "table" else "")
    assert run("tiny", "list", "--kind", "none", "--quiet").stderr == ""


def test_a_table_in_a_pipe_is_never_cut_and_reads_no_markup():
    lines = run("tiny", "list", COLUMNS="40").stdout.splitlines()
    assert lines[0].split() == ["sku", "name", "quantity"]
    assert "A [bold]blue[/bold] mug\\r\\nwith \\x1b[31mred" in lines[1]
    assert len(lines) == 3
    long = run("tiny", "list", "--kind", "long", "--limit", "2", COLUMNS="40").stdout.splitlines()
    assert ("words and words " * 12).strip() in long[1]
    assert "…" not in "".join(long)


@pytest.mark.parametrize("width", [80, 120])
def test_a_table_on_a_terminal_fits_and_keeps_numbers_whole(width):
    lines = on_terminal(
        "tiny", "list", "--kind", "long", "--limit", "1200", "--color", "never", width=width
    ).splitlines()
    assert len(lines) == 1201
    assert max(map(len, lines)) <= width
    assert lines[-1].startswith("SKU-1199  words and words")
    assert lines[-1].endswith("…      1199")


def test_one_record_is_shown_a_field_a_line():
    lines = run("tiny", "show", "MUG-1", "--reason", "because").stdout.splitlines()
    assert [line.rstrip() for line in lines] == [
        "sku             MUG-1",
        "name            A [bold]blue[/bold] mug\\r\\nwith \\x1b[31mred",
        "price amount    9.90",
        "price currency  EUR",
        "quantity        3",
        "tags            a, b",
        "reason          because",
        "nothing",
    ]


def test_fields_and_query_pick_from_the_data():
    assert run("tiny", "list", "-o", "csv", "--fields", "quantity,price.amount").stdout == (
        "quantity,price.amount\n3,9.90\n12,100\n"
    )
    assert json.loads(run("tiny", "list", "-o", "json", "--query", "[?quantity > `5`].sku").stdout) == ["柔-2"]
    assert run("tiny", "list", "--query", "[].price.amount").stdout == "9.90\n100\n"
    assert run("tiny", "list", "--query", "length(@)").stdout == "2\n"
    assert json.loads(run("tiny", "list", "-o", "json", "--query", "[9]").stdout) is None
    picked = run("tiny", "list", "-o", "ndjson", "--query", "[].{n: name, s: sku}", "--fields", "s").stdout
    assert json.loads(picked.splitlines()[1]) == {"s": "柔-2"}


def test_a_query_that_compares_text_with_a_number_is_a_usage_error():
    refused = run("tiny", "list", "--query", "[?price.amount > `5`]")
    assert refused.returncode == 2
    assert "to_number(price.amount)" in refused.stderr
    assert run("tiny", "list", "--query", "[?to_number(price.amount) > `10`].sku").stdout == "柔-2\n"


def test_an_envelope_shows_its_rows_as_a_table_and_itself_as_json():
    lines = run("tiny", "search", "mug").stdout.splitlines()
    assert lines[0].split() == ["sku", "price", "amount"]
    assert lines[1].split() == ["MUG-1", "9.90"]
    whole = json.loads(run("tiny", "search", "mug", "-o", "json", "--fields", "sku").stdout)
    assert whole == {"total": 2, "asked": "mug", "hits": [{"sku": "MUG-1"}, {"sku": "柔-2"}]}
    assert len(run("tiny", "search", "mug", "-o", "ndjson").stdout.splitlines()) == 2


def test_global_options_stand_anywhere_and_the_last_one_wins():
    expected = run("tiny", "list", "-o", "json").stdout
    for words in (
        ["-o", "json", "tiny", "list"],
        ["tiny", "-o", "json", "list"],
        ["tiny", "list", "--output=json"],
        ["-o", "csv", "tiny", "list", "-ojson"],
        ["-o", "yaml", "tiny", "-o", "csv", "list", "-o", "json"],
    ):
        assert run(*words).stdout == expected


def test_a_negative_number_is_an_argument():
    assert json.loads(run("tiny", "adjust", "MUG-1", "-3", "-o", "json").stdout) == {"sku": "MUG-1", "by": -3}
    assert run("tiny", "adjust", "MUG-1", "-3", "--bogus").returncode == 2


def test_colour_follows_the_flag_then_the_environment_then_the_terminal():
    assert "\x1b" not in run("tiny", "list").stdout
    assert "\x1b[1m" in run("tiny", "list", "--color", "always").stdout
    assert "\x1b[1m" in run("tiny", "list", CLICOLOR_FORCE="1").stdout
    assert "\x1b" not in run("tiny", "list", CLICOLOR_FORCE="0").stdout
    assert "\x1b" not in run("tiny", "list", CLICOLOR_FORCE="1", NO_COLOR="1").stdout
    assert "\x1b[1m" in on_terminal("tiny", "list")
    assert "\x1b" not in on_terminal("tiny", "list", NO_COLOR="1")
    assert "\x1b" not in on_terminal("tiny", "list", TERM="dumb")
    assert "\x1b" not in on_terminal("tiny", "list", "--color", "never")


def test_json_is_indented_on_a_terminal_only():
    assert '\n  {\n    "sku"' in on_terminal("tiny", "list", "-o", "json")
    assert "\n" not in run("tiny", "list", "-o", "json").stdout.rstrip("\n")


def test_a_question_is_asked_on_a_terminal_and_answered():
    shown = on_terminal("tiny", "ask", typed=b"y\nmain\n")
    assert "Really? [y/N]" in shown
    assert "done" in shown
    assert "Nothing was done" in on_terminal("tiny", "ask", typed=b"\n")
    assert "there is nobody to ask" in on_terminal("tiny", "ask", "--no-input")
    assert "Really" not in on_terminal("tiny", "ask", "--yes", "--confirm", "main")


def test_progress_draws_on_a_terminal_and_is_silent_for_short_work_elsewhere():
    assert "rows/s" in on_terminal("tiny", "work")
    assert run("tiny", "work").stderr == "worked\n"
    assert run("tiny", "work", "--quiet").stderr == ""
    assert "rows/s" not in on_terminal("tiny", "work", "--quiet")


def test_an_encoding_without_the_letters_gets_escapes():
    done = run("tiny", "list", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "\\u67d4-2" in done.stdout
    assert json.loads(run("tiny", "list", "-o", "json", PYTHONIOENCODING="ascii").stdout)[1]["sku"] == "柔-2"


def test_help_names_everything_and_fits_eighty_columns():
    root = run("--help").stdout
    for word in ("catalogue", "init", "tiny", "--query EXPR", "-o, --output table|json"):
        assert word in root
    assert root == run().stdout == run("-h").stdout
    noun = run("tiny", "--help").stdout
    assert re.search(r"^  list +List things\.$", noun, re.MULTILINE)
    verb = run("tiny", "list", "--help").stdout
    assert "--kind all|long|none" in verb
    assert "[default: 50]" in verb
    assert "A second paragraph." in verb
    assert "--query" in verb
    assert "Usage: shopctl tiny adjust SKU BY [OPTIONS]" in run("tiny", "adjust", "--help").stdout
    for text in (root, noun, verb):
        assert max(map(len, text.splitlines())) <= 80
