"""CSV in every dialect and encoding comes to the same rows, and what is wrong with a row is said."""

from __future__ import annotations

import gzip
import json

import pytest

from shopctl.records.source import Limits
from unit.catalogue.feed.conftest import Reader

HEAD = "sku,name,price,stock\n"


def test_a_plain_feed(read: Reader) -> None:
    feed = read(
        "sku,name,description,brand,category,price,currency,stock,weight\nA-1,Mug,Blue,Acme,Home>Kitchen,19.99,USD,12,1.25\n"
    )

    assert feed["A-1"] == {
        "line": 2,
        "hash": feed.rows[0][1],
        "sku": "A-1",
        "name": "Mug",
        "description": "Blue",
        "brand": "Acme",
        "category": "Home > Kitchen",
        "extra": '{"weight":"1.25"}',
        "prices": (("USD", 1999, "default", 1, 0, None),),
        "prices_whole": False,
        "stock": (("default", 12),),
    }
    assert feed.feed.fields == {"sku", "name", "description", "brand", "category", "prices", "stock", "extra"}
    assert feed.lines == [2]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", "~", ":", "#", "\x1f"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("end", ["", "\n"])
def test_any_delimiter_and_line_end(read: Reader, delimiter: str, line_end: str, end: str) -> None:
    rows = [
        ["sku", "name", "price"],
        ["A", f'"x{delimiter}y"', "1.00"],
        ["B", '"two\nlines ""quoted"""', "2.00"],
        ["C", "z", ""],
    ]
    text = (
        line_end.join(delimiter.join(row) for row in rows).replace("\n", line_end)
        if line_end == "\r"
        else line_end.join(delimiter.join(row) for row in rows)
    )
    feed = read(text + (line_end if end else ""))

    assert feed.skus == ["A", "B", "C"]
    assert feed["A"]["name"] == f"x{delimiter}y"
    assert feed["B"]["name"] == 'two\nlines "quoted"'.replace("\n", "\r" if line_end == "\r" else "\n")
    assert feed["B"]["prices"] == (("EUR", 200, "default", 1, 0, None),)
    assert feed["C"]["prices"] == ()
    assert [row[0] for row in feed.rows] == [2, 3, 5]


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8-sig", b""),
        ("utf-16", b""),
        ("utf-16-le", b""),
        ("utf-16-be", b"\xfe\xff"),
        ("cp1252", b""),
        ("utf-32", b""),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_any_encoding(read: Reader, encoding: str, mark: bytes, pack: object) -> None:
    text = HEAD + "A,Tasse „Größe“ für 5 €,1.00,1\nB,Café,2.00,2\n"
    feed = read(pack(mark + text.encode(encoding)))  # type: ignore[operator]

    assert feed["A"]["name"] == "Tasse „Größe“ für 5 €"
    assert feed.skus == ["A", "B"]


def test_the_first_bytes_beyond_ascii_decide_even_late_in_the_file(read: Reader) -> None:
    plain = "".join(f"A{number},a plain product,1.00,1\n" for number in range(20_000))
    latin = read((HEAD + plain + "B,Größe,1.00,1\n").encode("latin-1"))
    utf8 = read((HEAD + plain + "B,Größe,1.00,1\n").encode())

    assert latin["B"]["name"] == utf8["B"]["name"] == "Größe"


def test_a_broken_row_in_a_utf_8_file_is_named(read: Reader) -> None:
    lines = [f"A{number},Größe,1.00,1\n".encode() for number in range(20)]
    lines[7] = b"A7,Gr\xf6\xdfe,1.00,1\n"
    feed = read(HEAD.encode() + b"".join(lines))

    assert len(feed.rows) == 19
    assert feed.codes == [(9, "text.encoding")]
    assert "0xf6" in feed.rejects[0].message


def test_stray_quotes_do_not_join_rows(read: Reader) -> None:
    feed = read(HEAD + 'A,5" pipe,1.00,1\nB,"Mug, blue",2.00,2\nC,6" pipe,3.00,3\nD,"say ""hi""\nthere",4.00,4\n')

    assert feed.skus == ["A", "B", "C", "D"]
    assert feed["A"]["name"] == '5" pipe'
    assert feed["D"]["name"] == 'say "hi"\nthere'
    assert [row[0] for row in feed.rows] == [2, 3, 4, 5]


