"""NDJSON and JSON, record by record."""

from __future__ import annotations

import json

import pytest

from shopctl.catalogue.feed.errors import BadJson, NoIdentity, NoRows
from shopctl.records.errors import BrokenFeed, EndlessRecord, Truncated
from shopctl.records.source import Limits
from unit.catalogue.feed.conftest import Reader

FULL = {
    "sku": "A",
    "parent_sku": "P",
    "kind": "bundle",
    "status": "draft",
    "name": "Mug",
    "description": "line\nline",
    "brand": None,
    "category": "Home > Kitchen",
    "categories": ["Gifts>Small"],
    "tax_class": "books",
    "options": {"Size": "L", "Count": 2},
    "attributes": {"b": {"c": [1, 2.5, None]}, "a": True},
    "tags": ["x", "y", "x"],
    "media": ["https://e.test/1.jpg", {"url": "https://e.test/2.mp4", "alt": "two", "kind": "video"}],
    "components": [{"sku": "B", "quantity": 2}, {"sku": "C"}],
    "publish_at": "2026-11-24T13:34:00Z",
    "retire_at": None,
    "prices": [{"currency": "EUR", "amount": "19.99"}, {"currency": "KWD", "amount": 1.234, "min_quantity": 5}],
    "stock": {"berlin": 3, "default": 1},
    "weight": {"value": 1.5, "unit": "kg"},
}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(FULL),
        json.dumps(FULL) + "\n\n",
        json.dumps([FULL]),
        json.dumps([FULL], indent=2),
        json.dumps({"total": 1, "x": [{"a": "]}"}], "products": [FULL], "more": {"b": "]"}}),
        json.dumps({"products": [FULL]}, indent=2),
        "\ufeff" + json.dumps([FULL]),
    ],
)
def test_all_fields(read: Reader, text: str) -> None:
    feed = read(text)
    product = feed["A"]

    assert feed.rejects == []
    assert product["brand"] == ""
    assert product["categories"] == '["Gifts > Small"]'
    assert product["options"] == '{"Count":"2","Size":"L"}'
    assert product["attributes"] == '{"a":true,"b":{"c":[1,2.5,null]}}'
    assert product["tags"] == '["x","y"]'
    assert (
        product["media"]
        == '[{"alt":"","url":"https://e.test/1.jpg"},{"alt":"two","kind":"video","url":"https://e.test/2.mp4"}]'
    )
    assert product["components"] == '[{"quantity":2,"sku":"B"},{"quantity":1,"sku":"C"}]'
    assert (product["publish_at"], product["retire_at"]) == (1795527240000000, None)
    assert product["prices"] == (("EUR", 1999, "default", 1, 0, None), ("KWD", 1234, "default", 5, 0, None))
    assert product["prices_whole"] is True
    assert product["stock"] == (("berlin", 3), ("default", 1))
    assert product["extra"] == '{"weight":{"unit":"kg","value":1.5}}'


def test_absent_keys_are_not_given(read: Reader) -> None:
    assert set(read('{"sku":"A","name":"Mug"}\n')["A"]) == {"line", "hash", "sku", "name"}


@pytest.mark.parametrize(
    ("price", "minor"),
    [("19.99", 1999), ('"19.99"', 1999), ("0.1", 10), ("5", 500), ('"1.234,50"', 123450),
     ("4503599627370497.25", 450359962737049725)]
)  # fmt: skip
def test_prices_are_read_from_their_digits(read: Reader, price: str, minor: int) -> None:
    feed = read(f'{{"sku":"A","price":{price}}}\n')

    assert feed["A"]["prices"] == (("EUR", minor, "default", 1, 0, None),)
    assert feed["A"]["prices_whole"] is False


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ('{"sku":""}', "sku.missing"),
        ('{"name":"x"}', "sku.missing"),
        ('{"sku":"A","name":null}', "name.missing"),
        ('{"sku":["A"]}', "field.type"),
        ('{"sku":"A","price":"1e5"}', "price.invalid"),
        ('{"sku":"A","price":1E400}', "price.invalid"),
        ('{"sku":"A","price":NaN}', "json.invalid"),
        ('{"sku":"A","x":1e400}', "json.invalid"),
        ('{"sku":"A","price":-1}', "price.negative"),
        ('{"sku":"A","stock":1.5}', "stock.invalid"),
        ('{"sku":"A","stock":true}', "stock.invalid"),
        ('{"sku":"A","attributes":[]}', "field.type"),
        ('{"sku":"A","x":"\\ud800"}', "text.invalid"),
        ('{"sku":"A","x":"\\u0000"}', "text.invalid"),
        ('{"sku":"A","x":' + "[" * 50 + "]" * 50 + "}", "json.depth"),
        ('{"sku":"A","name":"x"', "json.invalid"),
        ("[1]", "json.type"),
        ('{"sku":"A","name":"' + "x" * 2001 + '"}', "field.too_long"),
    ],
)
def test_a_bad_record_is_named_and_the_others_go_in(read: Reader, record: str, code: str) -> None:
    feed = read(f'{{"sku":"OK-1"}}\n{record}\n{{"sku":"OK-2"}}\n')

    assert feed.codes == [(2, code)]
    assert feed.skus == ["OK-1", "OK-2"]
    assert feed.rejects[0].row == [record]


def test_a_record_that_is_not_utf_8_is_named(read: Reader) -> None:
    feed = read(b'{"sku":"A"}\n{"sku":"B\xff"}\n{"sku":"C"}\n')

    assert feed.codes == [(2, "text.encoding")]


