"""`shopctl instance`: lists, pages, the past, and what is refused, as real processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shopctl.cli import complete
from shopctl.kernel import ids
from shopctl.storage.database import open_database
from support.instances import Instances
from support.shop import Shop


@contextmanager
def stored(shop: Shop) -> Iterator[Instances]:
    """The instances of a shop, written as provisioning writes them."""
    database = open_database(shop.database_url or f"sqlite:///{shop.folder}/.shopctl/shop.db")
    yield Instances(database, shop.folder / ".shopctl/keys/audit.key")
    database.close()


def test_instances_are_listed_shown_and_told_from_their_beginning(any_shop: Shop) -> None:
    shop = any_shop
    assert shop.run("instance", "list", "-o", "json").json == []
    with stored(shop) as instances:
        first = instances.create(configuration={"region": "eu", "seats": 5}, customisation={"engraving": "Für Anna"})
        second = instances.create(customer="C-2", sku="HOST-2", state="active", configuration={"region": "us"})
        between = shop.run("instance", "show", first, "-o", "json").json["updated_at"]
        instances.advance(first, "activate", run_id="run_1")
        instances.configure(first, configuration={"region": "us"}, reason="they moved")

    rows = shop.run("instance", "list", "-o", "json").json
    assert [(row["instance_id"], row["sku"], row["customer"], row["state"]) for row in rows] == [
        (second, "HOST-2", "C-2", "active"), (first, "HOST-1", "C-1", "active"),
    ]  # fmt: skip

    def listed(*flags: str) -> list[str]:
        return [row["instance_id"] for row in shop.run("instance", "list", "-o", "ndjson", *flags).ndjson]

    assert listed("--customer", "C-2") == listed("--sku", "HOST-2") == listed("--limit", "1") == [second]
    assert listed("--state", "active", "--where", "configuration.region=us", "--where", "sku!=HOST-2") == [first]
    assert listed("--after", second) == listed("--where", "customisation.engraving=Für Anna") == [first]
    assert listed("--as-of", between, "--where", "configuration.region=eu") == [first]
    assert listed("--as-of", "1h ago") == listed("--parent", first) == listed("--purchase", "pur_1") == []

    shown = shop.run("instance", "show", first, "-o", "json").json
    assert (shown["state"], shown["configuration"], shown["version"]) == ("active", {"region": "us", "seats": 5}, 3)
    then = shop.run("instance", "show", first, "--as-of", between, "-o", "json").json
    assert (then["state"], then["configuration"]["region"], then["version"]) == ("created", "eu", 1)
    text = shop.run("instance", "show", first).stdout
    assert "configuration region" in text
    assert "Für Anna" in text

    told = shop.run("instance", "history", first, "-o", "json").json
    assert [(row["version"], row["action"], row["reason"], row["run_id"]) for row in told] == [
        (3, "configure", "they moved", None), (2, "activate", None, "run_1"), (1, "create", None, None),
    ]  # fmt: skip
    assert told[0]["changes"] == {"configuration.region": {"from": "eu", "to": "us"}}
    read = shop.run("instance", "history", first).stdout
    assert "configure -> active  os:anna: they moved" in read
    assert "configuration.region: eu -> us" in read
    assert "activate -> active  os:anna in run_1" in read
    assert shop.run("db", "check", "-o", "json").code == 0


def test_what_is_not_there_or_cannot_be_is_refused(shop: Shop) -> None:
    for arguments, code, exit_code in (
        (("show", "ins_0"), "instance.not_found", 3),
        (("history", "ins_0"), "instance.not_found", 3),
        (("show", "ins_0", "--as-of", "soon"), "usage.time", 2),
        (("list", "--state", "pendingActive"), "instance.bad_condition", 2),
        (("list", "--where", "region=eu"), "instance.bad_condition", 2),
        (("list", "--where", "configuration.a'b=1"), "instance.bad_condition", 2),
        (("list", "--limit", "0"), "usage", 2),
    ):
        assert shop.run("instance", *arguments, "-o", "json", expect=exit_code).error["code"] == code
    wrong = {"SHOPCTL_STORE__INDEXED_ATTRIBUTES": "a'b"}
    assert shop.run("instance", "list", "-o", "json", env=wrong, expect=2).error["code"] == "instance.bad_attribute"


def test_a_table_has_a_page_and_says_how_to_go_on(shop: Shop) -> None:
    with stored(shop) as instances, instances.database.unit() as unit:
        made = [instances.service.create(unit, customer="C-1", sku="S", product={"name": "\x1b[2JHost"})
                for _ in range(51)]  # fmt: skip
    page = shop.run("instance", "list")
    assert len(page.stdout.splitlines()) == 51
    assert f"--after {made[1]}" in page.stderr
    assert "\x1b" not in page.stdout
    rest = shop.run("instance", "list", "--after", made[1])
    assert made[0] in rest.stdout
    assert rest.stderr == ""
    assert len(shop.run("instance", "list", "-o", "csv").stdout.splitlines()) == 52
    assert len(shop.run("instance", "list", "--limit", "60").stdout.splitlines()) == 52


def test_indexes_of_attributes_follow_the_setting(any_shop: Shop) -> None:
    named = {"SHOPCTL_STORE__INDEXED_ATTRIBUTES": "region, network.zone"}
    with stored(any_shop) as instances:
        made = instances.create(configuration={"region": "eu", "network": {"zone": "a"}})
    index = any_shop.run("instance", "index", "-o", "json", env=named).json
    assert [(row["attribute"], row["state"]) for row in index] == [("region", "made"), ("network.zone", "made")]
    where = ("--where", "configuration.network.zone=a", "--where", "configuration.region=eu")
    assert [row["instance_id"] for row in any_shop.run("instance", "list", *where, "-o", "json", env=named).json] == [
        made
    ]
    assert any_shop.run("instance", "index", "-o", "json", "--dry-run").json[0]["state"] == "dropped"
    assert any_shop.run("db", "check", "-o", "json", env=named).code == 0


def test_ids_are_completed(shop: Shop, monkeypatch) -> None:
    with stored(shop) as instances:
        made = instances.create()
    done = shop.run("__complete", "instance", "show", "ins_", env={"SHOPCTL_CLI__REQUIRE_LOGIN": "false"})
    assert done.stdout.split() in ([made], [])  # none when the machine is too busy to answer in time
    monkeypatch.chdir(shop.folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(shop.home / "other"))
    monkeypatch.setattr(complete, "SECONDS", 20)
    assert complete.complete_instance(made[:8]) == [made]
    assert complete.complete_sku(made[:8]) == []
    assert complete.complete_instance(ids.new("ins")) == []


def test_instances_move_to_the_other_engine_and_back(any_shop: Shop, request, tmp_path) -> None:
    from support.postgres import fresh_database

    with stored(any_shop) as instances:
        bundle = instances.create(sku="BUNDLE", state="active")
        for state in ("suspended", "terminated"):
            instances.create(state=state, parent=bundle, customisation={"engraving": "Für Anna"})
        before = instances.stored()

    def moved(url: str) -> None:
        tables = any_shop.run("db", "move", "--to", url, "-o", "json").json["tables"]
        assert {table["table"]: table["rows"] for table in tables if table["table"].startswith("instance")} == {
            "instance": 3, "instance_change": 9,
        }  # fmt: skip
        database = open_database(url)
        assert Instances(database, tmp_path / "no.key").stored() == before
        database.close()
        assert any_shop.run("db", "check", "-o", "json", env={"SHOPCTL_DATABASE_URL": url}).code == 0

    if any_shop.dialect == "postgres":
        moved(f"sqlite:///{tmp_path / 'moved.db'}")
    else:
        with fresh_database(request.getfixturevalue("postgres_server")) as url:
            moved(url)


def test_status_counts_a_partitioned_table_once(postgres_shop: Shop) -> None:
    with stored(postgres_shop) as instances:
        instances.create(state="active")
    (found,) = [row for row in postgres_shop.run("db", "status", "-o", "json").json if row["chain"] == "shop"]
    assert {name: rows for name, rows in found["rows"].items() if name.startswith("instance")} == {
        "instance": 1, "instance_change": 2,
    }  # fmt: skip