def test_an_unclosed_quote_costs_one_row(read: Reader) -> None:
    feed = read(HEAD + 'A,"5 pipe,1.00,1\nB,Mug,2.00,2\nC,"Cup, red",3.00,3\nD,Jug,4.00,4\n')

    assert feed.skus == ["B", "C", "D"]
    assert feed.codes == [(2, "row.quoting")]
    assert feed.rejects[0].row[0] == "A"


def test_text_after_a_closing_quote_is_kept(read: Reader) -> None:
    assert read(HEAD + 'A,"Mug" blue,1.00,1\nB,x,1.00,1\n')["A"]["name"] == "Mug blue"


def test_single_quotes_and_backslashes(read: Reader) -> None:
    assert read("sku;name;price\nA;'Mug; blue';1.00\nB;'Cup; red';2.00\n")["A"]["name"] == "Mug; blue"
    assert (
        read('sku,name,price\nA,"Mug \\"XL\\", blue",1.00\nB,"Cup \\"S\\", red",1.00\n')["A"]["name"]
        == 'Mug "XL", blue'
    )


def test_padding_is_dropped_where_the_header_is_padded(read: Reader) -> None:
    feed = read('sku   ,name         ,price \nA     ,Mug          ,1.00  \nB     ,"Cup, red"   ,2.00  \n')

    assert feed["A"]["name"] == "Mug"
    assert feed["B"]["name"] == "Cup, red"
    assert read(HEAD + " A , Mug , 1.00 , 2 \n")["A"]["name"] == " Mug "


def test_excels_separator_line_and_blank_lines(read: Reader) -> None:
    feed = read("sep=;\n\nsku;name\n\nA;Mug\n\n;;\nB;Cup\n\n")

    assert [(row[0], row[2]) for row in feed.rows] == [(5, "A"), (8, "B")]
    assert feed.rejects == []


@pytest.mark.parametrize("before", ["\n \n", "# Price list 2026; spring\r\n#\r\n", "\ufeff# made by hand, x\n\n"])
def test_blank_lines_and_comments_may_stand_before_the_header(read: Reader, before: str) -> None:
    feed = read(before + "sku;name;price\nA;Mug;12,50\n")

    assert feed["A"]["prices"] == (("EUR", 1250, "default", 1, 0, None),)
    assert feed.rows[0][0] == before.count("\n") + 2


def test_a_header_that_begins_with_a_number_sign_is_one(read: Reader) -> None:
    assert read("#,sku,name\n1,A,Mug\n")["A"]["name"] == "Mug"
    assert read("#sku,name\nA,Mug\n")["A"]["name"] == "Mug"


def test_a_mark_within_the_header_is_no_delimiter(read: Reader) -> None:
    assert read("sku\nA^1\nB\n").skus == ["A^1", "B"]


def test_numbers_in_json_cells_are_read_as_they_are_written(read: Reader) -> None:
    feed = read(
        'sku;prices;stock\nA;[{"currency":"EUR","amount":90071992547409.93}];{"x":1e3}\n'
        'B;[{"currency":"EUR","amount":1.10}];{"x":12.0}\nC;;{"x":1.0000000000000001}\n'
    )

    assert feed["A"]["prices"] == (("EUR", 9007199254740993, "default", 1, 0, None),)
    assert feed["A"]["stock"] == (("x", 1000),)
    assert feed["B"]["stock"] == (("x", 12),)
    assert feed.codes == [(4, "stock.invalid")]


def test_as_many_columns_as_a_spreadsheet_has(read: Reader) -> None:
    names = [f"c{number}" for number in range(16_383)]
    feed = read(f"sku,{','.join(names)}\nA,{','.join(names)}\n")

    assert json.loads(feed["A"]["extra"]) == {name: name for name in names}


def test_carriage_returns_within_cells_are_kept(read: Reader) -> None:
    feed = read('sku,name,description\nA,x\ry,"a\r\nb"\nB,z,"c, ""d"""\n')

    assert feed["A"]["name"] == "x\ry"
    assert feed["A"]["description"] == "a\r\nb"


