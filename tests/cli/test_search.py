"""`shopctl catalogue search` and `reindex`, as scripts and people use them."""

from __future__ import annotations

import csv
import io
import shutil
import time
from pathlib import Path

import pytest

from shopctl.kernel import clock
from support.shop import Shop

FEED = """sku,name,description,category,brand,price,currency,stock,color,status
MUG-1,Blue mug,Holds coffee,Home > Kitchen,Acme,19.99,USD,10,blue,active
MUG-2,Red mug,Holds tea,Home > Kitchen,Acme,24.00,USD,0,red,active
HAT-1,Red hat,Keeps warm,Clothing,[bold]Zeta[/bold],12.50,EUR,4,red,active
HAT-2,Green hat,,Clothing,Zeta,9.00,USD,4,green,draft
"""


@pytest.fixture
def filled(shop: Shop) -> Shop:
    shop.run("catalogue", "import", "-", input=FEED)
    return shop


@pytest.fixture
def filled_anywhere(any_shop: Shop) -> Shop:
    any_shop.run("catalogue", "import", "-", input=FEED)
    return any_shop


def test_what_is_found_has_the_documented_shape(filled_anywhere: Shop):
    found = filled_anywhere.run(
        "catalogue", "search", "mugs", "--where", "price<20", "--facet", "brand", "-o", "json"
    ).json

    assert isinstance(found.pop("took_ms"), float)
    assert found["hits"][0].pop("score") > 0
    assert found == {
        "total": 1,
        "hits": [
            {
                "sku": "MUG-1",
                "name": "Blue mug",
                "brand": "Acme",
                "category": "Home > Kitchen",
                "price": {"amount": "19.99", "currency": "USD"},
                "stock": 10,
            }
        ],
        "facets": {"brand": [{"value": "Acme", "count": 1}]},
        "suggestion": None,
        "left_out": [],
        "lag": 0,
    }


def test_a_search_follows_what_other_commands_do(filled_anywhere: Shop):
    def skus(*words: str) -> list[str]:
        found = filled_anywhere.run("catalogue", "search", *words, "-o", "json").json
        assert found["lag"] == 0
        return [hit["sku"] for hit in found["hits"]]

    assert skus("mug", "--sort", "price") == ["MUG-1", "MUG-2"]
    filled_anywhere.run("catalogue", "set", "MUG-1", "name=Blue jug")
    assert skus("jug") == ["MUG-1"]
    assert skus("blue mug")[0] == "MUG-1", "its SKU says mug still"
    filled_anywhere.run("catalogue", "retire", "MUG-2")
    assert skus("tea") == []
    filled_anywhere.run("catalogue", "publish", "HAT-2")
    assert skus("", "--where", "stock>0", "--where", "category=Clothing") == ["HAT-1", "HAT-2"]
    filled_anywhere.run("stock", "set", "HAT-1", "0")
    assert skus("", "--where", "stock>0", "--where", "category=Clothing") == ["HAT-2"]


def test_a_table_is_for_people_and_the_rest_is_said_beside_it(filled: Shop):
    filled.run("catalogue", "search", "x")  # builds the index

    found = filled.run(
        "catalogue", "search", "red", "--facet", "color", "--sort", "name", "--limit", "1", "--currency", "EUR"
    )

    assert "[bold]Zeta[/bold]" in found.stdout
    assert "12.50" in found.stdout
    assert found.stdout.index("HAT-1") < found.stdout.index("color") < found.stdout.index("red  ")
    assert found.stderr == "1 to 1 of 2\n"


def test_a_table_has_one_column_of_prices_in_whatever_currency(filled: Shop):
    found = filled.run("catalogue", "search", "", "--sort", "name").stdout.splitlines()

    assert found[0].split() == ["sku", "name", "brand", "category", "price", "stock"]
    assert ["19.99 USD" in line for line in found if line.startswith("MUG-1")] == [True]
    assert ["12.50 EUR" in line for line in found if line.startswith("HAT-1")] == [True]
    assert "12.50" not in filled.run("catalogue", "search", "", "--currency", "USD").stdout


@pytest.mark.parametrize(("output", "separator"), [("csv", ","), ("tsv", "\t")])
def test_no_rows_still_have_a_heading(filled: Shop, output: str, separator: str):
    names = ["sku", "name", "brand", "category", "price", "stock"]

    assert filled.run("catalogue", "search", "nothing", "-o", output).stdout == separator.join(names) + "\n"


def test_rows_can_be_read_by_other_programs(filled: Shop):
    found = filled.run("catalogue", "search", "mug", "--sort", "-price", "-o", "csv", "--fields", "sku,price.amount")

    assert list(csv.reader(io.StringIO(found.stdout))) == [
        ["sku", "price.amount"],
        ["MUG-2", "24.00"],
        ["MUG-1", "19.99"],
    ]


