"""Base64url and JSON have one spelling each: whatever a lenient reader would take for the same is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopctl.auth.jose import base64url, strict_json

pytestmark = pytest.mark.assure("S7")


@given(st.binary(max_size=70))
def test_bytes_come_back(data: bytes) -> None:
    assert base64url.decode(base64url.encode(data)) == data


@given(st.text(alphabet="ABZaz09-_+/= \n?é", max_size=12))
def test_no_two_texts_mean_the_same_bytes(text: str) -> None:
    try:
        data = base64url.decode(text)
    except ValueError:
        return
    assert base64url.encode(data) == text


@pytest.mark.parametrize(
    "text", ["YQ==", "YQ=", "YR", "Y", "YW=", " YQ", "YQ\n", "Y Q", "YQ?", "+/+/", "YWI\x00", "YÉ", "=", "YQ.YQ"]
)
def test_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"base64|padding|character|encode|[Pp]add"):
        base64url.decode(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"a":1,"a":1}', "twice"),
        (b'{"a":{"b":[{"c":1,"\\u0063":2}]}}', "twice"),
        (b"[]", "object"),
        (b'"text"', "object"),
        (b"null", "object"),
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"{} {}", "not JSON"),
        (b'{"a":1,}', "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b'{"a":"\n"}', "not JSON"),
        (b'\xef\xbb\xbf{"a":1}', "not JSON"),
        ('{"a":1}'.encode("utf-16"), "UTF-8"),
        (b'{"a":"\xff"}', "UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "UTF-8"),
        (b'{"a":"\\ud800"}', "surrogate"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":-Infinity}', "Infinity"),
        (b'{"a":' + b"[" * 7_000 + b"]" * 7_000 + b"}", "deep"),
        (b'{"a":' + b"[" * 32 + b"]" * 32 + b"}", "deep"),
        (b'{"a":' + b"9" * 9_000 + b"}", "digits"),
    ],
)
def test_what_two_readers_could_read_differently_is_refused(text: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        strict_json.read_object(text)


def test_an_object_comes_back() -> None:
    members = {"a": [1, 2.5, None, True], "é": {"b": "🙂"}, "wide": [[]] * 99, "deep": {"[": [[[[[[{}]]]]]]}}
    assert strict_json.read_object(strict_json.write_object(members)) == members
    assert strict_json.read_object(rb'{"a":"\ud83d\ude42"}') == {"a": "🙂"}
