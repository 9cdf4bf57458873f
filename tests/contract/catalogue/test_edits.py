"""Edits of products: stored whole or not at all, versioned, logged and audited."""

from __future__ import annotations

from typing import Any

import pytest

from shopctl.audit.service import Audit
from shopctl.catalogue import edits, queries
from shopctl.catalogue.edits import Edit
from shopctl.catalogue.errors import InvalidField, InvalidTransition, ProductNotFound, StaleProduct
from shopctl.catalogue.service import CatalogueService
from shopctl.storage.database import Database
from support.products import HOUR, NOW, add


def actions(audit: Audit) -> list[tuple[str, str | None, int]]:
    return [(entry.action, entry.subject, entry.changed) for entry in audit.entries(limit=100)]


def test_an_edit_makes_a_version_a_change_and_an_audit_entry(
    database: Database, catalogue: CatalogueService, audit: Audit, turned: Any
):
    with database.unit() as unit:
        add(unit, "MUG-1", prices=[("EUR", 500)])
    turned.time += HOUR

    made = catalogue.edit("MUG-1", ["name=Blue mug", "price.EUR=4.50", "category=Home > Kitchen"])

    assert made["version"] == 2
    assert made["changed"] is True
    assert {change["field"]: (change["from"], change["to"]) for change in made["changes"]} == {
        "name": ("Mug", "Blue mug"),
        "price.EUR": ("5.00", "4.50"),
        "category": (None, "Home > Kitchen"),
    }
    shown = catalogue.show("MUG-1")
    assert (shown["name"], shown["version"], shown["prices"][0]["amount"]) == ("Blue mug", 2, "4.50")
    with database.read() as unit:
        [change, creation] = unit.tuples("select kind, at, version, actor, previous from change order by version desc")
        assert change == (
            "update", NOW + HOUR, 2, "os:anna",
            '{"category":"","name":"Mug","prices":[["EUR",500,"default",1,0,null]]}',
        )  # fmt: skip
        assert creation[4] is None
        assert unit.tuples("select path, parent from category order by path") == [
            ("Home", None),
            ("Home > Kitchen", "Home"),
        ]
    assert actions(audit) == [("catalogue.set", "MUG-1", 1)]


def test_setting_what_is_there_already_changes_nothing(database: Database, catalogue: CatalogueService, audit: Audit):
    with database.unit() as unit:
        add(unit, "MUG-1", tags=["a"], prices=[("EUR", 500)])

    made = catalogue.edit("MUG-1", ["name=Mug", "tags=a", "price.EUR=5", "brand=", "attributes.none="])

    assert (made["version"], made["changed"], made["changes"]) == (1, False, [])
    assert len(catalogue.history("MUG-1")) == 1
    assert actions(audit) == []


def test_true_and_one_are_different_attributes(database: Database, catalogue: CatalogueService):
    with database.unit() as unit:
        add(unit, "MUG-1", attributes={"a": 1})

    assert catalogue.edit("MUG-1", ['attributes={"a": true}'])["version"] == 2
    assert catalogue.edit("MUG-1", ['attributes={"a": 1.0}'])["version"] == 3
    assert catalogue.show("MUG-1")["attributes"]["a"] == 1.0


def test_a_dry_run_tells_and_leaves_everything(database: Database, catalogue: CatalogueService, audit: Audit):
    with database.unit() as unit:
        add(unit, "MUG-1", "MUG-2", status="draft")

    assert catalogue.edit("MUG-1", ["name=Cup"], dry_run=True)["version"] == 2
    assert catalogue.publish(["MUG-1", "MUG-2"], dry_run=True)[0]["status"] == "active"

    assert catalogue.show("MUG-1")["version"] == 1
    assert catalogue.show("MUG-1")["status"] == "draft"
    assert actions(audit) == []


