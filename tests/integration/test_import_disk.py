"""A disk that fills up under an import or an export: one line, exit 7, nothing half done, and the next run goes on."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from integration.test_import_kill import assert_sound, assert_whole, written
from support import faults
from support.shop import Shop, command


def database_of(shop: Shop) -> Path:
    return shop.folder / ".shopctl" / "shop.db"


@pytest.mark.assure("R10")
@pytest.mark.parametrize("way", ["direct", "staged"])
def test_an_import_onto_a_full_disk(
    first_shop: Shop, tmp_path: Path, way: str, scale: Callable[[int, int], int]
) -> None:
    library = faults.library(tmp_path)
    feed = written(tmp_path / "feed.csv", 20_000, changed_every=1 if way == "direct" else 2)
    # What such an import needs at the least; up to it the disk fills at another place each time.
    whole = first_shop.copy(tmp_path / "whole")
    empty = database_of(whole).stat().st_size
    whole.run("catalogue", "import", feed.path, "--on-error", "skip-rows", expect=6)
    needed = database_of(whole).stat().st_size - empty
    for number in range(scale(3, 40)):
        shop = first_shop.copy(tmp_path / f"shop-{number}")
        limit = 40_000 + (needed - 200_000) * number // scale(3, 40)
        full = shop.run(
            "catalogue", "import", feed.path, "--on-error", "skip-rows", "-o", "json",
            env=faults.environment(library, database_of(shop), full_after=limit), expect=7,
        )  # fmt: skip

        assert full.error["code"] == "storage.full"
        assert len(full.stderr.splitlines()) == 1
        shop.run("db", "check")
        if way == "direct":
            # All or nothing: what is committed already may still lack its end, which `--resume` adds.
            assert len(shop.run("catalogue", "list", "-o", "json").json) in (0, feed.rows - len(feed.bad))
        done = shop.run("catalogue", "import", feed.path, "--on-error", "skip-rows", "--resume", "-o", "json", expect=6)
        assert_whole(shop, feed, done.json, 1)
        assert_sound(shop)


@pytest.mark.assure("R10")
def test_an_import_with_a_limit_on_the_size_of_files(shop: Shop, tmp_path: Path) -> None:
    feed = written(tmp_path / "feed.csv", 20_000)
    size = database_of(shop).stat().st_size + 500_000
    done = subprocess.run(
        command("catalogue", "import", str(feed.path), "--on-error", "skip-rows", "-o", "json"),
        cwd=shop.folder,
        env=shop.environment(),
        capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        timeout=120,
    )
    assert done.returncode == 7, done.stderr
    assert json.loads(done.stderr)["error"]["code"] == "storage.full"
    again = shop.run("catalogue", "import", feed.path, "--on-error", "skip-rows", "--resume", "-o", "json", expect=6)
    assert_whole(shop, feed, again.json, 1)


@pytest.mark.assure("R10")
@pytest.mark.parametrize("format", ["csv", "ndjson", "json", "xlsx"])
def test_an_export_onto_a_full_disk_leaves_the_old_file(shop: Shop, tmp_path: Path, format: str) -> None:
    feed = written(tmp_path / "feed.csv", 5000)
    shop.run("catalogue", "import", feed.path, "--on-error", "skip-rows", expect=6)
    out = tmp_path / "out"
    out.write_text("old")
    done = subprocess.run(
        command("catalogue", "export", "--format", format, "--out", str(out), "-o", "json"),
        cwd=shop.folder,
        env=shop.environment(),
        capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
        timeout=120,
    )

    assert done.returncode == 7, done.stderr
    (line,) = done.stderr.splitlines()
    assert json.loads(line)["error"]["code"] == "catalogue.no_room"
    assert out.read_text() == "old"
    assert not list(tmp_path.glob("out.*"))


@pytest.mark.parametrize("format", ["csv", "ndjson", "json", "xlsx"])
def test_an_export_to_a_full_standard_output(shop: Shop, tmp_path: Path, format: str) -> None:
    shop.run("catalogue", "import", written(tmp_path / "feed.csv", 100).path, "--on-error", "skip-rows", expect=6)
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            command("catalogue", "export", "--format", format), cwd=shop.folder, env=shop.environment(), stdout=full,
            stderr=subprocess.PIPE, timeout=60,
        )  # fmt: skip
    assert done.returncode == 7
    assert done.stderr.startswith(b"error: No space is left for standard output.\n")


def test_an_export_to_a_reader_that_leaves(shop: Shop, tmp_path: Path) -> None:
    shop.run("catalogue", "import", written(tmp_path / "feed.csv", 5000).path, "--on-error", "skip-rows", expect=6)
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m shopctl catalogue export | head -1"], cwd=shop.folder,
        env=shop.environment(), capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.startswith(b"sku,parent_sku,")
    assert done.stderr == b""


def test_a_folder_that_cannot_be_written(shop: Shop, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("nothing is closed to root")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    refused = shop.run("catalogue", "export", "--out", closed / "out.csv", "-o", "json", expect=2)
    assert refused.error["code"] == "catalogue.cannot_write"
