"""Finding products: the index says which match, the database what they are at this moment."""

from __future__ import annotations

import pytest

from shopctl.catalogue.engines.errors import BadCondition, BadRange, UnknownSearchField, UnknownSort
from shopctl.catalogue.searching import SearchRequest
from shopctl.kernel.errors import UsageError
from support.products import HOUR, NOW


def test_a_hit_has_the_price_and_the_stock_of_this_moment(search, database, stored):
    stored("MUG-1", name="Blue mug", brand="Acme", category="Home > Kitchen", stock=7, prices=[("USD", 1999)])
    search.refresh()
    with database.unit() as unit:
        unit.execute("update price set amount = 1499")
        unit.execute("update stock set on_hand = 5")
        unit.execute(
            """insert into reservation (id, product_id, location, quantity, holder, state, created_at, expires_at)
               values ('r', 1, 'default', 2, 'x', 'held', 0, :until)""",
            until=NOW + HOUR,
        )

    found = search.search(SearchRequest("mug"))

    assert found["hits"][0].pop("score") > 0
    assert found.pop("took_ms") > 0
    assert found == {
        "total": 1,
        "hits": [
            {
                "sku": "MUG-1",
                "name": "Blue mug",
                "brand": "Acme",
                "category": "Home > Kitchen",
                "price": {"amount": "14.99", "currency": "USD"},
                "stock": 3,
            }
        ],
        "facets": {},
        "suggestion": None,
        "lag": 0,
        "left_out": [],
    }


def test_a_price_is_that_of_the_currency_asked_for_or_none(search, stored):
    stored("MUG-1", prices=[("USD", 1999), ("JPY", 300)])

    prices = [search.search(SearchRequest("", currency=one))["hits"][0]["price"] for one in (None, "jpy", "EUR")]

    assert prices == [{"amount": "19.99", "currency": "USD"}, {"amount": "300", "currency": "JPY"}, None]


def test_without_a_currency_asked_for_a_price_in_another_is_better_than_none(search, stored):
    stored("HAT-1", prices=[("JPY", 300), ("EUR", 1250), ("EUR", 100, "members")])

    prices = [search.search(SearchRequest("", currency=one))["hits"][0]["price"] for one in (None, "USD")]

    assert prices == [{"amount": "12.50", "currency": "EUR"}, None]


def test_only_what_buyers_meet_is_found_unless_a_status_is_asked_for(skus, stored, turned):
    stored("ACTIVE")
    stored("DRAFT", status="draft")
    stored("RETIRED", status="retired")
    stored("SOON", status="draft", publish_at=NOW + HOUR)
    stored("ENDING", retire_at=NOW + HOUR)

    assert skus() == ["ACTIVE", "ENDING"]
    assert skus(where=["status=draft"]) == ["DRAFT", "SOON"]
    assert skus(where=["status!=draft"]) == ["ACTIVE", "ENDING", "RETIRED"]
    turned.time += HOUR
    assert skus() == ["ACTIVE", "SOON"], "no change was made, time went on"
    assert skus(where=["status=retired"]) == ["ENDING", "RETIRED"]


def test_conditions_on_price_take_the_price_that_holds(skus, stored, turned):
    stored("CHEAP", prices=[("USD", 999)])
    stored("DEAR", prices=[("USD", 2000), ("USD", 500, "default", 10), ("USD", 400, "members")])
    stored("SALE", prices=[("USD", 3000), ("USD", 1000, "default", 1, NOW + HOUR, NOW + 2 * HOUR)])
    stored("EURO", prices=[("EUR", 100)])
    stored("NONE")

    assert skus(where=["price<20"]) == ["CHEAP"]
    assert skus(where=["price<=20"]) == ["CHEAP", "DEAR"]
    assert skus(where=["price!=9.99"]) == ["DEAR", "SALE"]
    assert skus(where=["price>5", "price<20.001", "sku!=cheap"]) == ["DEAR"]
    assert skus(where=["price<20"], currency="EUR") == ["EURO"]
    assert skus(where=["price<999999999999999999"]) == ["CHEAP", "DEAR", "SALE"]
    turned.time += HOUR
    assert skus(where=["price<20"]) == ["CHEAP", "SALE"]


