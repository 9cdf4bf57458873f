"""What `catalogue stats` counts, on both databases."""

from __future__ import annotations

import pytest

from shopctl.catalogue.importing.request import ImportRequest
from shopctl.catalogue.importing.service import ImportService
from shopctl.catalogue.statistics import likeness, statistics
from shopctl.records.source import Limits
from shopctl.storage.database import Database

DAY = 86_400_000_000
FEED = """sku,parent_sku,kind,name,brand,price,currency,stock,media
MUG-A,,physical,"Mug, blue 30cl",Acme,5.00,EUR,0,
MUG-B,,physical,Blue mug 30 cl,ACME,7.00,EUR,4,https://shop.example/b.jpg
MUG-C,,physical,Blue mug 30 cl,Other,,,,
SHIRT,,physical,Shirt,Acme,,,,https://shop.example/s.jpg
SHIRT-S,SHIRT,physical,Shirt,Acme,9.00,EUR,0,https://shop.example/s.jpg
SHIRT-M,SHIRT,physical,Shirt,Acme,1200,JPY,2,https://shop.example/s.jpg
"""


@pytest.fixture
def filled(database: Database, audit, turned, tmp_path) -> Database:
    path = tmp_path / "feed.csv"
    path.write_text(FEED)
    imports = ImportService(
        database, audit, turned, limits=Limits(), currency="USD", rejects_folder=str(tmp_path / "rejects")
    )
    assert imports.run(ImportRequest(str(path))).counts.created == 6
    return database


def test_what_is_missing_is_asked_of_what_is_sold(filled: Database, turned):
    with filled.read() as unit:
        found = statistics(unit, now=turned.time)

    assert found["products"] == 6
    assert found["variants"] == 2
    assert found["without"] == {"price": 1, "description": 5, "category": 5, "image": 2}, "the parent has variants"
    assert found["stock"] == {"counted": 4, "at_zero": 2, "reserved": 0}


def test_prices_are_spread_by_currency(filled: Database, turned):
    with filled.read() as unit:
        found = statistics(unit, now=turned.time)["prices_by_currency"]

    assert found == [
        {"currency": "EUR", "prices": 3, "lowest": "5.00", "median": "7.00", "highest": "9.00"},
        {"currency": "JPY", "prices": 1, "lowest": "1200", "median": "1200", "highest": "1200"},
    ]


def test_products_that_are_alike_are_named_and_variants_are_not(filled: Database, turned):
    with filled.read() as unit:
        found = statistics(unit, now=turned.time)["duplicates"]

    assert found == {"groups": 1, "examples": [{"like": "30 acme blue cl mug", "skus": ["MUG-A", "MUG-B"]}]}


def test_feeds_have_an_age(filled: Database, turned):
    with filled.read() as unit:
        (feed,) = statistics(unit, now=turned.time + 3 * DAY // 2)["feeds"]

    assert (feed["feed"], feed["products"], feed["age_days"]) == ("csv", 6, 1.5)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Café Table", "table cafe"), ('TV 60"', "60 tv"), ("Mug", "mug "), ("10kg Rice", "Rice, 10 kg")],
)
def test_likeness_passes_over_what_people_write_differently(one: str, other: str):
    assert likeness(one, "") == likeness(other, "")


def test_likeness_keeps_sizes_and_brands_apart():
    assert likeness("Mug 30cl", "") != likeness("Mug 35cl", "")
    assert likeness("Mug", "Acme") != likeness("Mug", "Apex")
