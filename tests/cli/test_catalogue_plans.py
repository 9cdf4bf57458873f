"""`catalogue import --plan-out` and `--guard`, `apply` and `rollback`, as real processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.shop import Shop

FEED = "sku,name,price,stock\nMUG-1,Mug,10.00,5\nMUG-2,Cup,8.00,5\nPOT-1,Pot,20.00,1\n"
CHEAP = FEED.replace("10.00", "4.00").replace("POT-1,Pot,20.00,1\n", "JAR-1,Jar,3.00,2\n")


@pytest.fixture
def filled(any_shop: Shop) -> Shop:
    (any_shop.folder / "feed.csv").write_text(FEED)
    (any_shop.folder / "cheap.csv").write_text(CHEAP)
    any_shop.run("catalogue", "import", "feed.csv")
    return any_shop


def test_a_plan_is_made_looked_at_applied_and_rolled_back(filled: Shop):
    before = filled.run("catalogue", "export", "--format", "ndjson").ndjson
    planned = filled.run(
        "catalogue", "import", "cheap.csv", "--prune", "--plan-out", "plan", "--detailed-exitcode", expect=10
    )
    assert "Planned cheap.csv: 3 rows, nothing was changed" in planned.stdout
    assert "~ MUG-1\n    prices: 10.00 USD -> 4.00 USD\n" in planned.stdout
    assert "+ JAR-1  Jar\n- POT-1\n" in planned.stdout
    assert planned.stdout.endswith("Carry it out with: shopctl catalogue apply plan\n")
    assert filled.run("catalogue", "export", "--format", "ndjson").ndjson == before

    shown = filled.run("catalogue", "apply", "plan", "--dry-run", "--detailed-exitcode", "-o", "json", expect=10).json
    assert [change["sku"] for change in shown["changes"]] == ["MUG-1", "JAR-1", "POT-1"]
    done = filled.run("catalogue", "apply", "plan", "-o", "json").json
    assert (done["created"], done["updated"], done["retired"]) == (1, 1, 1)
    again = filled.run("catalogue", "apply", "plan", "-o", "json", expect=5)
    assert again.error["code"] == "catalogue.plan_applied"

    preview = filled.run("catalogue", "rollback", done["import_id"], "--dry-run")
    assert "~ MUG-1\n    price.USD: 4.00 -> 10.00\n" in preview.stdout
    undone = filled.run("catalogue", "rollback", done["import_id"])
    assert undone.stdout.splitlines()[1:] == [
        "  1  restored to what they were before",
        "  1  back that it had retired",
        "  1  removed that it had created",
    ]
    assert filled.run("catalogue", "export", "--format", "ndjson").ndjson == before
    twice = filled.run("catalogue", "rollback", done["import_id"], "-o", "json", expect=5)
    assert twice.error["code"] == "catalogue.rolled_back_already"
    filled.run("audit", "verify")
    filled.run("db", "check")


def test_a_stale_plan_is_refused_and_says_what_changed(filled: Shop):
    filled.run("catalogue", "import", "cheap.csv", "--plan-out", "plan")
    filled.run("catalogue", "set", "MUG-1", "name=Blue mug")

    refused = filled.run("catalogue", "apply", "plan", "-o", "json", expect=5)
    told = filled.run("catalogue", "apply", "plan", expect=5)

    assert refused.error["code"] == "catalogue.stale_plan"
    products = [{"sku": "MUG-1", "change": "is version 2, was 1 (name)"}]
    assert refused.error["facts"] == {"changed": 1, "products": products}
    assert told.stderr == (
        "error: The catalogue changed since the plan was made: 1 product(s) differ.\n"
        "  MUG-1  is version 2, was 1 (name)\n"
        "hint: Make a new plan with: shopctl catalogue import FILE --plan-out PLAN\n"
    )


def test_a_broken_guard_stops_an_import_and_names_the_worst(filled: Shop):
    before = filled.run("catalogue", "export", "--format", "ndjson").ndjson

    refused = filled.run("catalogue", "import", "cheap.csv", "--guard", "price-drop<=30%", expect=12)
    as_json = filled.run(
        "catalogue", "import", "cheap.csv", "--prune", "--guard", "price-drop<=30%", "--guard", "retired<=5%", "-o",
        "json", expect=12,
    )  # fmt: skip

    assert "Refused cheap.csv: 3 rows, nothing was changed" in refused.stdout
    assert "  price-drop<=30%  broken  60 %\n" in refused.stdout
    assert refused.stderr.splitlines()[:2] == [
        "error: The guard price-drop<=30% is broken (measured: 60 %); nothing was changed.",
        "  MUG-1  10.00 USD -> 4.00 USD  -60 %",
    ]
    assert as_json.error["code"] == "catalogue.guard"
    assert [(guard["rule"], guard["measured"]) for guard in as_json.error["facts"]["guards"]] == [
        ("price-drop<=30%", "60 %"), ("retired<=5%", "33.34 % (1 of 3)"),
    ]  # fmt: skip
    worst = as_json.error["facts"]["guards"][1]["worst"]
    assert worst == [{"sku": "POT-1", "before": "active", "after": "retired", "change": "gone from the feed"}]
    assert filled.run("catalogue", "export", "--format", "ndjson").ndjson == before
    assert [row["state"] for row in filled.run("catalogue", "imports", "-o", "json").json] == [
        "refused", "refused", "done",
    ]  # fmt: skip


def test_guards_of_the_configuration_hold_and_one_given_is_in_the_place_of_its_namesake(filled: Shop):
    guards = {"SHOPCTL_CATALOGUE__GUARDS": "price-drop<=30%, created<=0"}

    filled.run("catalogue", "import", "cheap.csv", "--guard", "price-drop<=60%", env=guards, expect=12)
    filled.run(
        "catalogue", "import", "cheap.csv", "--guard", "price-drop<=60%", "--guard", "created<=1", env=guards
    )  # fmt: skip


def test_a_guard_also_watches_the_first_import_of_all(any_shop: Shop):
    (any_shop.folder / "feed.csv").write_text(FEED)

    any_shop.run("catalogue", "import", "feed.csv", "--guard", "created<=2", expect=12)
    assert any_shop.run("catalogue", "list", "-o", "json").json == []
    any_shop.run("catalogue", "import", "feed.csv", "--guard", "created<=3", "--guard", "created<=5%")


def test_rejected_rows_are_guarded_as_a_share_of_the_file(filled: Shop):
    bad = FEED.replace("Pot,20.00", ",20.00")
    options = ("catalogue", "import", "-", "--on-error", "skip-rows")

    refused = filled.run(*options, "--guard", "rejected<=33%", "-o", "json", input=bad, expect=12)
    filled.run(*options, "--guard", "rejected<=34%", input=bad, expect=6)

    (guard,) = refused.error["facts"]["guards"]
    assert (guard["measured"], guard["worst"][0]["sku"]) == ("33.34 % (1 of 3)", "POT-1")


@pytest.mark.parametrize("rule", ["price-drop", "nonsense<=3", "price-drop<=3"])
def test_a_broken_rule_is_a_usage_error_that_names_the_rules(filled: Shop, rule: str):
    refused = filled.run("catalogue", "import", "cheap.csv", "--guard", rule, "-o", "json", expect=2)

    assert refused.error["code"] == "catalogue.bad_guard"
    assert "price-drop<=30%" in refused.error["hint"]


def test_a_plan_goes_through_a_pipe_and_a_damaged_one_is_refused(filled: Shop):
    planned = filled.run("catalogue", "import", "cheap.csv", "--plan-out", "-")
    assert "Planned cheap.csv" in planned.stderr
    (filled.folder / "bad").write_bytes(planned.out.replace(b'"prune": false', b'"prune": true'))

    damaged = filled.run("catalogue", "apply", "bad", "-o", "json", expect=12)
    assert damaged.error["code"] == "catalogue.plan_unusable"
    assert (
        filled.run("catalogue", "apply", "nowhere", "-o", "json", expect=3).error["code"] == "catalogue.plan_not_found"
    )
    done = filled.run("catalogue", "apply", "-", "-o", "json", input=planned.out).json
    assert (done["created"], done["updated"]) == (1, 1)


def test_no_plan_is_written_where_rows_refuse_the_file_or_no_file_can_be_made(filled: Shop):
    filled.run("catalogue", "import", "-", "--plan-out", "plan", input=FEED + "X,,1,1\n", expect=12)
    assert not Path(filled.folder / "plan").exists()
    for place in ("nowhere/plan", "feed.csv", "."):
        filled.run("catalogue", "import", "feed.csv", "--plan-out", place, expect=2)
    assert (filled.folder / "feed.csv").read_text() == FEED
    both = filled.run("catalogue", "import", "feed.csv", "--plan-out", "-", "-o", "json", expect=2)
    assert both.error["code"] == "usage.standard_output"


def test_a_plan_of_another_shop_is_refused(filled: Shop, shop: Shop, tmp_path: Path):
    filled.run("catalogue", "import", "cheap.csv", "--plan-out", "plan")
    elsewhere = Shop(tmp_path / "elsewhere").init()

    refused = elsewhere.run("catalogue", "apply", filled.folder / "plan", "-o", "json", expect=5)

    assert refused.error["code"] == "catalogue.plan_of_another_shop"


def test_a_changed_product_is_a_conflict_of_a_rollback(filled: Shop):
    done = filled.run("catalogue", "import", "cheap.csv", "-o", "json").json
    filled.run("catalogue", "set", "MUG-1", "tags=x")

    refused = filled.run("catalogue", "rollback", done["import_id"], expect=5)

    assert "1 product(s) changed since the import; nothing was rolled back." in refused.stderr
    assert "MUG-1  is version 3, was 2 (tags)" in refused.stderr
    assert filled.run("catalogue", "rollback", "imp_x", "-o", "json", expect=3).error["code"] == (
        "catalogue.import_not_found"
    )


def test_search_follows_a_rollback(filled: Shop):
    filled.run("catalogue", "search", "mug")
    done = filled.run("catalogue", "import", "cheap.csv", "-o", "json").json
    assert filled.run("catalogue", "search", "jar", "-o", "json").json["total"] == 1
    filled.run("catalogue", "rollback", done["import_id"])

    found = filled.run("catalogue", "search", "jar", "-o", "json").json

    assert (found["total"], found["lag"]) == (0, 0)
    assert json.dumps(found["hits"]) == "[]"
