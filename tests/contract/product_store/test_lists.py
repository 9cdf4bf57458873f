"""Lists: by customer, product, state and attribute, newest first, page by page, the same on both databases."""

from __future__ import annotations

import itertools
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from shopctl.audit.keys import create_key
from shopctl.audit.service import Audit
from shopctl.kernel import ids
from shopctl.kernel.clock import Clock
from shopctl.product_store import attributes, queries
from shopctl.product_store.model import STATES, Instance
from shopctl.product_store.service import InstanceService
from shopctl.product_store.where import Filters, parsed
from shopctl.storage.database import Database, open_database
from shopctl.storage.postgres import PostgresUnit
from shopctl.storage.sqlite import SqliteUnit
from support.instances import PRODUCT, Instances

VALUES: tuple[Any, ...] = (
    "eu", "us", "5", 5, 5.5, True, "true", 0, False, "", None, [1, 2], {"zone": "a"}, "Über", 'a"b', '"a"', "a\\b",
    "it's", "x" * 400, "x" * 400 + "y", "%s :name",
)  # fmt: skip


def fill(instances: Instances, count: int = 0) -> list[str]:
    """An instance for each value of `x`, of two customers, three products, all states; the newest first."""
    with instances.database.unit() as unit:
        made = [
            instances.service.create(
                unit,
                customer=f"C-{number % 2}",
                sku=f"HOST-{number % 3}",
                product=PRODUCT,
                configuration={"x": value, "n": {"n": number % 4}} if value != "" else {"n": {"n": number % 4}},
                customisation={"x": value},
                purchase=f"pur_{number}" if number % 5 == 0 else None,
            )
            for number, value in enumerate(itertools.chain(VALUES, range(100, 100 + count)))
        ]
        for number, one in enumerate(made):
            for trigger in ((), ("activate",), ("activate", "suspend"), ("abort",))[number % 4]:
                instances.service.advance(unit, one, trigger)
    return made[::-1]


def every_condition(instances: Instances) -> list[str]:
    found = [f"{column}.x{operator}{value}"
             for column in ("configuration", "customisation") for operator in ("=", "!=")
             for value in ("eu", "5", "5.5", "true", "0", "false", "", "Über", 'a"b', "''a'", "a\\b", "it's", "x" * 400,
                           "%s :name", "nothing", "null")]  # fmt: skip
    found += [f"configuration.n.n{operator}{value}" for operator in ("=", "!=") for value in (1, 3, 9)]
    return [*found, "sku=HOST-1", "sku!=HOST-1", "state=active", "state!=active", "customer=C-1", "purchase=pur_5",
                    "purchase=", "purchase!=", "parent=", "parent!="]  # fmt: skip


@pytest.mark.parametrize("indexed", [(), ("x", "n.n")], ids=["plain", "indexed"])
def test_a_list_has_what_its_conditions_hold_of(instances: Instances, tmp_path: Path, indexed: tuple[str, ...]) -> None:
    made = fill(instances)
    asked = Instances(instances.database, tmp_path / "audit.key", instances.clock, indexed=indexed)
    assert len(asked.service.index()) == len(indexed)
    whole = [asked.service.get(one) for one in made]
    for text in every_condition(instances):
        conditions = parsed([text])
        wanted = [one.id for one in whole if conditions[0].holds(one)]
        assert asked.listed(text) == wanted, text
    both = ("configuration.n.n=1", "state=active")
    assert asked.listed(*both, sku="HOST-1", customer="C-1") == [
        one.id for one in whole
        if one.configuration["n"]["n"] == 1 and (one.state, one.sku, one.customer_id) == ("active", "HOST-1", "C-1")
    ]  # fmt: skip


def test_pages_follow_each_other_without_gap_or_repetition(instances: Instances) -> None:
    made = fill(instances)
    pages, last = [], None
    while page := instances.listed("sku!=HOST-0", limit=4, after=last):
        pages.append(page)
        last = page[-1]
    assert [len(page) for page in pages[:-1]] == [4] * (len(pages) - 1)
    assert [one for page in pages for one in page] == instances.listed("sku!=HOST-0")
    assert instances.listed() == made
    assert instances.listed(limit=3) == made[:3]


def test_a_long_list_is_read_part_by_part(instances: Instances, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "TOGETHER", 7)
    read: list[int] = []
    page = queries.page
    monkeypatch.setattr(queries, "page", lambda *a, **k: read.append(k["limit"]) or page(*a, **k))
    made = fill(instances, 10)
    found = instances.service.list()
    assert [next(found)["instance_id"] for _ in range(8)] == made[:8]
    assert read == [7, 7]
    found.close()
    assert instances.listed() == made
    assert instances.listed(limit=10) == made[:10]


