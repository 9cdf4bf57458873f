"""Products as documents of a search index."""

from __future__ import annotations

import pytest

from shopctl.catalogue.documents import costs_with, facts_of, visible, with_ancestors, without_markup
from shopctl.catalogue.model import STATUSES, status_at
from shopctl.catalogue.ports import Cost


def test_facts_are_flat_and_each_stands_once():
    found = facts_of(
        '{"Size":"M"}', '{"Size":"M","dim":{"w":3,"h":2.5},"for":["cats","dogs"],"new":true,"old":null,"x":""}'
    )

    assert found == (
        ("Size", "M"), ("dim.w", "3"), ("dim.h", "2.5"), ("for", "cats"), ("for", "dogs"), ("new", "true"),
    )  # fmt: skip


def test_the_markup_of_a_description_is_no_word_of_it():
    assert without_markup('<p class="x">Tin,<br/>soldered &amp; old</p>').split() == ["Tin,", "soldered", "&", "old"]
    assert without_markup("3 < 4 > 2") == "3 < 4 > 2"
    assert len(without_markup("<a" * 100_000)) == 200_000


def test_a_whole_number_is_written_without_its_point():
    assert facts_of('{"watts":60.0,"big":1e300}') == (("watts", "60"), ("big", "1e+300"))


def test_a_category_stands_with_all_that_are_above_it():
    assert with_ancestors(["Home > Kitchen > Mugs", "Home > Gifts"]) == (
        "Home", "Home > Kitchen", "Home > Kitchen > Mugs", "Home > Gifts",
    )  # fmt: skip


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("publish_at", [None, 10, 30])
@pytest.mark.parametrize("retire_at", [None, 20, 40])
def test_a_product_is_visible_just_when_its_status_is_active(status, publish_at, retire_at):
    span = visible(status, publish_at, retire_at)

    for now in range(0, 50, 5):
        shown = span is not None and span[0] <= now < span[1]
        assert shown == (status_at(status, publish_at, retire_at, now) == "active"), now


def test_what_costs_the_same_at_every_moment_is_told_from_what_does_not():
    one, other = Cost("USD", (500,), False), Cost("EUR", (400,), False)

    assert costs_with((one,), other) == (one, other)
    assert costs_with((one, other), Cost("USD", (300,), True)) == (Cost("USD", (500, 300), True), other)