def test_publishing_is_all_or_nothing_and_names_every_missing_sku(database: Database, catalogue: CatalogueService):
    with database.unit() as unit:
        add(unit, "MUG-1", "MUG-2", status="draft")

    with pytest.raises(ProductNotFound, match=r"'MUG-3', 'X'"):
        catalogue.publish(["MUG-1", "MUG-3", "MUG-2", "X"])
    assert catalogue.show("MUG-1")["status"] == "draft"

    assert [row["sku"] for row in catalogue.publish(["MUG-2", "MUG-1", "MUG-2"])] == ["MUG-2", "MUG-1"]
    with pytest.raises(InvalidTransition):
        catalogue.publish(["MUG-1"], at=NOW + HOUR)


def test_schedules_hold_without_a_worker(database: Database, catalogue: CatalogueService, turned: Any):
    with database.unit() as unit:
        add(unit, "MUG-1", status="draft")
    catalogue.publish(["MUG-1"], at=NOW + HOUR)
    catalogue.retire(["MUG-1"], at=NOW + 2 * HOUR)

    seen = []
    for turned.time in (NOW, NOW + HOUR - 1, NOW + HOUR, NOW + 2 * HOUR - 1, NOW + 2 * HOUR):
        seen.append(catalogue.show("MUG-1")["status"])

    assert seen == ["draft", "draft", "active", "active", "retired"]


def test_what_was_scheduled_is_seen_at_past_and_future_moments(database: Database, catalogue: CatalogueService):
    with database.unit() as unit:
        add(unit, "MUG-1", status="draft")
    catalogue.publish(["MUG-1"], at=NOW + HOUR)

    assert catalogue.show("MUG-1", at=NOW + HOUR)["status"] == "active"
    assert catalogue.show("MUG-1", at=NOW)["status"] == "draft"


def test_an_unknown_sku_gets_the_nearest_one(database: Database, catalogue: CatalogueService):
    with database.unit() as unit:
        add(unit, "TEAPOT-RED", "TEAPOT-BLUE", "MUG-1")

    for typed, meant in (("TEAPOT-RAD", "TEAPOT-RED"), ("teapot-blue", "TEAPOT-BLUE"), ("MUG1", "MUG-1")):
        with pytest.raises(ProductNotFound) as refused:
            catalogue.show(typed)
        assert f"Did you mean: {meant}?" in refused.value.advice
    with pytest.raises(ProductNotFound) as refused:
        catalogue.show("zzz")
    assert "Did you mean" not in refused.value.advice


def test_a_stale_version_is_refused(database: Database):
    with database.unit() as unit:
        add(unit, "MUG-1")
        [mug] = edits.locked(unit, ["MUG-1"], now=NOW)
        edits.save(unit, [Edit(mug, mug._replace(name="Cup"))], kind="update", now=NOW, actor="a")

    with pytest.raises(StaleProduct), database.unit() as unit:
        edits.save(unit, [Edit(mug, mug._replace(name="Glass"))], kind="update", now=NOW, actor="b")


def test_parents_and_components_must_be_there(database: Database, catalogue: CatalogueService):
    with database.unit() as unit:
        add(unit, "MUG", "SET")
        add(unit, "MUG-RED", parent_sku="MUG")

    refusals = [
        ("MUG", "parent_sku=MUG"),
        ("SET", "parent_sku=NONE"),
        ("SET", "parent_sku=MUG-RED"),
        ("MUG", "parent_sku=SET"),
        ("SET", 'components=[{"sku": "MUG"}, {"sku": "NONE"}]'),
        ("SET", 'components=[{"sku": "SET"}]'),
    ]
    for sku, assignment in refusals:
        with pytest.raises(InvalidField):
            catalogue.edit(sku, [assignment])
    catalogue.edit("SET", ["kind=bundle", 'components=[{"sku": "MUG-RED", "quantity": 2}]'])

    with pytest.raises(InvalidField, match="cannot hold itself") as circle:
        catalogue.edit("MUG-RED", ['components=[{"sku": "SET"}]'])
    assert circle.value.facts["reason_code"] == "components.invalid"
    assert catalogue.show("SET")["components"] == [{"sku": "MUG-RED", "quantity": 2}]
    assert [variant["sku"] for variant in catalogue.show("MUG")["variants"]] == ["MUG-RED"]
    assert catalogue.show("MUG-RED")["parent_sku"] == "MUG"


