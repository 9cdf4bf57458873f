"""When a product is visible and what it costs."""

from __future__ import annotations

import pytest

from shopctl.catalogue.errors import EndsBeforeItBegins, InvalidTransition
from shopctl.catalogue.life_cycle import published, retired
from shopctl.catalogue.model import LIFE_CYCLE, STATUSES, Price, StockLevel, effective_price, status_at
from support.products import HOUR, NOW, product

BEFORE, AFTER = NOW - HOUR, NOW + HOUR


@pytest.mark.parametrize(
    ("status", "publish_at", "retire_at", "expected"),
    [
        ("draft", None, None, "draft"),
        ("active", None, None, "active"),
        ("retired", None, None, "retired"),
        ("draft", BEFORE, None, "active"),
        ("draft", NOW, None, "active"),
        ("draft", AFTER, None, "draft"),
        ("active", AFTER, None, "draft"),
        ("active", BEFORE, None, "active"),
        ("retired", BEFORE, None, "retired"),
        ("active", None, BEFORE, "retired"),
        ("active", None, NOW, "retired"),
        ("active", None, AFTER, "active"),
        ("draft", None, BEFORE, "retired"),
        ("draft", BEFORE, AFTER, "active"),
        ("draft", BEFORE, NOW, "retired"),
    ],
)
def test_a_schedule_holds_by_time_alone(status: str, publish_at: int | None, retire_at: int | None, expected: str):
    assert status_at(status, publish_at, retire_at, NOW) == expected


def test_the_life_cycle_knows_only_statuses_that_exist():
    assert {status for step in LIFE_CYCLE for status in (*step.sources, step.target)} == set(STATUSES)


def test_a_draft_is_published_at_once():
    done = published(product(status="draft", publish_at=AFTER), None, NOW)

    assert (done.status, done.publish_at, done.status_at(NOW)) == ("active", None, "active")


def test_a_scheduled_product_becomes_visible_at_its_moment():
    done = published(product(status="draft"), AFTER, NOW)

    assert (done.status_at(AFTER - 1), done.status_at(AFTER)) == ("draft", "active")


def test_publishing_what_is_visible_changes_nothing():
    assert published(product(), None, NOW) == product()
    assert published(product(), BEFORE, NOW) == product()


def test_what_is_visible_cannot_be_scheduled_for_publication():
    with pytest.raises(InvalidTransition, match="MUG-1 is active"):
        published(product(), AFTER, NOW)


def test_a_retired_product_comes_back_without_its_past_retirement():
    once = product(retire_at=BEFORE)
    assert once.status_at(NOW) == "retired"

    assert published(once, None, NOW).status_at(NOW) == "active"
    scheduled = published(product(status="retired", retire_at=BEFORE), AFTER, NOW)
    assert (scheduled.status_at(NOW), scheduled.status_at(AFTER)) == ("draft", "active")


def test_a_retirement_to_come_is_kept_when_a_draft_is_published():
    assert published(product(status="draft", retire_at=AFTER), None, NOW).status_at(AFTER) == "retired"


def test_retiring_takes_a_planned_publication_along():
    done = retired(product(status="draft", publish_at=AFTER), None, NOW)

    assert {done.status_at(NOW), done.status_at(AFTER)} == {"retired"}


def test_a_scheduled_retirement_holds_from_its_moment_on():
    done = retired(product(), AFTER, NOW)

    assert (done.status_at(AFTER - 1), done.status_at(AFTER)) == ("active", "retired")


def test_a_product_is_not_retired_before_it_is_published():
    with pytest.raises(EndsBeforeItBegins):
        retired(product(status="draft", publish_at=AFTER), AFTER, NOW)
    with pytest.raises(EndsBeforeItBegins):
        published(product(status="draft", retire_at=AFTER), AFTER + 1, NOW)


def price(amount: int, **given: object) -> Price:
    return Price("EUR", amount)._replace(**given)  # type: ignore[arg-type]


PRICES = [
    price(1000),
    price(900, min_quantity=10),
    price(850, min_quantity=10, valid_from=BEFORE, valid_until=AFTER),
    price(700, list="wholesale", min_quantity=5),
    price(500, valid_from=AFTER),
    price(400, valid_until=NOW),
    Price("USD", 1100),
]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, 1000),
        ({"quantity": 9}, 1000),
        ({"quantity": 10}, 850),
        ({"quantity": 10, "at": AFTER}, 900),
        ({"at": AFTER}, 500),
        ({"at": NOW - 1}, 400),
        ({"quantity": 5, "price_list": "wholesale"}, 700),
        ({"quantity": 4, "price_list": "wholesale"}, 1000),
        ({"price_list": "unheard of"}, 1000),
        ({"currency": "USD"}, 1100),
        ({"currency": "JPY"}, None),
    ],
)
def test_the_price_is_the_lowest_of_the_highest_tier_that_is_valid(asked: dict[str, object], expected: int | None):
    found = effective_price(PRICES, **{"currency": "EUR", "at": NOW, **asked})  # type: ignore[arg-type]

    assert (found and found.amount) == expected


def test_what_a_feed_counts_below_the_reservations_leaves_nothing_available():
    assert StockLevel("default", 3, 5).available == 0