def test_prices_are_those_of_the_moment_in_counts_and_facets_too(search, stored, turned):
    soon, later = NOW + HOUR, NOW + 2 * HOUR
    stored("A", name="Mug", brand="Acme", prices=[("USD", 1000)])
    stored("B", name="Mug", brand="Bolt", prices=[("USD", 3000), ("USD", 900, "default", 1, soon, later)])
    stored("C", name="Mug", brand="Crane", prices=[("USD", 700, "default", 1, 0, soon)])
    stored("D", name="Mug", brand="Dune", prices=[("USD", 1000), ("USD", 10, "default", 10)])

    def asked(*where: str) -> tuple[list[str], int, list[str]]:
        found = search.search(SearchRequest("mug", where, ("brand",), limit=2))
        return [hit["sku"] for hit in found["hits"]], found["total"], [one["value"] for one in found["facets"]["brand"]]

    assert asked("price<=10") == (["A", "C"], 3, ["Acme", "Crane", "Dune"])
    assert asked("price>=9") == (["A", "B"], 3, ["Acme", "Bolt", "Dune"])
    turned.time = soon
    assert asked("price<=10") == (["A", "B"], 3, ["Acme", "Bolt", "Dune"])
    assert asked("price<1") == ([], 0, [])
    turned.time = later
    assert asked("price<=10") == (["A", "D"], 2, ["Acme", "Dune"])
    assert asked("price!=10") == (["B"], 1, ["Bolt"])


def test_a_price_that_no_change_tells_of_is_still_not_shown_as_fitting(search, database, stored):
    stored("A", "B", "C", name="Mug", prices=[("USD", 500)])
    search.refresh()
    with database.unit() as unit:
        unit.execute("update price set amount = 900 where product_id = 2")

    found = search.search(SearchRequest("mug", ["price<6"], ["kind"]))

    assert [(hit["sku"], hit["price"]["amount"]) for hit in found["hits"]] == [("A", "5.00"), ("C", "5.00")]
    assert (found["total"], found["facets"]) == (2, {"kind": [{"value": "physical", "count": 2}]})


def test_a_price_set_while_another_process_writes_the_index_counts_at_once(search, database, stored, turned):
    from shopctl.catalogue import edits
    from shopctl.catalogue.model import Price

    stored("A", "B", name="Mug", prices=[("USD", 500)])
    search.refresh()
    with database.unit() as unit:
        [product] = edits.locked(unit, ["A"], now=NOW)
        dearer = product._replace(prices=(Price("USD", 900),))
        edits.save(unit, [edits.Edit(product, dearer)], kind="update", now=NOW, actor="os:anna")

    def asked(where: str) -> list[str]:
        return [hit["sku"] for hit in search.search(SearchRequest("mug", [where]))["hits"]]

    with search.indexing.generations.alone():
        assert (asked("price<6"), asked("price>6"), search.lag()) == (["B"], ["A"], 1)
    assert (asked("price<6"), asked("price>6"), search.lag()) == (["B"], ["A"], 0)


def test_conditions_on_stock_take_what_is_available(skus, stored, database):
    stored("FULL", stock=5)
    stored("EMPTY", stock=0)
    stored("NEVER")
    with database.unit() as unit:
        unit.execute("insert into stock (product_id, location, on_hand) values (1, 'shed', 2)")
        for state, until, quantity in (("held", NOW + 1, 4), ("held", NOW, 1), ("released", NOW + 1, 1)):
            unit.execute(
                """insert into reservation (id, product_id, location, quantity, holder, state, created_at, expires_at)
                   values (:id, 1, 'default', :quantity, 'x', :state, 0, :until)""",
                id=f"{state}{until}", quantity=quantity, state=state, until=until,
            )  # fmt: skip

    assert skus(where=["stock>=3"]) == ["FULL"]
    assert skus(where=["stock>3"]) == []
    assert skus(where=["stock=0"]) == ["EMPTY", "NEVER"]