@pytest.mark.parametrize(
    ("row", "field", "code"),
    [
        (",Mug,1.00,1", "sku", "sku.missing"),
        ("  ,Mug,1.00,1", "sku", "sku.missing"),
        ("A" * 256 + ",Mug,1.00,1", "sku", "sku.too_long"),
        ("A\x1b[31m,Mug,1.00,1", "sku", "sku.invalid"),
        ("A,,1.00,1", "name", "name.missing"),
        ("A,   ,1.00,1", "name", "name.missing"),
        ("A," + "x" * 2001 + ",1.00,1", "name", "field.too_long"),
        ("A,Mug,abc,1", "price", "price.invalid"),
        ("A,Mug,1e5,1", "price", "price.invalid"),
        ("A,Mug,NaN,1", "price", "price.invalid"),
        ("A,Mug,Infinity,1", "price", "price.invalid"),
        ("A,Mug,12.3.4,1", "price", "price.invalid"),
        ("A,Mug,-5.00,1", "price", "price.negative"),
        ("A,Mug,9.999,1", "price", "price.precision"),
        ("A,Mug,99999999999999999999.00,1", "price", "price.range"),
        ("A,Mug,1.00,1.5", "stock", "stock.invalid"),
        ("A,Mug,1.00,many", "stock", "stock.invalid"),
        ("A,Mug,1.00,-1", "stock", "stock.negative"),
        ("A,Mug,1.00,9999999999999999999", "stock", "stock.range"),
        ("A,Mu\0g,1.00,1", "name", "text.invalid"),
        ("A,Mug,1.00,1,extra", "", "row.columns"),
        ("A", "", "row.columns"),
    ],
)
def test_a_bad_row_is_named_and_the_others_go_in(read: Reader, row: str, field: str, code: str) -> None:
    feed = read(HEAD + f"OK-1,Cup,1.00,1\n{row}\nOK-2,Jug,1.00,1\n")

    assert feed.skus == ["OK-1", "OK-2"]
    assert [(reject.line, reject.field, reject.code) for reject in feed.rejects] == [(3, field, code)]
    assert feed.rejects[0].row == row.split(",")
    assert feed.rejects[0].message.isprintable()


def test_blank_cells_at_the_end_may_be_missing_or_too_many(read: Reader) -> None:
    feed = read("sku,name,price,stock\nA,Mug\nB,Cup,1.00,2,,\n")

    assert feed.skus == ["A", "B"]
    assert feed["A"]["stock"] == ()


@pytest.mark.parametrize(
    ("header", "cells", "prices"),
    [
        ("price,currency", '"1.234,56",EUR', [("EUR", 123456)]),
        ("price", "€ 12", [("EUR", 1200)]),
        ("price", "USD 3", [("USD", 300)]),
        ("price,currency", "3,jpy", [("JPY", 3)]),
        ("price,currency", "1.234,KWD", [("KWD", 1234)]),
        ("price_eur,price_usd", "1.00,2.00", [("EUR", 100), ("USD", 200)]),
        ("price.EUR", "1.00", [("EUR", 100)]),
        ("price (EUR)", "1.00", [("EUR", 100)]),
        ("Variant Price EUR", "1.00", [("EUR", 100)]),
        ("price,price_usd", "1.00,2.00", [("EUR", 100), ("USD", 200)]),
        ("price_eur", "", []),
    ],
)
def test_prices(read: Reader, header: str, cells: str, prices: list[tuple[str, int]]) -> None:
    feed = read(f"sku,{header}\nA,{cells}\n")

    assert feed.rejects == []
    assert feed["A"]["prices"] == tuple((currency, minor, "default", 1, 0, None) for currency, minor in prices)


def test_a_price_list_in_the_header(read: Reader) -> None:
    feed = read("sku,Variant Price Test Region [USD]\nA,45\n")

    assert feed["A"]["prices"] == (("USD", 4500, "Test Region", 1, 0, None),)


def test_a_currency_that_contradicts_or_does_not_exist(read: Reader) -> None:
    feed = read("sku,price,currency\nA,€5,USD\nB,5,EURO\nC,$5,CAD\n")

    assert feed.codes == [(2, "price.currency"), (3, "price.currency")]
    assert feed["C"]["prices"][0][:2] == ("CAD", 500)


