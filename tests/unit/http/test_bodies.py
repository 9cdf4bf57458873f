"""Bodies of requests: what is taken, and what is refused before anything reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import Request

from shopctl.http import bodies
from shopctl.http.bodies import LARGEST, parse_form, parse_json, read_body
from shopctl.http.errors import BodyInvalid, BodySlow, BodyTooLarge, BodyUnsupported


def read(*parts: bytes, **headers: str) -> Any:
    """What `read_body` makes of a request that comes in these parts."""
    left = iter(parts)

    async def receive() -> dict[str, Any]:
        for part in left:
            return {"type": "http.request", "body": part, "more_body": True}
        return {"type": "http.request", "body": b"", "more_body": False}

    return asyncio.run(read_body(Request(scope(headers), receive)))


def scope(headers: dict[str, str]) -> dict[str, Any]:
    listed = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": "POST", "headers": listed}


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=utf-8", "application/cloudevents+json"]
)
def test_json_is_taken(kind: str) -> None:
    assert read(b'{"state":', b'"done"}', content_type=kind) == {"state": "done"}


def test_a_form_is_taken() -> None:
    assert read(b"a=1&b=x%20y&b=", content_type="application/x-www-form-urlencoded") == {"a": "1", "b": ["x y", ""]}


def test_no_body_is_taken() -> None:
    assert read() is None
    assert read(content_type="application/json") is None


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": "text/plain"},
        {"content_type": "multipart/form-data; boundary=x"},
        {"content_type": "application/xml"},
        {"content_type": "text/json"},
        {},
        {"content_type": "application/json", "content_encoding": "gzip"},
    ],
)
def test_anything_else_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(BodyUnsupported):
        read(b"{}", **headers)


@pytest.mark.assure("S23")
def test_a_body_that_is_too_large_is_not_read_to_its_end() -> None:
    asked: list[int] = []

    def endless() -> Iterator[bytes]:
        while True:
            asked.append(1)
            yield b" " * 10_000

    with pytest.raises(BodyTooLarge):
        read(*[b" " * 10_000] * 7, content_type="application/json")
    with pytest.raises(BodyTooLarge):
        read(b"{}", content_type="application/json", content_length=str(LARGEST + 1))
    with pytest.raises(BodyTooLarge):
        read(b"{}", content_type="application/json", content_length="9" * 5_000)
    parts = endless()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": next(parts), "more_body": True}

    with pytest.raises(BodyTooLarge):
        asyncio.run(read_body(Request(scope({"content_type": "application/json"}), receive)))
    assert len(asked) == 7


def test_a_body_has_to_come_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SECONDS", 0.01)

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(10)
        raise AssertionError

    with pytest.raises(BodySlow):
        asyncio.run(read_body(Request(scope({"content_type": "application/json"}), receive)))


@pytest.mark.assure("S23")
@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"{'a': 1}", b"NaN", b"[-Infinity]", b"1e999", b"9" * 5_000, b"[" * 60_000, b'"\xff"', b'"\\u0000"',
        b'"\\ud800"', b'{"a\\u0000": 1}', b"\xef\xbb\xbf{}",
    ],
)  # fmt: skip
def test_json_that_could_not_be_kept_is_refused(text: bytes) -> None:
    with pytest.raises(BodyInvalid):
        parse_json(text)


def test_json_that_only_looks_so_is_taken() -> None:
    assert parse_json(rb'"\\u0000 \u00e4 \ud83d\ude00"') == "\\u0000 ä 😀"


@pytest.mark.parametrize("text", [b"a", b"a=%ff", b"a=\xff", b"&".join([b"a=1"] * 1_001), b"a=%00"])
def test_a_form_that_could_not_be_kept_is_refused(text: bytes) -> None:
    with pytest.raises(BodyInvalid):
        parse_form(text)