def test_conditions_on_keywords_and_attributes(skus, stored):
    stored("A", brand="Acme", category="Home > Kitchen", tags=["gift"], attributes={"weight": "1.5", "color": "Red"})
    stored("B", brand="Zeta", category="Home", kind="digital", options={"Color": "Blue"}, attributes={"weight": 12})
    stored("C", categories=["Garden", "Home > Kitchen"], attributes={"dim": {"w": 3}, "weight": "heavy"})

    assert skus(where=["category=Home"]) == ["A", "B", "C"]
    assert skus(where=["category=Home > Kitchen"]) == ["A", "C"]
    assert skus(where=["category!=home > kitchen"]) == ["B"]
    assert skus(where=["brand=acme"]) == skus(where=["tag=gift"]) == ["A"]
    assert skus(where=["brand="]) == ["C"]
    assert skus(where=["kind=digital"]) == ["B"]
    assert skus(where=["color=red"]) == skus(where=["attributes.Color=RED"]) == ["A"]
    assert skus(where=["color!=red"]) == ["B", "C"]
    assert skus(where=["color="]) == ["C"]
    assert skus(where=["weight<10"]) == ["A"]
    assert skus(where=["weight>=1.5"]) == ["A", "B"]
    assert skus(where=["attributes.dim.w<=3", "weight=heavy"]) == ["C"]
    assert skus(where=["attributes.nothing=1"]) == []


def test_every_variant_is_a_hit_of_its_own_and_found_by_its_parent(skus, stored):
    stored("SHIRT", name="Linen shirt")
    stored("SHIRT-S", "SHIRT-M", name="Linen shirt", parent_sku="SHIRT", options={"Size": "S"})

    assert skus("linen") == ["SHIRT", "SHIRT-M", "SHIRT-S"]
    assert skus("SHIRT-M") == ["SHIRT-M"]
    assert skus("shirt")[0] == "SHIRT"


def test_words_found_in_few_products_bring_those_with_any_of_them_afterwards(search, skus, stored):
    stored("A", name="Blue mug")
    stored("B", name="Blue hat")
    stored(*(f"C-{number:02}" for number in range(12)), name="Green shirt")

    assert skus("blue mug") == ["A", "B"]
    assert skus("blue hat") == ["B", "A"]
    found = search.search(SearchRequest("green shirt blue"))
    assert found["total"] == 14
    assert search.search(SearchRequest("green shirt"))["total"] == 12


def test_the_last_word_may_be_unfinished(skus, stored):
    stored("A", name="Copper kettle")

    assert skus("copper ket") == ["A"]
    assert skus("cop kettle") == ["A"], "one word is enough when none has both"
    assert skus("ket ") == []


def test_pages_join_without_gap_or_overlap_however_sorted(search, stored):
    for number in range(25):
        stored(
            f"S-{number * 7 % 25:02}", name=f"Mug {'ABC'[number % 3]}", at=NOW + number,
            prices=[("USD", 100 + number % 4)] if number % 5 else (),
        )  # fmt: skip

    for sort in ("relevance", "price", "-price", "name", "-name", "newest", "oldest"):
        whole = [hit["sku"] for hit in search.search(SearchRequest("mug", sort=sort, limit=100))["hits"]]
        pages = [
            hit["sku"]
            for offset in range(0, 30, 7)
            for hit in search.search(SearchRequest("mug", sort=sort, limit=7, offset=offset))["hits"]
        ]
        assert pages == whole
        assert len(set(whole)) == 25


def test_hits_are_sorted_and_equal_ones_stand_by_sku(skus, stored):
    stored("D", name="pear", at=NOW, prices=[("USD", 300)])
    stored("C", name="Apple", at=NOW + 1, prices=[("USD", 100)])
    stored("B", name="apple", at=NOW + 2, prices=[("USD", 300)])
    stored("A", name="Zebra", at=NOW + 2)

    assert skus(sort="price") == ["C", "B", "D", "A"]
    assert skus(sort="-price") == ["B", "D", "C", "A"], "what has no price comes last either way"
    assert skus(sort="name") == ["B", "C", "D", "A"]
    assert skus(sort="-name") == ["A", "D", "B", "C"]
    assert skus(sort="newest") == ["A", "B", "C", "D"]
    assert skus(sort="oldest") == ["D", "C", "A", "B"]


