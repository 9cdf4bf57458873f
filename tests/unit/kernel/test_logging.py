"""What a log line looks like, what never stands in it, and that silence costs nothing."""

from __future__ import annotations

import json
import logging as standard
import subprocess
import sys

import pytest

from shopctl.kernel import logging, redaction
from shopctl.kernel.settings import load_settings


@pytest.fixture
def configure(tmp_path):
    """Configure logging by environment variables; undone after the test."""
    root, own = standard.getLogger(), standard.getLogger("shopctl")
    before = (root.handlers[:], root.level, own.level, standard.raiseExceptions)
    state = dict(vars(logging._State))

    def configure(**environ: str) -> None:
        logging.configure(load_settings(tmp_path, {f"SHOPCTL_{name}": text for name, text in environ.items()}))

    yield configure
    root.handlers[:], root.level, own.level, standard.raiseExceptions = before
    for name in ("level", "format", "attached", "command"):
        setattr(logging._State, name, state[name])
    redaction._literals.clear()


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()


def test_a_text_line_has_time_level_id_message_and_facts(configure, capsys):
    configure(LOG__LEVEL="info")
    with logging.identified("run_1"):
        logging.info("step done", step="reserve", took_ms=12, note="two words")
    (line,) = lines(capsys)
    time, rest = line.split(" ", 1)
    assert time.endswith("Z")
    assert rest == 'info run_1 shopctl: step done step=reserve took_ms=12 note="two words"'


def test_a_json_line_has_the_same(configure, capsys):
    configure(LOG__LEVEL="info", LOG__FORMAT="json")
    with logging.identified("run_1"):
        logging.info("step done", took_ms=12, facts={"a": [1, None, True]})
    (line,) = lines(capsys)
    found = json.loads(line)
    assert list(found)[:5] == ["time", "level", "id", "logger", "message"]
    assert found["time"].endswith("Z")
    del found["time"]
    assert found == {
        "level": "info",
        "id": "run_1",
        "logger": "shopctl",
        "message": "step done",
        "took_ms": 12,
        "facts": {"a": [1, None, True]},
    }


def test_outside_of_a_run_the_lines_of_one_command_share_an_id(configure, capsys):
    configure()
    logging.warning("one")
    with logging.identified("req_1"):
        logging.warning("two")
    logging.warning("three")
    one, two, three = (line.split(" ")[2] for line in lines(capsys))
    assert one == three
    assert one.startswith("cmd_")
    assert two == "req_1"


def test_lines_below_the_level_are_left_out(configure, capsys):
    configure()
    logging.debug("no")
    logging.info("no")
    logging.warning("yes")
    logging.error("yes")
    assert [line.split(" ")[1] for line in lines(capsys)] == ["warning", "error"]


@pytest.mark.assure("S18")
@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_in_a_message_can_forge_a_line_or_act_on_the_terminal(configure, capsys, form):
    configure(LOG__FORMAT=form)
    logging.warning("a\r\nb\x1b[31m\x9b1mc\u2028d\x00", **{"fa\nct": "e\nf\x1b]0;x\x07"})
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert err[:-1].isprintable()


@pytest.mark.assure("S18")
@pytest.mark.parametrize("form", ["text", "json"])
def test_secrets_stand_neither_in_messages_nor_facts_nor_tracebacks(configure, capsys, form):
    configure(
        LOG__FORMAT=form,
        DATABASE_URL="postgresql://u:c4narypassword@h/d",
        PAYMENTS__STRIPE__WEBHOOK_SECRETS="c4naryone,c4narytwo",
    )
    try:
        raise ValueError("cannot use sk_test_c4narystripe")
    except ValueError as cause:
        logging.error(
            "refused postgresql://u:c4nary@h",
            cause,
            password="c4nary",
            url="https://a:c4nary@h",
            mail="c4nary@example.com",
            nested={"client_secret": "c4nary", "list": ["token=c4nary"]},
            card=4242424242424242,
            raw="plain c4narypassword c4naryone c4narytwo",
        )
    (line,) = lines(capsys)
    assert "c4nary" not in line
    assert "4242424242424242" not in line
    assert "ValueError: cannot use ****" in line


def test_what_a_dependency_logs_goes_the_same_way(configure, capsys):
    configure(LOG__FORMAT="json")
    logging.attach()
    standard.getLogger("some.library").warning("connecting to %s", "postgresql://u:c4nary@h")
    standard.getLogger("some.library").info("chatter")
    standard.getLogger("some.library").warning("%d arguments are %s", "wrong")  # noqa: PLE1206
    first, second = map(json.loads, lines(capsys))
    assert (first["logger"], first["message"]) == ("some.library", "connecting to postgresql://u:****@h")
    assert second["message"] == "%d arguments are %s"


def test_a_closed_standard_error_does_not_stop_the_work(configure, monkeypatch):
    configure()
    monkeypatch.setattr(sys, "stderr", open("/dev/full", "w"))  # noqa: SIM115
    logging.warning("nobody reads this")
    monkeypatch.setattr(sys, "stderr", None)
    logging.warning("nor this")


def test_a_very_long_message_is_cut(configure, capsys):
    configure()
    logging.warning("x" * 1_000_000)
    assert len(lines(capsys)[0]) < 20_000


def test_silence_does_not_load_the_standard_logging():
    code = (
        "import sys; from pathlib import Path; from shopctl.kernel import logging\n"
        "from shopctl.kernel.settings import load_settings\n"
        "logging.configure(load_settings(Path.cwd(), {})); logging.info('below the level')\n"
        "assert 'logging' not in sys.modules and 'json' not in sys.modules, sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd="/")
