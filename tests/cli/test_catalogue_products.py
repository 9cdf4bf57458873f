"""`shopctl catalogue show|list|set|publish|retire|history|diff|stats`, as scripts and people use them."""

from __future__ import annotations

import csv
import io
import subprocess
import sys

import pytest

from support.shop import Shop

FEED = """sku,parent_sku,name,description,category,brand,price,currency,stock,options,color,publish_at
MUG-1,,Mug,A mug,Home > Kitchen,Acme,19.99,USD,10,,red,
MUG-1-L,MUG-1,Large mug,,Home > Kitchen,Acme,24.00,USD,3,Size=L,red,
BOOK-1,,Book,,Books,,1200,JPY,,,,2040-01-01
"""


@pytest.fixture
def filled(shop: Shop) -> Shop:
    shop.run("catalogue", "import", "-", input=FEED)
    return shop


@pytest.fixture
def filled_anywhere(any_shop: Shop) -> Shop:
    any_shop.run("catalogue", "import", "-", input=FEED)
    return any_shop


def test_a_product_has_the_documented_shape(filled_anywhere: Shop):
    shown = filled_anywhere.run("catalogue", "show", "MUG-1", "-o", "json").json

    assert shown["updated_at"].endswith("Z")
    assert {key: value for key, value in shown.items() if key not in ("updated_at", "created_at", "variants")} == {
        "sku": "MUG-1", "name": "Mug", "description": "A mug", "category": "Home > Kitchen", "brand": "Acme",
        "kind": "physical", "status": "active", "parent_sku": None, "options": {}, "attributes": {"color": "red"},
        "prices": [{"currency": "USD", "amount": "19.99", "list": "default", "min_quantity": 1, "valid_from": None,
                    "valid_until": None}],
        "stock": {"on_hand": 10, "reserved": 0, "available": 10,
                  "locations": [{"location": "default", "on_hand": 10, "reserved": 0, "available": 10}]},
        "version": 1, "tags": [], "categories": [], "tax_class": "", "media": [], "components": [],
        "publish_at": None, "retire_at": None,
    }  # fmt: skip
    assert [(row["sku"], row["options"]) for row in shown["variants"]] == [("MUG-1-L", {"Size": "L"})]
    variant = filled_anywhere.run("catalogue", "show", "MUG-1-L", "-o", "json").json
    assert (variant["parent_sku"], "variants" in variant) == ("MUG-1", False)


def test_people_see_what_is_given(filled: Shop):
    page = filled.run("catalogue", "show", "MUG-1").stdout

    assert "Home > Kitchen" in page
    assert "19.99 USD" in page
    assert "sku MUG-1-L  Size L  status active  available 3" in page
    assert "media" not in page


def test_an_unknown_product_is_not_found(filled: Shop):
    missing = filled.run("catalogue", "show", "MUG1", "-o", "json", expect=3)

    assert missing.error["code"] == "catalogue.product_not_found"
    assert "Did you mean: MUG-1?" in missing.error["hint"]
    assert missing.stdout == ""


def test_products_are_listed_and_filtered(filled_anywhere: Shop):
    rows = filled_anywhere.run("catalogue", "list", "-o", "ndjson").ndjson
    assert [row["sku"] for row in rows] == ["MUG-1", "MUG-1-L", "BOOK-1"]
    assert rows[0]["price"] == {"amount": "19.99", "currency": "USD"}
    assert rows[2]["price"] == {"amount": "1200", "currency": "JPY"}, "it is not sold in the shop's currency"

    def skus(*flags: str) -> list[str]:
        return [row["sku"] for row in filled_anywhere.run("catalogue", "list", "-o", "json", *flags).json]

    assert skus("--category", "Home") == ["MUG-1", "MUG-1-L"]
    assert skus("--status", "draft") == ["BOOK-1"]
    assert skus("--brand", "Acme", "--limit", "1", "--offset", "1") == ["MUG-1-L"]
    assert skus("--kind", "bundle") == []
    filled_anywhere.run("catalogue", "list", "--status", "gone", expect=2)