def test_facets_count_all_that_match_and_not_only_the_page(search, stored):
    stored("A", name="Mug", brand="Acme", prices=[("USD", 100)], attributes={"Color": "Red"})
    stored("B", name="Mug", brand="Zeta", prices=[("USD", 200)], attributes={"Color": "Blue"}, options={"Color": "Red"})
    stored("C", name="Mug", brand="Zeta", prices=[("USD", 900)], tags=["new"], kind="digital")
    stored("D", name="Hat", brand="Zeta")
    stored("E", name="Mug", brand="Zeta", status="draft")

    def facets(**asked):
        found = search.search(SearchRequest("mug", limit=1, **asked))["facets"]
        return {field: [(one["value"], one["count"]) for one in values] for field, values in found.items()}

    assert facets(facets=["brand", "kind", "tags", "attributes.color"]) == {
        "brand": [("Zeta", 2), ("Acme", 1)],
        "kind": [("physical", 2), ("digital", 1)],
        "tags": [("new", 1)],
        "attributes.color": [("Red", 2), ("Blue", 1)],
    }
    assert facets(facets=["brand", "Color"], where=["price<5"]) == {
        "brand": [("Acme", 1), ("Zeta", 1)],
        "Color": [("Red", 2), ("Blue", 1)],
    }
    assert facets(facets=["brand"], where=["price>100"]) == {"brand": []}


def test_ranges_are_counted_by_the_database_and_end_below_their_bound(search, stored):
    stored("A", name="Mug", prices=[("USD", 999)], stock=3, attributes={"weight": "0.5"})
    stored("B", name="Mug", prices=[("USD", 1000), ("EUR", 1)], stock=0, attributes={"weight": 12})
    stored("C", name="Mug", prices=[("USD", 100_000)], attributes={"weight": "heavy"})
    stored("D", name="Mug")
    stored("E", name="Hat", prices=[("USD", 1000)])

    def counted(facet, **asked):
        found = search.search(SearchRequest("mug", facets=[facet], **asked))["facets"]
        return [(one["value"], one["count"]) for one in found[facet]]

    assert counted("price:0-10,10-50,50-,-10") == [("0-10", 1), ("10-50", 1), ("50-", 1), ("-10", 1)]
    assert counted("price:0-10,10-", currency="EUR") == [("0-10", 1), ("10-", 0)]
    assert counted("stock:0-1,1-") == [("0-1", 3), ("1-", 1)]
    assert counted("weight:0-1,1-") == [("0-1", 1), ("1-", 1)]
    assert counted("price:0-10,10-", where=["stock>0"]) == [("0-10", 1), ("10-", 0)]
    assert counted("price") == [("-10", 1), ("10-1000", 1), ("1000-", 1)]
    assert counted("price", currency="JPY") == []


def test_a_misspelt_word_is_corrected_from_the_catalogues_own(search, stored):
    stored("A", name="Copper kettle")

    def suggestion(query, **asked):
        return search.search(SearchRequest(query, **asked))["suggestion"]

    assert suggestion("ketle") == "kettle"
    assert suggestion("coper ketle") == "copper kettle"
    assert suggestion("xylophone") is None
    assert suggestion("kettle", where=["price<1"]) is None
    assert suggestion("kettle") is None


def test_mistakes_are_usage_errors_with_a_way_out(search, stored):
    stored("A", attributes={"color": "red"})

    for asked, kind, said in (
        ({"where": ["price~3"]}, BadCondition, "FIELD OPERATOR VALUE"),
        ({"where": ["pirce<3"]}, UnknownSearchField, "price?"),
        ({"facets": ["colour"]}, UnknownSearchField, "attribute"),
        ({"facets": ["status"]}, UnknownSearchField, "brand"),
        ({"facets": ["price:5"]}, BadRange, "price:0-50"),
        ({"facets": ["brand:1-2"]}, BadRange, "price:0-50"),
        ({"sort": "colour"}, UnknownSort, "newest"),
        ({"currency": "XYZ"}, UsageError, "ISO 4217"),
    ):
        with pytest.raises(kind) as refused:
            search.search(SearchRequest("", **asked))
        assert refused.value.exit_code == 2
        assert said in refused.value.advice


def test_an_empty_catalogue_finds_nothing(search):
    found = search.search(SearchRequest("mug", facets=["brand"], where=["price<3"]))

    assert (found["total"], found["hits"], found["suggestion"], found["lag"]) == (0, [], None, 0)


def test_names_are_not_guessed_about_where_there_is_nothing_to_know_them_by(search):
    assert search.search(SearchRequest("", where=["color=red"], facets=["color"]))["facets"] == {"color": []}
