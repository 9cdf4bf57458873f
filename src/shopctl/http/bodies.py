"""Bodies of requests: JSON or a form, small, whole in time, and such that every database can keep them."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from fastapi import Request

from shopctl.http.errors import BodyInvalid, BodySlow, BodyTooLarge, BodyUnsupported

LARGEST = 64 << 10  # bytes
SECONDS = 10.0  # that a body may take
_FORM = "application/x-www-form-urlencoded"
_FIELDS = 1_000


async def read_body(request: Request) -> Any:
    """The body as a JSON value; a form is an object of texts, or of lists where a field comes more than once.

    No body at all is None. Raises BodyTooLarge, BodyUnsupported, BodyInvalid, BodySlow.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not (_is_json(kind) or kind in ("", _FORM)):
        raise BodyUnsupported()
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise BodyUnsupported()  # nothing is unpacked that might be a bomb
    try:
        async with asyncio.timeout(SECONDS):
            data = await _read(request)
    except TimeoutError:
        raise BodySlow(seconds=f"{SECONDS:g}") from None
    if not data:
        return None
    if not kind:
        raise BodyUnsupported()
    return parse_json(data) if _is_json(kind) else parse_form(data)


def parse_json(data: bytes) -> Any:
    """JSON in UTF-8 (RFC 8259) without NaN, endless numbers, NUL characters and halves of characters.

    Raises BodyInvalid.
    """
    try:
        value = json.loads(data.decode(), parse_constant=_refuse)
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    except UnicodeDecodeError:
        raise BodyInvalid(kind="JSON", reason="it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise BodyInvalid(kind="JSON", reason=f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except (ValueError, RecursionError):
        raise BodyInvalid(kind="JSON", reason="it is nested too deeply, or a number is none") from None
    _check_text(text, "JSON")
    return value


def parse_form(data: bytes) -> dict[str, str | list[str]]:
    """The fields of a form in UTF-8. Raises BodyInvalid."""
    try:
        pairs = parse_qsl(
            data.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS, strict_parsing=True
        )
    except ValueError:
        raise BodyInvalid(kind="a form", reason="it is not URL-encoded UTF-8, or has too many fields") from None
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    _check_text(json.dumps(fields, ensure_ascii=False), "a form")
    return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}


async def _read(request: Request) -> bytes:
    length = request.headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and int(length[:12]) > LARGEST:
        raise BodyTooLarge(largest=LARGEST)
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > LARGEST:
            raise BodyTooLarge(largest=LARGEST)
    return bytes(data)


def _is_json(kind: str) -> bool:
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _check_text(text: str, kind: str) -> None:
    # PostgreSQL takes neither NUL nor half a character.
    if "\\u0000" in text.replace("\\\\", "") or not _is_whole(text):
        raise BodyInvalid(kind=kind, reason="it holds a character that cannot be stored")


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
