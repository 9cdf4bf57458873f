"""Whatever is typed, a search answers, and quickly."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shopctl.catalogue.engines.errors import BadCondition, BadRange, UnknownSearchField
from shopctl.catalogue.searching import SearchRequest, SearchService
from support.parts import FULL

NASTY = [
    '"', "'", '"mug', "mug\"'", "mug AND", "OR", "NOT mug", "+mug -mug", "name:mug", "mug^5", "mug~2", "[a TO b]", "{*",
    "(", "))", "*", "?", "mug*", "/mug/", "\\", "a && b || !c", "mug\x00", "\x01", "\ud800", "é\u0301", "🫖☕", "مرحبا",
    "中文杯子", "İı", "ﬁ", "\u202emug", "a" * 10_000, "mug " * 10_000, "ab " * 5_000, " ".join(map(str, range(4000))),
    "(a+)+$" * 50, '"' * 5_000, '5" ' * 30_000, "1 in " * 20_000, '"mug" ' * 3_000, "a1" * 25_000, "x" * 100_000,
    "price:0-5", "price:-", "price:" + "1-2," * 5_000, "price:9-1", "mgu", "mgu " * 40, "blue-mug", "”mug“",
    "%", "_", ";drop table product", "-", "--", "\t\n", "'; select 1; --",
]  # fmt: skip


@pytest.fixture
def mugs(search: SearchService, stored: Callable[..., None]) -> SearchService:
    stored("MUG-1", name="Blue mug", brand='O\'Neil "&" Söhne', attributes={"a\x02b(*": "x[y", "color": "red"})
    search.refresh()
    return search


def answered(search: SearchService, text: str) -> float:
    """Ask in every place text can stand; how many seconds the slowest answer took."""
    slowest = 0.0
    for request in (
        SearchRequest(text, facets=["brand"]),
        SearchRequest("", where=[f"brand={text}"]),
        SearchRequest("", where=[f"attributes.color!={text}"]),
        SearchRequest("", where=[f"attributes.{text}=1"]),
        SearchRequest("", where=[text]),
        SearchRequest("", facets=[text]),
        SearchRequest("", facets=[f"attributes.{text}"]),
    ):
        began = time.monotonic()
        try:
            found = search.search(request)
        except (BadCondition, BadRange, UnknownSearchField):
            assert request.where or request.facets, "words alone are never refused"
            continue
        finally:
            slowest = max(slowest, time.monotonic() - began)
        assert found["total"] == len(found["hits"]) <= 1
        json.dumps(found).encode()
    return slowest


def test_no_question_is_an_error(mugs):
    for text in NASTY:
        assert answered(mugs, text) < 5, text[:100]


def naughty(shared_data: Path, engine_name: str) -> list[str]:
    strings: list[str] = json.loads((shared_data / "security/naughty-strings.json").read_text())
    assert len(strings) == 515
    return strings[:: 12 if engine_name == "whoosh" else 1 if FULL else 3]  # Whoosh takes its time


@pytest.mark.assure("S25")
def test_naughty_strings_are_questions_like_any_other(mugs, shared_data: Path, engine_name: str):
    strings = naughty(shared_data, engine_name)

    for text in strings:
        answered(mugs, text)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.text(st.characters(exclude_categories=()), max_size=80))
@example("\ud800")
def test_any_text_is_a_question(mugs, text):
    answered(mugs, text)


@pytest.mark.assure("S25")
def test_a_naughty_name_is_found_by_itself(search, stored, shared_data, engine_name):
    strings = naughty(shared_data, engine_name)
    names = {f"N-{number:03}": text for number, text in enumerate(strings) if text.strip() and "\x00" not in text}
    for sku, text in names.items():
        stored(sku, name=text, brand=text[:200])
    index = search.indexing
    search.refresh()

    for sku, text in names.items():
        found = search.search(SearchRequest("", where=[f"brand='{text[:200]}'"], limit=100))
        assert sku in [hit["sku"] for hit in found["hits"]], text
        if index.opened().words(text):
            found = search.search(SearchRequest(text, limit=600))
            assert sku in [hit["sku"] for hit in found["hits"]], text
