"""Files of rows: CSV and NDJSON, sound and broken, and the rejects file between two readings."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from shopctl.records.errors import BrokenFeed, RejectsUnwritable
from shopctl.records.reading import Row, RowFile
from shopctl.records.rejects import Reject, RejectsFile, check_place
from shopctl.records.source import Limits

COLUMNS = ("customer_id", "name", "email")
Read = Callable[[bytes], list[Row | Reject]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(content: bytes) -> list[Row | Reject]:
        path = tmp_path / "rows"
        path.write_bytes(content)
        return list(RowFile(str(path), COLUMNS, Limits(record_bytes=1 << 20)))

    return read


def values(rows: list[Row | Reject]) -> list[dict[str, str]]:
    return [row.values for row in rows if isinstance(row, Row)]


def rejects(rows: list[Row | Reject]) -> list[tuple[int, str]]:
    return [(row.line, row.code) for row in rows if isinstance(row, Reject)]


@pytest.mark.parametrize(
    "content",
    [
        b"name,email\nAnna,a@example.org\n",
        b"name;email\r\nAnna;a@example.org",
        b"\xef\xbb\xbfName\tE Mail\nAnna\ta@example.org\n".replace(b"E Mail", b"Email"),
        b"sep=;\nname;email\n\n;\nAnna;a@example.org;\n",
        "name,email\nAnna,a@example.org\n".encode("utf-16"),
        gzip.compress(b"name,email\nAnna,a@example.org\n", mtime=0),
        b'\n{"name":"Anna","email":"a@example.org"}\n\n',
        b'\xef\xbb\xbf{"name":"Anna","email":"a@example.org"}',
        b'line,field,code,message,name,email\n7,email,x,"bad, very",Anna,a@example.org\n',
        b'line,field,code,message,record\n7,email,x,y,"{""name"":""Anna"",""email"":""a@example.org""}"\n',
    ],
    ids="plain semicolons bom-tabs sep utf-16 gzip ndjson ndjson-bom rejects rejects-of-ndjson".split(),
)
def test_a_file_is_read_however_it_is_written(read: Read, content: bytes) -> None:
    assert values(read(content)) == [{"name": "Anna", "email": "a@example.org"}]


def test_a_quoted_cell_may_have_line_ends_and_the_line_is_where_its_row_begins(read: Read) -> None:
    rows = read(b'name,email\n"Anna\nMuster",a\n"a ""b"" c",d\n')

    assert [(row.line, row.cells) for row in rows if isinstance(row, Row)] == [
        (2, ["Anna\nMuster", "a"]),
        (4, ['a "b" c', "d"]),
    ]


def test_a_quote_that_is_not_closed_costs_its_own_line_only(read: Read) -> None:
    rows = read(b'name,email\n"Anna,a\nBert,b\nCarl,"c\n')

    assert rejects(rows) == [(2, "row.csv"), (4, "row.csv")]
    assert values(rows) == [{"name": "Bert", "email": "b"}]


def test_a_quote_that_is_open_at_the_end_costs_its_own_line_only(read: Read) -> None:
    rows = read(b'name,email\n"Anna,a\nBert,b\nCarl,c\n')

    assert rejects(rows) == [(2, "row.csv")]
    assert values(rows) == [{"name": "Bert", "email": "b"}, {"name": "Carl", "email": "c"}]


def test_a_quote_that_swallows_a_whole_file_is_found_out_in_good_time(read: Read) -> None:
    content = b"name,email\n" + b'"Anna,a\n' + b"Bert,b\n" * 40_000
    begun = time.perf_counter()

    assert len(read(content)) == 40_001
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (b"Anna", "row.csv"),
        (b"Anna,a,b", "row.csv"),
        (b'"Anna"x,a', "row.csv"),
        (b"An\xffna,a", "text.encoding"),
        (b"An\0na,a", "text.invalid"),
    ],
)
def test_a_bad_row_is_named_and_the_others_are_read(read: Read, row: bytes, code: str) -> None:
    rows = read(b"name,email\nA,a\n" + row + b"\nB,b\n")

    assert rejects(rows) == [(3, code)]
    assert len(values(rows)) == 2


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (b'{"name":', "row.json"),
        (b"[1]", "row.json"),
        (b'{"name":NaN}', "row.json"),
        (b"[" * 100_000, "row.json"),
        (b'{"nam":"Anna"}', "row.unknown_column"),
        (b'{"name":"\\u0000"}', "text.invalid"),
        (b'{"name":"\\ud800"}', "text.encoding"),
    ],
)
def test_a_bad_object_is_named_and_the_others_are_read(read: Read, row: bytes, code: str) -> None:
    rows = read(b'{"name":"A"}\n' + row + b'\n{"name":"B"}\n')

    assert rejects(rows) == [(2, code)]
    assert len(values(rows)) == 2


def test_what_is_no_text_in_json_becomes_one(read: Read) -> None:
    (given,) = values(read(b'{"customer_id":1e999,"name":true,"email":["a", {"b": null}]}'))

    assert given == {"customer_id": "1e999", "name": "true", "email": '["a",{"b":null}]'}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "feed.empty"),
        (b"\n\n", "records.no_rows"),
        (b"name,email\n", "records.no_rows"),
        (b"nam,email\nA,a\n", "records.unknown_columns"),
        (b"name,Name\nA,a\n", "records.column_twice"),
        (b"\x89PNG\r\n", "feed.binary"),
        (b"\x01\0\0\0\0\0\0\0name\n", "feed.binary"),
        (gzip.compress(b"name\nA\n" * 100, mtime=0)[:30], "feed.truncated"),
        (b"name\n" + b"x" * (2 << 20), "feed.record_too_long"),
        (b"name,email\n" + b'"x' * (1 << 20), "feed.record_too_long"),
    ],
)
def test_what_is_no_such_file_is_refused(read: Read, content: bytes, code: str) -> None:
    with pytest.raises(BrokenFeed) as refused:
        read(content)

    assert refused.value.code == code


def test_rejects_can_be_corrected_and_read_again(read: Read, tmp_path: Path) -> None:
    place = tmp_path / "new" / "rejects.csv"
    file = RowFile(_written(tmp_path, 'name,email\nA,"a\nb"\nB;,é\n'), COLUMNS)
    with RejectsFile(str(place), file.header) as written:
        for row in file:
            assert isinstance(row, Row)
            written.add(row.reject("email", "email.invalid", "it is\nnone"))

    assert (written.count, written.path) == (2, str(place))
    assert place.stat().st_mode & 0o777 == 0o600
    again = read(place.read_bytes())
    assert values(again) == [{"name": "A", "email": "a\nb"}, {"name": "B;", "email": "é"}]


def test_without_rejects_there_is_no_file(tmp_path: Path) -> None:
    with RejectsFile(str(tmp_path / "rejects.csv"), ["name"]) as written:
        pass

    assert written.path is None
    assert list(tmp_path.iterdir()) == []


def test_rejects_do_not_overwrite_the_file_they_come_from(tmp_path: Path) -> None:
    path = _written(tmp_path, "name\nA\n")

    with pytest.raises(RejectsUnwritable):
        check_place(path, path)


def _written(folder: Path, text: str) -> str:
    path = folder / "rows.csv"
    path.write_text(text)
    return str(path)


def test_columns_may_go_by_other_names_and_mean_nothing(tmp_path: Path) -> None:
    meaning = {"Login": "name", "mail": "email"}
    for text, fields in (
        ('Login;shoes;mail\nA;38;a@b\n"B";39;é\n', ["A", "a@b"]),
        ('{"Login":"A","shoes":38,"mail":"a@b"}\n', ["A", "a@b"]),
    ):
        with closing(RowFile(_written(tmp_path, text), COLUMNS, naming=lambda _names: meaning)) as file:
            rows = list(file)
        assert isinstance(rows[0], Row)
        assert [rows[0].values[name] for name in ("name", "email")] == fields
        assert set(rows[0].values) == {"name", "email"}
        assert list(file.ignored) == ["shoes"]
