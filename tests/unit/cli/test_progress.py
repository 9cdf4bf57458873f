"""Progress in words, and how often a job that nobody watches speaks."""

from shopctl.cli.progress import facts_of, progress
from shopctl.cli.shop import Globals, Shop


def test_how_far_a_job_is_in_words():
    assert facts_of(50, 200, 10.0, rows=120_000, rejects=3) == [
        "25%",
        "120,000 rows",
        "12,000 rows/s",
        "3 rejected",
        "0:30 left",
    ]
    assert facts_of(5, None, 61.0, rows=None, rejects=0) == ["61 s"]


def test_a_line_after_ten_seconds_and_then_every_five(capsys):
    now = 0.0
    with progress(Shop(environ={}), "Importing", total=100, clock=lambda: now) as bar:
        for second in range(31):
            now = float(second)
            bar.update(second, rows=second)
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition("%")[0] for line in lines] == [f"Importing: {n}" for n in (10, 15, 20, 25, 30)]


def test_quiet_is_silent(capsys):
    given = Globals()
    given.quiet = True
    now = 0.0
    with progress(Shop(given, environ={}), "Importing", clock=lambda: now) as bar:
        now = 100.0
        bar.update(1)
    assert capsys.readouterr().err == ""