def test_fields_are_set_and_the_change_is_told(filled: Shop):
    dry = filled.run("catalogue", "set", "MUG-1", "name=Blue mug", "--dry-run")
    assert 'name: "Mug" -> "Blue mug"' in dry.stdout

    made = filled.run(
        "catalogue", "set", "MUG-1", "name=Blue mug", "price.EUR=17.50", "price=", "attributes.color=", "tags=a,b",
        "-o", "json",
    ).json  # fmt: skip

    assert (made["version"], made["changed"], made["dry_run"]) == (2, True, False)
    shown = filled.run("catalogue", "show", "MUG-1", "-o", "json").json
    assert (shown["name"], shown["tags"], shown["attributes"]) == ("Blue mug", ["a", "b"], {})
    assert [(price["currency"], price["amount"]) for price in shown["prices"]] == [("EUR", "17.50")]
    assert "nothing to change" in filled.run("catalogue", "set", "MUG-1", "name=Blue mug").stdout


@pytest.mark.parametrize(
    ("assignment", "code", "exit_code", "hint"),
    [
        ("stock=5", "catalogue.unknown_field", 2, "shopctl stock set"),
        ("status=retired", "catalogue.unknown_field", 2, "shopctl catalogue retire"),
        ("nmae=x", "catalogue.unknown_field", 2, "Did you mean: name?"),
        ("name", "catalogue.bad_assignment", 2, "name='Blue mug'"),
        ("price=abc", "catalogue.invalid_field", 12, "price.invalid"),
        ("price.JPY=1.5", "catalogue.invalid_field", 12, "price.precision"),
        ("retire_at=never", "catalogue.invalid_field", 12, "date.invalid"),
        ("parent_sku=NOPE", "catalogue.invalid_field", 12, "parent_sku"),
    ],
)
def test_a_bad_assignment_is_refused_whole(shop: Shop, assignment: str, code: str, exit_code: int, hint: str):
    shop.run("catalogue", "import", "-", input=FEED)

    refused = shop.run("catalogue", "set", "MUG-1", "name=Half done", assignment, "-o", "json", expect=exit_code)

    assert refused.error["code"] == code
    assert hint in refused.error["hint"]
    assert shop.run("catalogue", "show", "MUG-1", "-o", "json").json["name"] == "Mug"


def test_publishing_and_retiring_name_every_missing_sku_and_do_nothing(filled: Shop):
    refused = filled.run("catalogue", "retire", "MUG-1", "NOPE", "NADA", "-o", "json", expect=3)

    assert "'NOPE', 'NADA'" in refused.error["message"]
    assert filled.run("catalogue", "show", "MUG-1", "-o", "json").json["status"] == "active"


def test_products_go_and_come_back_now_or_later(filled_anywhere: Shop):
    [gone] = filled_anywhere.run("catalogue", "retire", "MUG-1", "-o", "json").json
    assert (gone["status"], gone["changed"]) == ("retired", True)
    [later] = filled_anywhere.run("catalogue", "publish", "MUG-1", "--at", "2041-01-01", "-o", "json").json
    assert (later["status"], later["publish_at"]) == ("draft", "2041-01-01T00:00:00Z")
    [back] = filled_anywhere.run("catalogue", "publish", "MUG-1", "-o", "json").json
    assert (back["status"], back["publish_at"]) == ("active", None)
    [same] = filled_anywhere.run("catalogue", "publish", "MUG-1", "-o", "json").json
    assert (same["changed"], same["version"]) == (False, back["version"])
    planned = filled_anywhere.run("catalogue", "retire", "MUG-1", "BOOK-1", "--at", "2040-06-01", "-o", "json").json
    assert [row["retire_at"] for row in planned] == ["2040-06-01T00:00:00Z"] * 2
    assert (
        filled_anywhere.run("catalogue", "show", "MUG-1", "--at", "2040-06-01", "-o", "json").json["status"]
        == "retired"
    )

    refused = filled_anywhere.run("catalogue", "publish", "MUG-1", "--at", "2041-01-01", "-o", "json", expect=5)
    assert refused.error["code"] == "catalogue.invalid_transition"
    filled_anywhere.run("catalogue", "publish", "MUG-1", "--at", "soon", expect=2)