def test_the_words_to_look_for_and_the_option_query_stand_side_by_side(filled: Shop):
    found = filled.run("catalogue", "search", "mug", "--query", "hits[*].sku", "-o", "json", "--sort", "name")

    assert found.json == ["MUG-1", "MUG-2"]


def test_nothing_found_is_no_failure_and_comes_with_a_better_spelling(filled: Shop):
    found = filled.run("catalogue", "search", "cofee", "-o", "json").json
    said = filled.run("catalogue", "search", "cofee")

    assert (found["total"], found["hits"], found["suggestion"]) == (0, [], None), "a description is no source of words"
    assert said.stderr == "nothing found\n"
    assert filled.run("catalogue", "search", "mgu").stderr == "not found as it was written; shown for: mug\n"
    assert (
        filled.run("catalogue", "search", "mug", "--offset", "9").stderr == "2 found, none of them after the first 9\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (["--where", "price~20"], "search.where", "price<20"),
        (["--where", "price<cheap"], "search.where", "price<20"),
        (["--where", "pirce<20"], "search.unknown_field", "Did you mean price?"),
        (["--facet", "status"], "search.unknown_field", "brand"),
        (["--sort", "beauty"], "search.sort", "newest"),
        (["--currency", "XYZ"], "usage", "EUR"),
        (["--limit", "0"], "usage", ""),
        (["--offset", "-1"], "usage", ""),
    ],
)
def test_a_mistake_is_named_with_a_way_out(filled: Shop, arguments: list[str], code: str, hint: str):
    refused = filled.run("catalogue", "search", "mug", *arguments, "-o", "json", expect=2)

    assert refused.error["code"] == code
    assert hint in refused.error["hint"]


def test_the_other_engine_finds_the_same_and_is_known_to_status_and_doctor(filled: Shop):
    whoosh = {"SHOPCTL_SEARCH__ENGINE": "whoosh"}
    first = filled.run("catalogue", "search", "red mug", "-o", "json").json
    other = filled.run("catalogue", "search", "red mug", "-o", "json", env=whoosh)

    assert "building the search index" in other.stderr
    assert other.json["hits"][0]["sku"] == first["hits"][0]["sku"] == "MUG-2"
    assert {hit["sku"] for hit in other.json["hits"]} == {hit["sku"] for hit in first["hits"]}
    assert filled.run("status", "-o", "json", env=whoosh).json["search"] == {"engine": "whoosh", "lag": 0}
    assert "whoosh" in filled.run("doctor", "-o", "json", env=whoosh, expect=None).stdout


def test_an_engine_that_is_not_there_is_refused(filled: Shop):
    refused = filled.run("catalogue", "search", "mug", "-o", "json", env={"SHOPCTL_SEARCH__ENGINE": "solr"}, expect=2)

    assert "one of tantivy, whoosh" in refused.stderr


@pytest.mark.parametrize(("name", "other"), [("tantivy", "whoosh"), ("whoosh", "tantivy")])
def test_an_engine_whose_library_is_not_installed_is_said_in_one_line_with_a_way_out(
    filled: Shop, tmp_path: Path, name: str, other: str
) -> None:
    (tmp_path / "absent").mkdir()
    (tmp_path / "absent" / f"{name}.py").write_text(
        f"raise ModuleNotFoundError('No module named {name}', name='{name}')"
    )
    absent = {"PYTHONPATH": str(tmp_path / "absent"), "SHOPCTL_SEARCH__ENGINE": name}

    refused = filled.run("catalogue", "search", "mug", env=absent, expect=2)

    assert (
        refused.stderr.splitlines()[0] == f"error: The search engine {name} cannot be loaded: No module named {name}."
    )
    assert f"or set search.engine to {other}" in refused.stderr
    assert len(refused.stderr.splitlines()) == 2
    in_json = filled.run("catalogue", "search", "mug", "-o", "json", env=absent, expect=2)
    assert in_json.error["code"] == "search.engine_not_installed"
    filled.run("catalogue", "search", "mug", env=absent | {"SHOPCTL_SEARCH__ENGINE": other})


def test_an_argument_that_is_no_utf_8_is_looked_for_like_any_other(filled: Shop):
    assert filled.run("catalogue", "search", "m\udcffg", "-o", "json").json["total"] == 0


def test_an_index_that_was_deleted_is_built_again_with_a_note(filled: Shop):
    assert "building" in filled.run("catalogue", "search", "mug").stderr
    assert "building" not in filled.run("catalogue", "search", "mug").stderr
    shutil.rmtree(filled.folder / ".shopctl/index")

    found = filled.run("catalogue", "search", "mug", "-o", "json")

    assert found.json["total"] == 2
    assert "building the search index" in found.stderr