def test_an_edit_makes_the_next_import_look_again(database: Database, catalogue: CatalogueService):
    with database.unit() as unit:
        add(unit, "MUG-1", "MUG-2")
        unit.execute("insert into feed (id, name) values (1, 'csv')")
        unit.execute_many(
            "insert into feed_record (feed_id, product_id, hash, line, stock) values (1, :id, 7, 2, '{}')",
            [{"id": 1}, {"id": 2}],
        )

    catalogue.edit("MUG-1", ["name=Cup"])

    with database.read() as unit:
        assert unit.tuples("select product_id, hash from feed_record order by product_id") == [(1, None), (2, 7)]


def test_lists_are_filtered_paged_and_ordered(database: Database, catalogue: CatalogueService, turned: Any):
    from shopctl.catalogue.listing import Filters

    with database.unit() as unit:
        add(unit, *(f"P{number:04}" for number in range(1203)), brand="Acme", category="Home > Kitchen")
        add(unit, "D", status="draft", publish_at=NOW + HOUR, category="Homes", kind="digital")
        add(unit, "R", retire_at=NOW + HOUR, category="Home")

    def skus(*given: str | None, **options: Any) -> list[str]:
        return [row["sku"] for row in catalogue.products(Filters(*given), **options)]

    assert len(skus()) == 1205
    assert skus(None, None, None, "Acme") == [f"P{number:04}" for number in range(1203)]
    assert skus(limit=2, offset=1201) == ["P1201", "P1202"]
    assert skus(limit=700, offset=600) == [*(f"P{number:04}" for number in range(600, 1203)), "D", "R"]
    assert skus("draft") == ["D"]
    assert skus(None, "digital") == ["D"]
    assert len(skus(None, None, "Home")) == 1204
    assert len(skus(None, None, "Home > Kitchen")) == 1203
    assert skus("draft", "physical") == []
    turned.time += HOUR
    assert skus("retired") == ["R"]
    assert "D" in skus("active")
    kinds = catalogue.statistics()["kinds"]
    assert [(row["active"], row["draft"], row["retired"]) for row in kinds] == [(1, 0, 0), (1203, 0, 1)]


def test_the_status_in_sql_is_the_status_of_the_model(database: Database):
    from shopctl.catalogue.listing import STATUS_AT

    moments = (None, NOW - 1, NOW, NOW + 1)
    combinations = [
        (status, publish_at, retire_at)
        for status in ("draft", "active", "retired")
        for publish_at in moments
        for retire_at in moments
    ]
    with database.unit() as unit:
        for number, (status, publish_at, retire_at) in enumerate(combinations):
            add(unit, f"P{number}", status=status, publish_at=publish_at, retire_at=retire_at)
        in_sql = dict(unit.tuples(f"select sku, {STATUS_AT} from product", now=NOW))
        products = list(queries.by_skus(unit, list(in_sql), now=NOW).values())

    assert len(products) == len(in_sql)
    assert in_sql == {product.sku: product.status_at(NOW) for product in products}


def test_skus_are_completed(database: Database):
    with database.unit() as unit:
        add(unit, "MUG-2", "MUG-1", "mug-3", "100%_", "100X")
    with database.read() as unit:
        assert queries.skus_starting_with(unit, "MUG", 10) == ["MUG-1", "MUG-2"]
        assert queries.skus_starting_with(unit, "MUG", 1) == ["MUG-1"]
        assert queries.skus_starting_with(unit, "100%", 10) == ["100%_"]