def test_indexes_are_made_kept_and_dropped_as_the_setting_says(
    instances: Instances, tmp_path: Path, database: Database
) -> None:
    fill(instances)

    def index(*names: str, **given: Any) -> list[str]:
        service = InstanceService(database, instances.audit, instances.clock, indexed=names)
        return [f"{row['attribute']} {row['state']}" for row in service.index(**given)]

    assert index("x", "n.n", dry_run=True) == ["x made", "n.n made"]
    assert index("x", "n.n") == ["x made", "n.n made"]
    assert index("x") == ["x kept", "None dropped"]
    assert index("x") == ["x kept"]
    assert index() == ["None dropped"]
    assert index() == []
    assert len([entry for entry in instances.audit.entries(limit=1000) if entry.action == "instance.index"]) == 3


PLANS = {
    "customer": (Filters(customer="C-1"), "customer"),
    "customer and state": (Filters(customer="C-1", state="active"), "customer"),
    "sku": (Filters(sku="HOST-1"), "ix_instance_sku"),
    "sku and state": (Filters(sku="HOST-1", state="active"), "ix_instance_sku_state"),
    "state": (Filters(state="active"), "ix_instance_state"),
    "parent": (Filters(parent="ins_1"), "ix_instance_parent_id"),
    "attribute": (Filters(where=parsed(["configuration.x=eu"])), "ix_instance_attribute_x"),
    "attribute and state": (
        Filters(state="active", sku="HOST-1", where=parsed(["configuration.x=eu"])), "ix_instance_attribute_x",
    ),
    "nothing": (Filters(), "ix_instance_id"),
}  # fmt: skip


@pytest.mark.parametrize("what", PLANS)
def test_sqlite_finds_by_the_right_index_and_sorts_nothing(
    prepared_sqlite: Path, tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(prepared_sqlite, tmp_path / "shop.db")
    create_key(tmp_path / "audit.key")
    database = open_database(f"sqlite:///{tmp_path / 'shop.db'}")
    audit = Audit(database, tmp_path / "audit.key")
    service = InstanceService(database, audit, Clock(), indexed=["x"])
    service.index()
    filters, index = PLANS[what]
    plans: list[str] = []
    tuples = SqliteUnit.tuples

    def explained(self: SqliteUnit, sql: str, **params: object) -> Any:
        if " from instance" in sql:
            plans.extend(str(row[3]) for row in tuples(self, f"explain query plan {sql}", **params))
        return tuples(self, sql, **params)

    monkeypatch.setattr(SqliteUnit, "tuples", explained)
    assert list(service.list(filters, limit=50)) == []
    database.close()
    assert index in plans[0]
    assert what == "parent" or not any("TEMP B-TREE" in line for line in plans), plans


MANY = 20_000


def test_postgresql_finds_by_the_right_index_and_sorts_no_list(
    postgres_shop_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_key(tmp_path / "audit.key")
    with closing(open_database(postgres_shop_url)) as database:
        instances = Instances(database, tmp_path / "audit.key", indexed=("x",))
        instances.service.index()
        with database.unit() as unit:
            rows = (
                Instance(one, f"C-{n % 500}", f"HOST-{n % 5}", STATES[n % 7], "{}", f'{{"host":"h-{n}","x":{n % 40}}}',
                         "{}", None, None, None, 1, n, n, None, None)  # type: ignore[arg-type]
                for n, one in enumerate(ids.several("ins", MANY))
            )  # fmt: skip
            unit.insert_many("instance", Instance._fields, rows)
        with database.unit() as unit:
            attributes.learn(unit)
        plans: dict[str, str] = {}
        tuples = PostgresUnit.tuples

        def explained(self: PostgresUnit, sql: str, **params: object) -> Any:
            if " from instance" in sql:
                plans[what] = "\n".join(str(row[0]) for row in tuples(self, f"explain {sql}", **params))
            return tuples(self, sql, **params)

        monkeypatch.setattr(PostgresUnit, "tuples", explained)
        asked = {
            "sku_state_id_idx": Filters(sku="HOST-2", state="active"),
            "left_id_idx": Filters(where=parsed(["configuration.x=7"])),
            "configuration_idx": Filters(where=parsed(["configuration.host=h-77"])),
            "pkey": Filters(customer="C-7"),
        }
        for what, filters in asked.items():  # noqa: B007 - `explained` reads it
            assert list(instances.service.list(filters, limit=50))
        for index, plan in plans.items():
            assert index in plan, plan
            assert "Seq Scan" not in plan, plan
            assert "Sort " not in plan.replace("Sort Key", "") or index in ("configuration_idx", "pkey"), plan
        assert plans["pkey"].count("instance_p") < 8, "one partition of sixteen"


def test_states_are_the_seven_of_the_standard() -> None:
    assert len(STATES) == 7
