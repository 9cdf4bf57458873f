"""Documents of blocks as HTML and back."""

from __future__ import annotations

import json

import pytest

from shopctl.catalogue.feed.shops.saleor_texts import document, html


def _block(kind: str, **data: object) -> dict[str, object]:
    return {"type": kind, "data": data}


BLOCKS = [
    (_block("paragraph", text="A <b>good</b> cup"), "<p>A <b>good</b> cup</p>"),
    (_block("header", text="Care", level=3), "<h3>Care</h3>"),
    (_block("list", style="unordered", items=["warm", "cold"]), "<ul><li>warm</li><li>cold</li></ul>"),
    (_block("list", style="ordered", items=["one"]), "<ol><li>one</li></ol>"),
    (_block("quote", text="Fine."), "<blockquote>Fine.</blockquote>"),
]


@pytest.mark.parametrize(("block", "text"), BLOCKS)
def test_a_block_and_back(block: dict[str, object], text: str) -> None:
    assert html({"blocks": [block]}) == html(json.dumps({"blocks": [block]})) == text
    assert json.loads(document(text)) == {"blocks": [block]}


def test_a_whole_document_and_back() -> None:
    text = "\n".join(part for _, part in BLOCKS)

    assert html({"time": 1, "blocks": [block for block, _ in BLOCKS], "version": "2.22.2"}) == text
    assert html(document(text)) == text


@pytest.mark.parametrize(
    "text", ["", "A cup", "<div>A cup</div>", "<p>A cup</p> ", "<p>A</p><p>B</p>", "{", "{}", "[1]"]
)
def test_what_no_document_says_stays_as_it_is(text: str) -> None:
    assert document(text) == text
    assert html(text) == text


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"type": "unstyled", "text": "1 < 2", "entityRanges": []}, "<p>1 &lt; 2</p>"),
        ({"type": "header-two", "text": "Care"}, "<h2>Care</h2>"),
        ({"type": "unordered-list-item", "text": "warm"}, "<ul><li>warm</li></ul>"),
        (
            _block("list", items=[{"content": "a", "items": [{"content": "b"}]}]),
            "<ul><li>a<ul><li>b</li></ul></li></ul>",
        ),
        (_block("image", file={"url": 'a.jpg?x="1"'}), '<img src="a.jpg?x=&quot;1&quot;" alt="">'),
        (_block("header", text="x", level="9"), "<h2>x</h2>"),
        (_block("paragraph", text=None), ""),
        ("no block", ""),
    ],
)
def test_blocks_of_older_and_odder_documents(block: object, text: str) -> None:
    assert html({"blocks": [block]}) == text
