"""Records are cut as the csv module cuts them, whatever the chunks."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shopctl.catalogue.feed.dialect import Dialect
from shopctl.catalogue.feed.splitting import EndlessLine, Piece, Splitter


class Chunks:
    """A stream that gives as little as it is told."""

    def __init__(self, data: bytes, size: int) -> None:
        self.data = io.BytesIO(data)
        self.size = size

    def read(self, size: int) -> bytes:
        return self.data.read(min(size, self.size))


def splitter(
    data: bytes, chunk: int = 1 << 20, limit: int = 1 << 20, width: int = 3, dialect: Dialect | None = None
) -> Splitter:
    dialect = dialect or Dialect()

    def fits(record: bytes) -> bool:
        try:
            rows = dialect.reader([record.decode(), ""], strict=True)
        except csv.Error:
            return False
        return len(rows) == 2 and len(rows[0]) == width

    return Splitter(Chunks(data, chunk), dialect, limit, fits, chunk)


def records(pieces: list[Piece]) -> list[tuple[int, str]]:
    return [(line, raw.decode()) for piece in pieces for line, raw in zip(piece.lines, piece.records, strict=True)]


cells = some.text(some.sampled_from('ab ,;"\n\t|é'), max_size=6)
tables = some.lists(some.lists(cells, min_size=1, max_size=5), min_size=1, max_size=12)


@given(tables, some.sampled_from(",;\t|"), some.sampled_from(["\n", "\r\n"]), some.integers(1, 40), some.booleans())
def test_what_a_csv_writer_wrote_is_cut_where_a_csv_reader_cuts(
    table: list[list[str]], delimiter: str, line_end: str, chunk: int, end_missing: bool
) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=delimiter, lineterminator=line_end).writerows(table)
    text = written.getvalue()
    if end_missing:
        text = text.removesuffix(line_end)
    expected = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    line = 1
    for row in reader:
        expected.append((line, row))
        line = reader.line_num + 1

    dialect = Dialect(delimiter)
    cut = records(list(splitter(text.encode(), chunk, dialect=dialect)))

    assert [(line, dialect.reader([raw])[0] if raw.strip("\r") else []) for line, raw in cut] == expected


@given(some.lists(some.text(some.sampled_from('a,"\n'), max_size=5), min_size=1, max_size=10), some.integers(1, 9))
def test_the_exact_cut_of_any_text_is_the_csv_modules_as_long_as_quotes_close(lines: list[str], chunk: int) -> None:
    text = "\n".join(lines) + "\n"
    reader = csv.reader(io.StringIO(text, newline=""))
    expected = []
    line = 1
    for _ in reader:
        expected.append(line)
        line = reader.line_num + 1
    if len(list(csv.reader(io.StringIO(text + "end\n", newline="")))) == len(expected):
        return  # an open quote at the end is another story, told below
    # No width fits, so that nothing is torn.
    cut = splitter(text.encode(), chunk, width=-1)
    cut.always_exact = True

    assert [line for piece in cut for line in piece.lines] == expected


def test_a_stray_quote_joins_lines_until_they_are_cut_again() -> None:
    cut = splitter(b'1,a,5" pipe\n2,b,c\n3,d,6" pipe\n4,e,f\n')
    piece = next(iter(cut))
    assert piece.records[0] == b'1,a,5" pipe\n2,b,c\n3,d,6" pipe'

    assert records([cut.again(), *cut]) == [(1, '1,a,5" pipe'), (2, "2,b,c"), (3, '3,d,6" pipe'), (4, "4,e,f")]


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_a_quote_that_is_never_closed_costs_only_its_own_line(chunk: int) -> None:
    text = b'1,a,"open\n' + b"".join(b"%d,x,y\n" % number for number in range(2, 50))
    cut = splitter(text, chunk)
    pieces = list(cut)

    assert records(pieces)[0] == (1, '1,a,"open')
    assert len(records(pieces)) == 49
    assert sum(len(piece.torn) for piece in pieces) == 1


def test_a_quote_closed_by_a_later_records_quote_costs_only_its_own_line() -> None:
    cut = splitter(b'1,a,"open\n2,x,y\n3,"b ""c""",d\n4,"e\nf",g\n')
    next(iter(cut))
    piece = cut.again()

    assert records([piece, *cut]) == [
        (1, '1,a,"open'), (2, "2,x,y"), (3, '3,"b ""c""",d'), (4, '4,"e\nf",g')
    ]  # fmt: skip
    assert piece.torn == {0}


def test_a_line_without_end_is_named() -> None:
    with pytest.raises(EndlessLine) as refused:
        list(splitter(b"1,2,3\n" + b"x" * 5000, 100, limit=1000))

    assert refused.value.line == 2


def test_backslash_escapes() -> None:
    text = b'1,"a \\" b",c\n2,"d\ne",f\n'
    cut = splitter(text, dialect=Dialect(escape="\\"))

    assert records(list(cut)) == [(1, '1,"a \\" b",c'), (2, '2,"d\ne",f')]


def test_a_very_long_open_field_is_not_cut_into_lines_again_and_again() -> None:
    text = b'1,"' + b"x\n" * (1 << 20) + b'",c\n2,b,c\n'
    cut = splitter(text, 1 << 16, limit=8 << 20)
    found = records(list(cut))

    assert [line for line, _ in found] == [1, (1 << 20) + 2]
