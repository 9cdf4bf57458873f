"""Broken and hostile files are refused in one clear line, in bounded memory and time (S23)."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import stat
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from shopctl.catalogue.feed.errors import UnknownFormat
from shopctl.catalogue.feed.opening import open_feed
from shopctl.kernel.errors import NotFound
from shopctl.records.errors import UnreadableFile
from unit.catalogue.feed.workbooks import MAIN, sheet, text, workbook

MIB = 1 << 20
HEAD = b"sku,name\n"

READ = r"""
import json, re, sys
from pathlib import Path
from shopctl.catalogue.feed.opening import open_feed
from shopctl.records.source import Limits
from shopctl.kernel.errors import ShopctlError
rows = rejects = 0
told = {}
try:
    limits = Limits(record_bytes=16 << 20, field_characters=4 << 20)
    for batch in open_feed(sys.argv[1], default_currency="EUR", limits=limits).batches():
        rows += len(batch.rows)
        rejects += len(batch.rejects)
        told.setdefault("reject", batch.rejects[0].code if batch.rejects else None)
except ShopctlError as problem:
    told |= {"code": problem.code, "exit": problem.exit_code, "message": problem.message, "hint": problem.advice}
# Of this process alone: ru_maxrss would count what its parent held before the exec.
peak = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) // 1024
print(json.dumps(told | {"rows": rows, "rejects": rejects, "peak_mib": peak}))
"""


def zipped(name: str, content: bytes, mode: int = 0) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        part = zipfile.ZipInfo(name)
        part.external_attr = mode << 16
        archive.writestr(part, content)
    return out.getvalue()


def deflated(piece: bytes, count: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([*(packer.compress(piece) for _ in range(count)), packer.flush()])


def big_sheet(middle: bytes, count: int) -> bytes:
    head = sheet([text("sku"), text("A")]).encode().removesuffix(b"</sheetData></worksheet>")
    return workbook(head + middle * count + b"</sheetData></worksheet>")


def laughs() -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return workbook(f'<!DOCTYPE x [<!ENTITY l0 "ha">{entities}]>' + sheet(['<c t="str"><v>&l9;</v></c>']))


def external() -> bytes:
    return workbook('<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>' + sheet(['<c t="str"><v>&f;</v></c>']))


def many_parts() -> bytes:
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return b"PK\x03\x04" + b"\0" * 100 + end


BROKEN: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "feed.empty"),
    "empty gzip": (lambda: gzip.compress(b""), "feed.empty"),
    "only blank": (lambda: b"\n \n\n", "feed.no_rows"),
    "only comments": (lambda: b"# sku follows\n# nothing\n", "feed.no_rows"),
    "countless columns": (lambda: b"sku" + b",c" * 100_000 + b"\nA" + b",x" * 100_000 + b"\n", "feed.too_wide"),
    "only a header": (lambda: HEAD, "feed.no_rows"),
    "only a header without line end": (lambda: b"sku,name", "feed.no_rows"),
    "header and blank lines": (lambda: HEAD + b"\n\r\n \n", "feed.no_rows"),
    "no SKU column": (lambda: b"colour,size\nred,L\n", "feed.no_sku"),
    "prose": (lambda: b"Dear Sir,\nplease find attached\n", "feed.no_sku"),
    "random bytes": (lambda: bytes((n * n * 31 + n // 7) % 256 for n in range(100_000)), "feed.binary"),
    "NULs": (lambda: b"\0" * MIB, "feed.binary"),
    "PDF": (lambda: b"%PDF-1.7\n%\xe2\xe3\n" + b"x" * 1000, "feed.binary"),
    "PNG": (lambda: b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "feed.binary"),
    "XLS": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "feed.binary"),
    "gzipped binary": (lambda: gzip.compress(b"\x7fELF" + b"\0\1\2" * 1000), "feed.binary"),
    "truncated gzip": (
        lambda: gzip.compress(HEAD + b"".join(b"A%d,%d\n" % (n, n * n) for n in range(50_000)))[:-50],
        "feed.truncated",
    ),
    "damaged gzip": (lambda: gzip.compress(HEAD)[:12] + b"garbage" * 10, "feed.truncated"),
    "half a UTF-16 character": (lambda: "sku,name\nA,x\n".encode("utf-16") + b"\x00", "feed.encoding"),
    "endless line": (lambda: HEAD + b"A," + b"x" * (40 * MIB), "feed.record_too_long"),
    "endless header": (lambda: b"x" * (40 * MIB), "feed.record_too_long"),
    "gzip bomb of one line": (lambda: deflated(b"x" * MIB, 100), "feed.bomb"),
    "gzip bomb of rows": (
        lambda: gzip.compress(HEAD) + deflated((b"A," + b"name " * 200 + b"\n") * 1000, 100),
        "feed.bomb",
    ),
    "gzip bomb of lists": (
        lambda: gzip.compress(b"[") + deflated((b'{"sku":"A","x":"' + b"y" * 1000 + b'"},') * 1000, 100),
        "feed.bomb",
    ),
    "deep JSON": (lambda: b'{"sku":' + b"[" * (8 * MIB), "feed.truncated"),
    "deep JSON list": (lambda: b"[" * (20 * MIB), "feed.json"),
    "deep object keys": (lambda: b'{"a":' * (3 * MIB), "feed.truncated"),
    "endless JSON text": (lambda: b'[{"sku":"' + b"x" * (40 * MIB), "feed.record_too_long"),
    "ZIP that is no workbook": (lambda: zipped("readme.txt", b"hello"), "feed.archive"),
    "ZIP with a path upwards": (lambda: zipped("../../etc/passwd", b"x"), "feed.archive"),
    "ZIP with an absolute path": (lambda: zipped("/etc/passwd", b"x"), "feed.archive"),
    "ZIP with a symbolic link": (
        lambda: zipped("xl/workbook.xml", b"/etc/passwd", stat.S_IFLNK | 0o777),
        "feed.archive",
    ),
    "ZIP with countless parts": (many_parts, "feed.archive"),
    "truncated ZIP": (lambda: big_sheet(b"", 0)[:300], "feed.archive"),
    "billion laughs": (laughs, "feed.archive"),
    "external entity": (external, "feed.archive"),
    "sheet bomb of rows": (lambda: big_sheet(b"<row/>", 30_000_000), "feed.bomb"),
    "sheet bomb of elements": (lambda: big_sheet(b"<x></x>", 30_000_000), "feed.bomb"),
    "sheet with too many rows": (
        lambda: big_sheet(b"".join(b'<row r="%d"/>' % number for number in range(2, 1_100_000)), 1),
        "feed.archive",
    ),
    "sheet cell without end": (
        lambda: big_sheet(b'<row><c t="str"><v>' + random.Random(1).randbytes(17 * MIB).hex().encode(), 1),
        "feed.bomb",
    ),
    "text bomb": (
        lambda: workbook(sheet([]), strings=f'<sst xmlns="{MAIN}">' + "<si><t>ab</t></si>" * 5_000_000 + "</sst>"),
        "feed.bomb",
    ),
}


def outcome(path: Path) -> dict[str, object]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, timeout=120, env=environment
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result: dict[str, object] = json.loads(done.stdout)
    return result


@pytest.mark.assure("S23")
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused(tmp_path: Path, name: str) -> None:
    make, code = BROKEN[name]
    path = tmp_path / "feed"
    path.write_bytes(make())

    told = outcome(path)

    assert told.get("code") == code, told
    assert told["exit"] == 12
    assert told["hint"]
    assert str(told["message"]).isprintable()
    assert str(path) in str(told["message"])
    assert int(str(told["peak_mib"])) < 256


HARD = {
    "a quoted field never closed": (
        lambda: HEAD + b'A,"' + b"B,a name of some length, as names are\n" * MIB,
        {"reject": "row.quoting", "rows": 0},
    ),
    "giant quoted fields": (
        lambda: HEAD + (b'A,"' + b"x," * (3 * MIB) + b'"\n') * 10 + b"B,ok\n",
        {"reject": "field.too_long", "rows": 1, "rejects": 10},
    ),
    "nothing but quotes": (lambda: HEAD + b'"' * (8 * MIB) + b"\nB,ok\n", {"rows": 1}),
    "an open quote on every line": (lambda: HEAD + b'"a,b\n' * (MIB // 4), {"rows": 0}),
    "stray quotes on every line": (lambda: HEAD + b'A,5" pipe\n' * (MIB // 4), {"rows": MIB // 4, "rejects": 0}),
    "a product of countless variants": (lambda: b"sku,handle,name\n" + b"A,mug,x\n" * (MIB // 8), {"rows": MIB // 8}),
    "giant deep JSON cells": (
        lambda: b'sku,attributes\nA,"' + b"[" * (3 * MIB) + b'"\nB,\n',
        {"reject": "json.depth", "rows": 1},
    ),
    "giant numbers": (
        lambda: b"sku,price\n" + b"A," + b"9" * (3 * MIB) + b"\nB,1\n",
        {"reject": "price.range", "rows": 1},
    ),
    "giant JSON numbers": (
        lambda: b'{"sku":"B"}\n{"sku":"A","x":' + b"9" * (3 * MIB) + b"}\n",
        {"reject": "json.invalid", "rows": 1},
    ),
}


@pytest.mark.assure("S23")
@pytest.mark.parametrize("name", HARD)
def test_hard_rows_do_not_cost_the_others(tmp_path: Path, name: str) -> None:
    if name == "nothing but quotes" and sys.version_info < (3, 11, 5):
        pytest.skip("costs more memory before Python 3.11.5, whose possessive patterns match wrongly (cpython#106052)")
    make, expected = HARD[name]
    path = tmp_path / "feed"
    path.write_bytes(make())

    told = outcome(path)

    assert told.items() >= expected.items(), told
    assert int(str(told["peak_mib"])) < 256


def test_a_missing_file_a_folder_and_an_unknown_format(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        open_feed(str(tmp_path / "absent.csv"), default_currency="EUR")
    with pytest.raises(UnreadableFile) as refused:
        open_feed(str(tmp_path), default_currency="EUR")
    assert refused.value.exit_code == 2
    with pytest.raises(UnreadableFile) as refused:
        open_feed("/proc/self/mem", default_currency="EUR")
    assert "Input/output error" in refused.value.message
    (tmp_path / "feed.csv").write_bytes(HEAD)
    with pytest.raises(UnknownFormat) as unknown:
        open_feed(str(tmp_path / "feed.csv"), format="parquet", default_currency="EUR")
    assert "csv, ndjson, json, xlsx" in unknown.value.message


def test_a_number_of_too_many_digits_is_named_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "feed").write_bytes(b'{"sku":"B"}\n{"sku":"A","x":' + b"9" * 5000 + b"}\n")
    (batch,) = open_feed(str(tmp_path / "feed"), default_currency="EUR").batches()

    assert [reject.message for reject in batch.rejects] == [
        "the record is not valid JSON: a number has too many digits"
    ]