def test_decimal_commas_of_a_column_are_found(read: Reader) -> None:
    feed = read("sku;name;price;stock\nA;x;1.234;1.500\nB;y;12,50;3\n")

    assert feed["A"]["prices"][0][1] == 123400
    assert feed["A"]["stock"] == (("default", 1500),)
    assert feed["B"]["prices"][0][1] == 1250


def test_what_the_export_writes(read: Reader) -> None:
    header = (
        "sku,parent_sku,kind,status,name,description,brand,category,categories,tax_class,options,attributes,tags,media,"
        "components,publish_at,retire_at,price,currency,prices,stock"
    )
    full = (
        'A,P,bundle,draft,Mug,"  text\n",Acme,Home > Kitchen,"[""Gifts""]",books,"{""Size"":""L""}",'
        '"{""a"":{""b"":[1,2.5,null]}}",'
        '"[""x"",""y, z""]","[{""alt"":"""",""kind"":""video"",""url"":""https://e.test/a.mp4""}]","[{""sku"":""B"",""quantity"":2}]",'
        '2026-11-24T13:34:00Z,,,,"[{""currency"":""EUR"",""amount"":""19.99""},{""currency"":""EUR"",""amount"":""9.99"",""list"":""vip"",'
        '""min_quantity"":10,""valid_from"":""2026-01-01T00:00:00Z"",""valid_until"":""2027-01-01T00:00:00Z""}]","{""berlin"":3,""default"":1}"'
    )
    bare = "B,,physical,active,Cup,,,,,,,,,,,,,5.00,USD,,7"
    none = "C,,physical,active,Jug,,,,,,,,,,,,,,,,"
    feed = read(f"{header}\n{full}\n{bare}\n{none}\n")

    assert feed.rejects == []
    a = feed["A"]
    assert a["prices_whole"] is True
    assert a["prices"] == (
        ("EUR", 1999, "default", 1, 0, None),
        ("EUR", 999, "vip", 10, 1767225600000000, 1798761600000000),
    )
    assert a["stock"] == (("berlin", 3), ("default", 1))
    assert a["components"] == '[{"quantity":2,"sku":"B"}]'
    assert a["attributes"] == '{"a":{"b":[1,2.5,null]}}'
    assert a["tags"] == '["x","y, z"]'
    assert a["publish_at"] == 1795527240000000
    assert a["retire_at"] is None
    assert a["description"] == "  text\n"
    assert "extra" not in a
    assert feed["B"]["prices"] == (("USD", 500, "default", 1, 0, None),)
    assert feed["B"]["prices_whole"] is True
    assert feed["B"]["stock"] == (("default", 7),)
    assert feed["C"]["prices"] == ()
    assert feed["C"]["attributes"] == "{}"


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [
        ("attributes", "{broken", "json.invalid"),
        ("attributes", "[1]", "field.type"),
        ("attributes", '{"a":NaN}', "json.invalid"),
        ("attributes", '{"a":1e999}', "json.invalid"),
        ("attributes", '{"a":"\\ud800"}', "text.invalid"),
        ("attributes", '{"a":"\\u0000"}', "text.invalid"),
        ("attributes", '{"a":' * 40 + "1" + "}" * 40, "json.depth"),
        ("colour", '{"a":' * 40 + "1" + "}" * 40, "json.depth"),
        ("prices", '[{"currency":"EUR"}]', "price.invalid"),
        ("prices", '[{"currency":"EUR","amount":"1"},{"currency":"EUR","amount":"2"}]', "price.twice"),
        ("prices", '[{"currency":"EUR","amount":"1","colour":1}]', "field.unknown"),
        ("prices", '[{"currency":"EUR","amount":"1","min_quantity":0}]', "price.min_quantity"),
        (
            "prices",
            '[{"currency":"EUR","amount":"1","valid_from":"2027-01-01","valid_until":"2026-01-01"}]',
            "price.period",
        ),
        ("components", '[{"sku":"B","quantity":-1}]', "components.quantity"),
        ("kind", "gadget", "kind.unknown"),
        ("status", "perhaps", "status.unknown"),
        ("publish_at", "tomorrow", "date.invalid"),
        ("publish_at", "2h ago", "date.invalid"),
        ("publish_at", "2026-13-45", "date.invalid"),
        ("stock", '{"berlin":"x"}', "stock.invalid"),
        ("category", "x" * 300, "field.too_long"),
        ("brand", "x" * 300, "field.too_long"),
        ("parent_sku", "x" * 300, "sku.too_long"),
        ("options", "nonsense", "options.invalid"),
    ],
)
def test_a_bad_cell(read: Reader, column: str, cell: str, code: str) -> None:
    quoted = cell.replace('"', '""')
    feed = read(f'sku,{column}\nA,"{quoted}"\n')

    assert feed.codes == [(2, code)]


