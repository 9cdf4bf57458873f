"""Imports and exports in bounded memory, whatever the file wants."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from support.shop import Shop, command

MOST = 256 << 20

# The largest process of the command: the parent, or the reader it forks.
MEASURED = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[2:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
json.dump({"code": done.returncode, "stderr": done.stderr.decode(), "peak": peak}, open(sys.argv[1], "w"))
"""


def measured(shop: Shop, tmp_path: Path, *arguments: str) -> tuple[int, str, int]:
    """Exit code, standard error, and the peak of memory in bytes."""
    out = tmp_path / "measured.json"
    subprocess.run(
        [sys.executable, "-c", MEASURED, str(out), *command(*arguments)], cwd=shop.folder, env=shop.environment(),
        check=True, timeout=600,
    )  # fmt: skip
    found = json.loads(out.read_text())
    return found["code"], found["stderr"], found["peak"]


def gzip_bomb(path: Path) -> None:
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(b"sku,name\n")
        for _ in range(100):
            file.write((b"A," + b"n" * 1000 + b"\n") * 1000)


def endless_line(path: Path) -> None:
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"sku,name\nA,")
        for _ in range(64):
            file.write(os.urandom(1 << 16).hex().encode() * 8)


def sheet_bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", '<workbook><sheets><sheet name="x" sheetId="1"/></sheets></workbook>')
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            part.write(b'<worksheet><sheetData><row><c t="inlineStr"><is><t>')
            for _ in range(100):
                part.write(b"a" * (4 << 20))


def deep_json(path: Path) -> None:
    path.write_bytes(b'[{"sku":"A","name":"n","x":' + b"[" * 3_000_000 + b"]" * 3_000_000 + b"}]")


@pytest.mark.assure("S23")
@pytest.mark.parametrize(
    ("name", "make"),
    [("bomb.csv.gz", gzip_bomb), ("line.csv.gz", endless_line), ("bomb.xlsx", sheet_bomb), ("deep.json", deep_json)],
)
def test_a_bomb_is_refused_in_little_memory_and_nothing_is_written(
    shop: Shop, tmp_path: Path, name: str, make: Callable[[Path], None]
) -> None:
    make(tmp_path / name)

    code, stderr, peak = measured(shop, tmp_path, "catalogue", "import", str(tmp_path / name))

    assert code == 12, stderr
    assert stderr.count("error: ") == 1
    assert peak < MOST
    assert shop.run("catalogue", "list", "-o", "json").json == []


@pytest.mark.assure("S23")
def test_an_endless_line_on_standard_input(shop: Shop) -> None:
    done = subprocess.run(
        ["sh", "-c", f"(echo sku,name; yes x | tr -d '\\n') | {sys.executable} -m shopctl catalogue import -"],
        cwd=shop.folder, env=shop.environment(), capture_output=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 12, done.stderr
    assert b"standard input" in done.stderr


def test_many_products_go_in_and_out_in_little_memory(
    any_shop: Shop, tmp_path: Path, scale: Callable[[int, int], int]
) -> None:
    rows = scale(30_000, 100_000)
    feed = tmp_path / "feed.csv"
    with feed.open("w") as file:
        file.write("sku,name,price,stock,parent_sku,description\n")
        for number in range(rows):
            parent = "" if number % 10 == 0 else f"S{number // 10 * 10:06}"
            file.write(f"S{number:06},Thing {number},1.50,3,{parent},{'long text ' * 20}\n")
    code, stderr, peak = measured(any_shop, tmp_path, "catalogue", "import", str(feed))
    assert (code, peak < MOST) == (0, True), (stderr, peak)

    for kind in ("csv", "ndjson", "json", "xlsx"):
        out = tmp_path / f"out.{kind}"
        code, stderr, peak = measured(any_shop, tmp_path, "catalogue", "export", "--format", kind, "--out", str(out))
        assert (code, peak < MOST // 2) == (0, True), (kind, stderr, peak)
        assert out.stat().st_size > 100_000
    assert len(out.parent.joinpath("out.ndjson").read_bytes().splitlines()) == rows