def test_the_past_is_shown(filled_anywhere: Shop):
    before = filled_anywhere.run("catalogue", "show", "MUG-1", "-o", "json").json
    filled_anywhere.run("catalogue", "set", "MUG-1", "name=Cup", "price=18", "--reason", "spring sale")

    then = filled_anywhere.run("catalogue", "show", "MUG-1", "--at", before["updated_at"], "-o", "json").json
    before.pop("variants")
    assert then == before

    history = filled_anywhere.run("catalogue", "history", "MUG-1", "-o", "json").json
    assert [(row["version"], row["kind"]) for row in history] == [(2, "update"), (1, "create")]
    assert history[1]["import_id"].startswith("imp_")
    assert {"field": "price.USD", "from": "19.99", "to": "18.00"} in history[0]["changes"]
    assert '  name: "Mug" -> "Cup"' in filled_anywhere.run("catalogue", "history", "MUG-1").stdout

    diff = filled_anywhere.run("catalogue", "diff", "--from", before["updated_at"], "-o", "json").json
    assert diff == [
        {"sku": "MUG-1", "change": "changed", "field": "name", "from": "Mug", "to": "Cup"},
        {"sku": "MUG-1", "change": "changed", "field": "price.USD", "from": "19.99", "to": "18.00"},
    ]
    page = filled_anywhere.run("catalogue", "diff", "--from", before["updated_at"]).stdout
    assert page == '~ MUG-1\n  name: "Mug" -> "Cup"\n  price.USD: "19.99" -> "18.00"\n'
    rows = list(csv.DictReader(io.StringIO(filled_anywhere.run("catalogue", "diff", "-o", "csv").stdout)))
    assert {row["sku"] for row in rows} == {"MUG-1", "MUG-1-L", "BOOK-1"}
    early = filled_anywhere.run("catalogue", "show", "MUG-1", "--at", "2020-01-01", "-o", "json", expect=3)
    assert early.error["code"] == "catalogue.not_yet_created"


def test_nothing_different_is_an_empty_list(filled: Shop):
    nothing = filled.run("catalogue", "diff", "--from", "now", "-o", "json")
    assert nothing.json == []
    assert "nothing is different" in filled.run("catalogue", "diff", "--from", "now").stderr


def test_products_are_counted(filled: Shop):
    counted = filled.run("catalogue", "stats", "-o", "json").json

    assert (counted["products"], counted["variants"], counted["prices"]) == (3, 1, 3)
    assert counted["kinds"] == [{"kind": "physical", "active": 2, "draft": 1, "retired": 0, "total": 3}]
    assert counted["without"] == {"price": 0, "description": 2, "category": 0, "image": 2}
    assert [feed["feed"] for feed in counted["feeds"]] == ["csv"]


def test_edits_are_in_the_audit_trail(filled: Shop):
    filled.run("catalogue", "set", "MUG-1", "name=Cup", "--reason", "spring sale")
    filled.run("catalogue", "retire", "MUG-1", "BOOK-1")

    entries = filled.run("audit", "list", "-o", "json").json

    assert [(entry["action"], entry["subject"]) for entry in entries[:2]] == [
        ("catalogue.retire", None), ("catalogue.set", "MUG-1"),
    ]  # fmt: skip
    assert entries[1]["reason"] == "spring sale"


def test_showing_a_product_loads_nothing_heavy(shop: Shop):
    shop.run("catalogue", "import", "-", input=FEED)
    traced = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "shopctl", "catalogue", "show", "MUG-1", "-o", "json"],
        cwd=shop.folder, env=shop.environment(), capture_output=True, text=True, check=True,
    ).stderr  # fmt: skip
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in traced.splitlines()}

    assert "sqlite3" in loaded
    assert not loaded & {
        "sqlmodel",
        "sqlalchemy",
        "pydantic",
        "alembic",
        "rich",
        "psycopg",
        "tantivy",
        "asyncio",
    }


def test_prices_are_shown_a_line_each(filled: Shop):
    filled.run("catalogue", "set", "MUG-1", "price.EUR=18", "price.EUR.wholesale.10=15.50")

    lines = [line.strip() for line in filled.run("catalogue", "show", "MUG-1").stdout.splitlines()]

    first = next(number for number, line in enumerate(lines) if line.startswith("prices"))
    assert [lines[first].removeprefix("prices").strip(), *lines[first + 1 : first + 3]] == [
        "18.00 EUR", "15.50 EUR  on wholesale  from 10 pieces", "19.99 USD",
    ]  # fmt: skip