def test_backslashes_before_a_u_are_no_escapes(read: Reader) -> None:
    assert read('{"sku":"A","name":"C:\\\\u0000"}\n')["A"]["name"] == "C:\\u0000"


def test_repeated_keys_the_last_wins(read: Reader) -> None:
    assert read('{"sku":"A","name":"x","name":"y"}\n')["A"]["name"] == "y"


def test_other_names_for_the_fields(read: Reader) -> None:
    feed = read('{"id":7,"sku":"A","title":"Mug","vendor":"Acme","price_usd":2}\n{"id":8,"title":"Cup"}\n')

    assert feed["A"]["brand"] == "Acme"
    assert feed["A"]["extra"] == '{"id":7}'
    assert feed["A"]["prices"] == (("USD", 200, "default", 1, 0, None),)
    assert feed["8"]["name"] == "Cup"


@pytest.mark.parametrize("size", [1, 10, 700, 100_000])
def test_long_documents_in_any_chunk(read: Reader, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from shopctl.catalogue.feed.readers import json as reader

    monkeypatch.setattr(reader, "_CHUNK", size)
    records = [{"sku": f"A{number}", "name": f'x "{number}" \\ ]}}', "n": [{"a": []}]} for number in range(50)]
    feed = read(json.dumps(records, indent=1))

    assert feed.skus == [record["sku"] for record in records]
    assert [row[0] for row in feed.rows] == list(range(1, 51))
    assert feed["A7"]["name"] == 'x "7" \\ ]}'


def test_known_records_and_resuming(read: Reader) -> None:
    text = "".join(json.dumps({"sku": f"A{number}", "name": "x"}) + "\n" for number in range(1200))
    first = read(text)
    again = read(text, known=[row[1] for row in first.rows[:700]])

    assert again.known == [(row[0], row[1]) for row in first.rows[:700]]
    assert again.rows == first.rows[700:]
    assert read(text, start_line=first.lines[0]).rows == first.rows[first.lines[0] :]
    assert read(text, start_line=1).rows == first.rows[1:]


def test_the_rejects_of_a_json_feed_are_read_again(read: Reader) -> None:
    bad = read('{"sku":"A","name":"","options":{"Size":"L"}}\n{"sku":"B"}\n')
    cell = bad.rejects[0].row[0].replace('"name":""', '"name":"Mug"').replace('"', '""')
    mended = read(f'line,sku,field,code,message,record\n1,A,name,name.missing,no,"{cell}"\n2,,,,,"{{"\n')

    assert bad.feed.header == ["record"]
    assert mended["A"]["name"] == "Mug"
    assert mended["A"]["options"] == '{"Size":"L"}'
    assert set(mended["A"]) == {"line", "hash", "sku", "name", "options"}
    assert mended.codes == [(3, "json.invalid")]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[]", NoRows),
        ('{"products":[]}', NoRows),
        ("[1,2]", BadJson),
        ('[{"sku":"A"} {"sku":"B"}]', BadJson),
        ('[{"sku":"A"}] x', BadJson),
        ('[{"sku":"A"},]', BadJson),
        ('[{"sku":"A"}', Truncated),
        ('[{"sku":"A","name":"Mu', Truncated),
        ('{"items":[{"sku":"A"}],\n"x":1}', BadJson),
        ('{"products":[{"sku":"A"}],\n"x":', Truncated),
        ("[" * 100_000, BadJson),
        ('[{"a":' + "[" * 100_000, Truncated),
        ('{"a":' * 100_000, Truncated),
        ('[{"name":"x"}]', NoIdentity),
        ('{"name":"x"}\n{"name":"y"}\n', NoIdentity),
        ("{oops\n", BrokenFeed),
    ],
)
def test_a_broken_document_is_refused(read: Reader, text: str, error: type[BrokenFeed]) -> None:
    with pytest.raises(error) as refused:
        read(text)

    assert refused.value.exit_code == 12
    assert refused.value.advice


@pytest.mark.parametrize("start", ['[{"a":"', '{"sku":"A"}\n{"a":"'])
def test_a_record_without_end_is_refused(read: Reader, start: str) -> None:
    with pytest.raises(EndlessRecord):
        read(start + "x" * 2_000_000, limits=Limits(record_bytes=100_000))


@pytest.mark.parametrize(
    ("number", "cents"),
    [("1e2", 10000), ("1E+2", 10000), ("1.5E+1", 1500), ("199e-2", 199), ("1.23456789e7", 1234567890)],
)
def test_a_number_may_have_an_exponent(read: Reader, number: str, cents: int) -> None:
    row = read(f'{{"sku":"A","price":{number},"stock":1e2}}\n{{"sku":"B","prices":[{{"amount":{number}}}]}}'.encode())

    assert [row[sku]["prices"][0][1] for sku in "AB"] == [cents, cents]
    assert row["A"]["stock"] == (("default", 100),)


@pytest.mark.parametrize("number", ['"1e2"', "1e400", "1e-400", "1e99", "-1e2", f"1{'0' * 50}e1"])
def test_an_exponent_in_a_text_or_beyond_all_prices_is_refused(read: Reader, number: str) -> None:
    codes = read(f'{{"sku":"A","price":{number}}}'.encode()).codes

    assert len(codes) == 1
    assert codes[0][1].startswith("price.")
