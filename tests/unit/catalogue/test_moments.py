"""Which moments of a product change what buyers meet."""

from __future__ import annotations

from shopctl.catalogue.model import Price
from shopctl.catalogue.moments import fallen_due, next_of, prices_replaced
from support.products import product


def told(made, since=1, until=100):
    return list(fallen_due(made, since=since, until=until))


def test_a_product_appears_and_disappears_at_its_moments():
    made = product(status="draft", publish_at=10, retire_at=20)

    assert told(made) == [(10, "publication_due"), (20, "publication_due")]
    assert [next_of(made, after=at) for at in (9, 10, 19, 20)] == [10, 20, 20, None]


def test_a_price_falls_due_when_it_begins_and_when_it_ends():
    made = product(prices=(Price("EUR", 500), Price("EUR", 400, valid_from=10, valid_until=20)))

    assert told(made) == [(10, "price_due"), (20, "price_due")]
    assert told(made, since=11) == [(20, "price_due")]
    assert told(made, until=19) == [(10, "price_due")]


def test_one_moment_is_told_once():
    followed = (Price("EUR", 400, valid_from=10, valid_until=20), Price("EUR", 300, valid_from=20))

    assert told(product(prices=followed)) == [(10, "price_due"), (20, "price_due")]
    assert told(product(prices=followed, publish_at=20)) == [(20, "publication_due")]


def test_nothing_falls_due_where_buyers_see_nothing():
    price = (Price("EUR", 400, valid_from=10),)

    assert told(product(status="draft", prices=price)) == []
    assert told(product(status="retired", prices=price, retire_at=20)) == []
    assert next_of(product(status="retired", prices=price, retire_at=20), after=1) is None
    assert told(product(retire_at=5, prices=price)) == [(5, "publication_due")]


def test_the_prices_that_change_at_a_moment_are_those_of_their_list_and_quantity():
    usual, sale = Price("EUR", 500), Price("EUR", 400, valid_from=10, valid_until=20)
    made = product(prices=(usual, sale, Price("EUR", 300, "vip"), Price("EUR", 450, "default", 10, 10)))

    begins, ends = (list(prices_replaced(made, at)) for at in (10, 20))

    assert [(tier.key, before, after) for tier, before, after in begins] == [
        (("EUR", "default", 1, 0), usual, sale),
        (("EUR", "default", 10, 0), None, Price("EUR", 450, "default", 10, 10)),
    ]
    assert [(before, after) for _, before, after in ends] == [(sale, usual)]
