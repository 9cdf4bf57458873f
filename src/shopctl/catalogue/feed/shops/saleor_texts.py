"""Saleor's rich texts, documents of blocks as EditorJS (before Saleor 3: Draft.js) has them, as HTML and back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import escape
from typing import Any

_DRAFT_HEADERS = {
    f"header-{word}": level for level, word in enumerate(("one", "two", "three", "four", "five", "six"), 1)
}
_BLOCK = re.compile(
    r"<p>(?P<paragraph>.*?)</p>|<h(?P<level>[1-6])>(?P<header>.*?)</h(?P=level)>"
    r"|<(?P<list>ul|ol)>(?P<items>(?:<li>.*?</li>)+)</(?P=list)>|<blockquote>(?P<quote>.*?)</blockquote>",
    re.DOTALL,
)
_ITEM = re.compile(r"<li>(.*?)</li>", re.DOTALL)
_DEEPEST = 20


def html(value: Any) -> str:
    """A document, or the JSON text of one, as HTML, a line a block; what is no document is a text as it stands."""
    if value is None:
        return ""
    document = value
    if isinstance(value, str):
        if not value.lstrip().startswith("{"):
            return value
        try:
            document = json.loads(value)
        except (ValueError, RecursionError):
            return value
    blocks = document.get("blocks") if isinstance(document, dict) else None
    if not isinstance(blocks, list):
        return value if isinstance(value, str) else "" if not value else json.dumps(value, ensure_ascii=False)
    return "\n".join(part for block in blocks if isinstance(block, dict) for part in _html_of(block))


def document(text: str) -> str:
    """The JSON text of the document that means this HTML; a text that no document says exactly stays as it is."""
    blocks: list[dict[str, Any]] = []
    position = 0
    for match in _BLOCK.finditer(text):
        if text[position : match.start()] != ("\n" if blocks else ""):
            return text
        position = match.end()
        blocks.append(_block_of(match))
    written = json.dumps({"blocks": blocks}, ensure_ascii=False, separators=(",", ":"))
    return written if blocks and html(written) == text else text


def _html_of(block: dict[str, Any]) -> Iterator[str]:
    kind, data = str(block.get("type", "")), block.get("data")
    if not isinstance(data, dict):
        data = {}
    if "text" in block:  # Draft.js: plain text
        text = escape(str(block["text"]), quote=False)
        level = _DRAFT_HEADERS.get(kind)
        tag = f"h{level}" if level else {"blockquote": "blockquote"}.get(kind, "p")
        yield f"<ul><li>{text}</li></ul>" if kind.endswith("list-item") else f"<{tag}>{text}</{tag}>"
        return
    text = _text(data.get("text"))
    if kind == "header":
        level = data.get("level")
        level = level if isinstance(level, int) and 1 <= level <= 6 else 2
        yield f"<h{level}>{text}</h{level}>"
    elif kind == "list":
        yield _list(data, data.get("items"), 0)
    elif kind == "quote":
        yield f"<blockquote>{text}</blockquote>"
    elif kind == "delimiter":
        yield "<hr>"
    elif kind == "code":
        yield f"<pre>{escape(_text(data.get('code')), quote=False)}</pre>"
    elif kind == "raw":
        yield _text(data.get("html"))
    elif kind in ("image", "embed"):
        yield from _picture(kind, data)
    elif text:
        yield f"<p>{text}</p>"


def _list(data: dict[str, Any], items: Any, depth: int) -> str:
    tag = "ol" if data.get("style") == "ordered" else "ul"
    inner = ""
    for item in items if isinstance(items, list) and depth < _DEEPEST else ():
        if isinstance(item, dict):  # newer lists nest
            deeper = _list(data, item.get("items"), depth + 1) if item.get("items") else ""
            inner += f"<li>{_text(item.get('content'))}{deeper}</li>"
        else:
            inner += f"<li>{_text(item)}</li>"
    return f"<{tag}>{inner}</{tag}>"


def _picture(kind: str, data: dict[str, Any]) -> Iterator[str]:
    file = data.get("file")
    link = _text(file.get("url") if isinstance(file, dict) else data.get("url") or data.get("source"))
    caption = _text(data.get("caption"))
    if kind == "image" and link:
        yield f'<img src="{escape(link)}" alt="{escape(caption)}">'
    elif link:
        yield f'<a href="{escape(link)}">{caption or escape(link)}</a>'


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _block_of(match: re.Match[str]) -> dict[str, Any]:
    if match["list"]:
        style = "ordered" if match["list"] == "ol" else "unordered"
        return {"type": "list", "data": {"style": style, "items": _ITEM.findall(match["items"])}}
    if match["level"]:
        return {"type": "header", "data": {"text": match["header"], "level": int(match["level"])}}
    if match["quote"] is not None:
        return {"type": "quote", "data": {"text": match["quote"]}}
    return {"type": "paragraph", "data": {"text": match["paragraph"]}}