def test_a_folder_that_cannot_be_written_is_said_in_one_line(filled: Shop):
    shutil.rmtree(filled.folder / ".shopctl/index")
    (filled.folder / ".shopctl/index").write_text("in the way")

    refused = filled.run("catalogue", "search", "mug", "-o", "json", expect=7)

    assert refused.error["code"] == "search.index_not_written"
    assert refused.stderr.count("\n") == 2  # the note and the error


def test_the_index_can_be_built_anew(filled_anywhere: Shop):
    done = filled_anywhere.run("catalogue", "reindex", "-o", "json").json
    said = filled_anywhere.run("catalogue", "reindex")

    assert (done["engine"], done["documents"], done["lag"]) == ("tantivy", 4, 0)
    assert said.stdout.startswith("4 products indexed in ")
    assert "building" not in filled_anywhere.run("catalogue", "search", "mug").stderr


def test_a_shop_searches_only_itself(filled: Shop, tmp_path):
    other = Shop(tmp_path / "other").init()
    other.run("catalogue", "import", "-", input=FEED.replace("Blue", "Purple"))
    filled.run("catalogue", "reindex")

    assert other.run("catalogue", "search", "purple", "-o", "json").json["total"] == 1
    assert filled.run("catalogue", "search", "purple", "-o", "json").json["total"] == 0


def test_what_falls_due_is_found_and_told_once(filled_anywhere: Shop):
    shop = filled_anywhere
    shop.run("catalogue", "retire", "MUG-1")
    assert shop.run("catalogue", "search", "mug", "-o", "json").json["total"] == 1
    moment = clock.Clock().now() + 3_000_000
    at = clock.show(moment)
    shop.run("catalogue", "publish", "MUG-1", "--at", at)
    time.sleep(max(0, moment - clock.Clock().now()) / 1_000_000)

    for _ in range(2):
        found = shop.run("catalogue", "search", "mug", "-o", "json").json
        assert (found["total"], found["lag"]) == (2, 0)
    shop.run("catalogue", "set", "MUG-1", "brand=Cup")

    history = shop.run("catalogue", "history", "MUG-1", "-o", "json").json
    assert [row["kind"] for row in history] == ["update", "publication_due", "publish", "retire", "create"]
    assert (history[1]["at"], history[1]["actor"], history[1]["version"]) == (at, "clock", history[2]["version"])
    assert history[1]["changes"] == [{"field": "status", "from": "draft", "to": "active"}]
    assert 'status: "draft" -> "active"' in shop.run("catalogue", "history", "MUG-1").stdout


JUDGMENTS = "query,sku,rating\nmug,MUG-1,3\nmug,MUG-2,1\nred hat,HAT-1,3\nred hat,MUG-2,0\nnothing,HAT-1,0\n"


def test_evaluation_measures_search_and_gates_a_run(filled_anywhere: Shop):
    shop = filled_anywhere
    (shop.folder / "judgments.csv").write_text(JUDGMENTS)
    done = shop.run("catalogue", "evaluate", "judgments.csv", "-o", "json")
    assert done.json == {
        "queries": 2, "ndcg_at_10": 1.0, "mrr": 1.0, "zero_results": 0, "judged_ndcg_at_10": 1.0, "left_out": 1,
        "worst": [],
    }  # fmt: skip
    (shop.folder / "base.json").write_text(done.stdout)

    shop.run("catalogue", "evaluate", "judgments.csv", "--baseline", "base.json", "--fail-below", "0.9")
    assert shop.run("catalogue", "evaluate", "-", "--typos", "1", "-o", "json", input=JUDGMENTS).json["queries"] == 2

    (shop.folder / "other.csv").write_text(JUDGMENTS + "red hat,MUG-1,3\nblue,HAT-2,2\n")
    fell = shop.run("catalogue", "evaluate", "other.csv", "--baseline", "base.json", "-o", "json", expect=6)
    assert fell.error["code"] == "catalogue.relevance_fell"
    assert fell.json["baseline"] == 1.0
    assert next(one["query"] for one in fell.json["worst"]) == "blue"
    shop.run("catalogue", "evaluate", "other.csv", "--baseline", "base.json", "--fail-below", "10%")
    shop.run("catalogue", "evaluate", "judgments.csv", "--fail-below", "9", expect=2)
    bad = shop.run("catalogue", "evaluate", "-", input="query,sku\na,b\n", expect=12)
    assert "rating" in bad.stderr


def test_what_was_left_out_and_what_was_meant_is_said(filled: Shop):
    found = filled.run("catalogue", "search", "green mug xylophone", "-o", "json").json
    said = filled.run("catalogue", "search", "mug xylophone")

    assert found["left_out"] == ["xylophone"]
    assert said.stderr.splitlines()[0] == "nothing has every word; left out: xylophone"
    assert filled.run("catalogue", "search", "blue mgu", "-o", "json").json["suggestion"] == "blue mug"
