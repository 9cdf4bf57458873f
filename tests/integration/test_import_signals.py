"""An import that is asked to stop stops cleanly and can go on; a second one beside it is told at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from integration.test_import_kill import (
    assert_sound,
    assert_whole,
    child_of,
    import_,
    points_of,
    shops_of,
    spread,
    written,
)
from support.shop import Shop


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGTERM, 143, "Terminated."), (signal.SIGINT, 130, "Interrupted.")]
)
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_signal_in_the_middle_ends_it_cleanly(
    kind: str, number: int, code: int, word: str, tmp_path: Path, request: pytest.FixtureRequest,
    scale: Callable[[int, int], int],
) -> None:  # fmt: skip
    feed = written(tmp_path / "feed.csv", 3000, changed_every=2)  # names parents, so it is staged
    shops = shops_of(kind, tmp_path, request)
    original = next(shops)
    points = points_of(next(shops)(original), feed, SHOPCTL_TEST_PORTION=500)
    for point in spread(points, scale(5, 30))[1:-1]:
        shop = next(shops)(original)
        stopped = import_(
            shop, feed, SHOPCTL_TEST_POINT=point, SHOPCTL_TEST_SIGNAL=int(number), SHOPCTL_TEST_PORTION=500
        )
        assert stopped.returncode == code, (point, stopped.stderr)
        (line,) = stopped.stderr.splitlines()
        assert word in json.loads(line)["error"]["message"]
        hint = json.loads(line)["error"]["hint"]
        assert hint.startswith(f"Go on with: shopctl catalogue import {feed.path} ")
        assert hint.endswith(" --resume")
        assert stopped.stdout == b""
        assert not list(shop.folder.rglob("*.tmp"))

        done = import_(shop, feed, "--resume", SHOPCTL_TEST_PORTION=500)

        assert done.returncode == 6, done.stderr
        report = json.loads(done.stdout)
        assert report["resumed"]
        assert_whole(shop, feed, report, 1)
        assert_sound(shop)


def test_a_signal_to_the_whole_group_is_answered_by_the_parent(any_shop: Shop, tmp_path: Path) -> None:
    feed = written(tmp_path / "feed.csv", 60_000)
    running = any_shop.start("catalogue", "import", feed.path, start_new_session=True)
    child_of(running.pid)
    os.killpg(running.pid, signal.SIGTERM)
    _, errors = running.communicate(timeout=30)

    hint = f"hint: Go on with: shopctl catalogue import {feed.path} --resume\n"
    assert (running.returncode, errors.decode()) == (143, f"error: Terminated.\n{hint}")


def test_an_import_that_waits_for_its_input_ends_when_asked(shop: Shop) -> None:
    running = shop.start("catalogue", "import", "-", stdin=subprocess.PIPE)
    assert running.stdin is not None
    # More than the head, so that the reader is at work when the rest does not come.
    running.stdin.write(b"sku,name\n" + b"".join(b"S%d,n\n" % number for number in range(60_000)))
    running.stdin.flush()
    reader = child_of(running.pid)
    time.sleep(0.3)
    running.send_signal(signal.SIGTERM)

    assert running.wait(timeout=10) == 143
    assert not os.path.exists(f"/proc/{reader}")
    running.communicate()


def test_the_second_of_two_imports_is_told_at_once(any_shop: Shop, tmp_path: Path) -> None:
    feed = written(tmp_path / "feed.csv", 10)
    running = any_shop.start("catalogue", "import", "-", stdin=subprocess.PIPE)
    assert running.stdin is not None
    running.stdin.write(b"sku,name\n" + b"".join(b"S%d,n\n" % number for number in range(60_000)))
    running.stdin.flush()
    child_of(running.pid)

    started = time.monotonic()
    refused = any_shop.run("catalogue", "import", feed.path, "-o", "json", expect=11)
    took = time.monotonic() - started

    assert took < 3
    assert refused.error["code"] == "storage.job_locked"
    assert "catalogue.import" in refused.error["message"]
    assert refused.error["retryable"]
    assert refused.stdout == ""
    out, errors = running.communicate(timeout=60)
    assert running.returncode == 0, errors
    assert b"60,000" in out