def test_unknown_columns_become_attributes(read: Reader) -> None:
    feed = read(
        'sku,Net weight (kg),Maße,details,list,broken,blank\nA,1.5,"3 ""x""","{""b"":1,""a"":[2]}",[1],[oops,\n'
    )

    assert (
        feed["A"]["extra"] == '{"blank":null,"broken":"[oops","details":{"a":[2],"b":1},"list":[1],"maße":"3 \\"x\\"",'
        '"net_weight_kg":"1.5"}'
    )


def test_repeated_columns_keep_apart(read: Reader) -> None:
    feed = read("sku,colour,colour,name,title\nA,red,blue,Mug,Cup\n")

    assert feed["A"]["extra"] == '{"colour":"red","colour_2":"blue","title":"Cup"}'
    assert feed["A"]["name"] == "Mug"


def test_a_rejects_file_is_read_without_its_five_columns(read: Reader) -> None:
    first = read(HEAD + "A,Mug,abc,1\nB,Cup,1.00,1\n")
    again = read(
        "line,sku,field,code,message,sku,name,price,stock\n2,A,price,price.invalid,no,A,Mug,2.00,1\n3,,,,,B,,1.00,1\n"
    )

    assert again.feed.header == first.feed.header
    assert again["A"]["name"] == "Mug"
    assert "extra" not in again["A"]
    assert again.rejects[0].row == ["B", "", "1.00", "1"]


def test_known_records_are_reported_without_being_read(read: Reader) -> None:
    text = HEAD + 'A,Mug,1.00,1\nB,"Cup\nred",2.00,2\nC,5" jug,oops,3\nD,Pot,4.00,4\n'
    first = read(text)
    hashes = {row[1] for row in first.rows}
    again = read(text, known=hashes)
    changed = read(text.replace("Pot", "Pan"), known=hashes)

    assert again.rows == []
    assert again.known == [(row[0], row[1]) for row in first.rows]
    assert again.codes == first.codes == [(5, "price.invalid")]
    assert changed.skus == ["D"]
    assert len(changed.known) == 2


def test_hashes_depend_on_how_the_bytes_are_read(read: Reader) -> None:
    body = "A,x,1.00,1\n"
    reads = [
        read(HEAD + body),
        read("sku,brand,price,stock\n" + body),
        read(HEAD + body, currency="USD"),
        read(HEAD + body, mapping='[constants]\nbrand = "Acme"'),
    ]

    assert len({feed.rows[0][1] for feed in reads}) == 4
    assert all(-(2**63) <= feed.rows[0][1] < 2**63 for feed in reads)


def test_reading_goes_on_after_a_line(read: Reader) -> None:
    text = HEAD + "".join(f'A{number},"Mug\n{number}",1.00,1\n' for number in range(5000))
    whole = read(text)
    assert len(whole.lines) > 3
    for line in (whole.lines[0], whole.lines[1], whole.lines[-1], 2, 501):
        rest = read(text, start_line=line)
        assert rest.rows == [row for row in whole.rows if row[0] > line]


def test_an_overlong_field_is_refused_by_name(read: Reader) -> None:
    feed = read("sku,description\nA," + "x" * 200 + "\nB,ok\n", limits=Limits(field_characters=100))

    assert feed.codes == [(2, "field.too_long")]
    assert feed.skus == ["B"]


def test_batches_are_about_five_hundred_records(read: Reader) -> None:
    from shopctl.catalogue.feed.opening import open_feed

    text = HEAD + "".join(f"A{number},Mug number {number},1.00,1\n" for number in range(20_000))
    path = read(text).feed.source.name  # type: ignore[attr-defined]
    sizes = [len(batch.rows) for batch in open_feed(path, default_currency="EUR").batches()]

    assert sum(sizes) == 20_000
    assert max(sizes[1:]) < 1000
