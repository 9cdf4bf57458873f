"""`shopctl provision`, `template` and `worker`, as real processes on both databases, with real systems behind them."""

from __future__ import annotations

import json
import signal
import time
import tomllib
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from shopctl.storage import marks
from shopctl.storage.database import open_database
from support.downstream import FAILS, Answer, Downstream, downstream
from support.shop import Result, Shop

FEED = """sku,name,price,currency,kind,stock,service_url
MUG-1,Mug,9.90,EUR,physical,10,
BOOK-1,E-book,5,EUR,digital,,
SUB-1,Magazine,3,EUR,subscription,,
HOST-1,Hosting,5,EUR,service,,
GONE-1,Old,5,EUR,physical,1,
"""

CALLING = """
name = "calling"
[select]
sku = "MUG-1"
[parameters]
type = "object"
required = ["colour"]
[parameters.properties.colour]
enum = ["red", "blue"]
[[steps]]
name = "reserve"
action = "reserve-stock"
with = { sku = "${input.product.sku}", quantity = "${input.quantity}" }
compensate = { action = "release-stock", with = { reservation = "${steps.reserve.reservation}" } }
[[steps]]
name = "make"
action = "http"
with = { url = "URL/make", body = { colour = "${input.parameters.colour}" }, output = { id = "body.id" } }
compensate = { action = "http", with = { method = "POST", url = "URL/unmake", body = { id = "${steps.make.id}" } } }
retry = { attempts = 3, initial = 0.1, jitter = 0 }
[[steps]]
name = "finish"
action = "http"
with = { url = "URL/finish", body = { id = "${steps.make.id}" } }
compensate = false
retry = { attempts = 3, initial = 0.1, jitter = 0 }
[result]
made = "${steps.make.id}"
"""

OWN = """name = "own"
extends = "physical-good"
[[steps]]
name = "wrap"
after = "pick"
action = "timer"
with = { seconds = 1 }
"""

BAD = """name = "bad"
[select]
kind = "service"
[[steps]]
name = "a"
action = "htpp"
[[steps]]
name = "b"
action = "http"
with = { url = "https://x.example/", verb = "GET" }
[[steps]]
name = "c"
action = "timer"
with = { seconds = 1 }
"""


@pytest.fixture
def other() -> Iterator[Downstream]:
    with downstream() as found:
        found.script("POST", "/make", {"id": "m-1"})
        found.script("POST", "/unmake", {})
        found.script("POST", "/finish", {})
        yield found


@pytest.fixture
def selling(any_shop: Shop, other: Downstream) -> Shop:
    shop = any_shop
    shop.run("catalogue", "import", "-", "--format", "csv", input=FEED)
    shop.run("catalogue", "retire", "GONE-1")
    (shop.folder / "templates").mkdir()
    (shop.folder / "templates" / "calling.toml").write_text(CALLING.replace("URL", other.url))
    with (shop.folder / "shopctl.toml").open("a") as file:
        file.write('\n[network]\nallow_private = ["127.0.0.1"]\n')
    return shop


def start(shop: Shop, sku: str = "MUG-1", *more: str, expect: int | None = 0) -> Result:
    given = () if sku != "MUG-1" or "--set" in more else ("--set", "colour=red")
    return shop.run("provision", "start", sku, "--customer", "C-1", *given, *more, "-o", "json", expect=expect)


def shown(shop: Shop, run: str) -> Any:
    return shop.run("provision", "show", run, "-o", "json").json


def stock(shop: Shop) -> tuple[int, int]:
    found = shop.run("stock", "show", "MUG-1", "-o", "json").json
    return found["on_hand"], found["reserved"]


def test_a_product_of_each_kind_is_provisioned_with_the_templates_that_come_along(any_shop: Shop) -> None:
    shop = any_shop
    shop.run("catalogue", "import", "-", "--format", "csv", input=FEED)

    for sku in ("MUG-1", "BOOK-1", "SUB-1"):
        started = shop.run("provision", "start", sku, "--customer", "C-1", "-o", "json").json
        assert started.keys() >= {"run_id", "state", "instance_id"}
        assert started["state"] == "completed"

    assert stock(shop) == (9, 0)
    rows = shop.run("instance", "list", "--customer", "C-1", "-o", "json").json
    assert {(row["sku"], row["state"]) for row in rows} == {(sku, "active") for sku in ("MUG-1", "BOOK-1", "SUB-1")}
    listed = shop.run("provision", "list", "-o", "json").json
    assert {row["state"] for row in listed} == {"completed"}
    assert listed[0].keys() >= {"run_id", "state", "sku", "customer", "step", "next_at"}


def test_what_fails_is_tried_again_when_it_is_due_and_by_cron(selling: Shop, other: Downstream) -> None:
    shop = selling
    other.script("POST", "/finish", Answer(429, {"error": "too many"}, effect=False, store=False), {})

    run = start(shop, expect=8).json["run_id"]

    assert shown(shop, run)["steps"][2]["state"] == "retrying"
    time.sleep(0.2)
    assert shop.run("provision", "retry", "--due", "-o", "json").json["succeeded"] == 1
    assert shop.run("provision", "retry", "--due").stdout == ""
    assert shown(shop, run)["state"] == "completed"
    assert [each.path for each in other.effects()] == ["/make", "/finish"]
    instance = shop.run("instance", "list", "-o", "json").json[0]
    assert shop.run("instance", "show", instance["instance_id"], "-o", "json").json["configuration"] == {
        "colour": "red", "made": "m-1",
    }  # fmt: skip


def test_what_fails_for_good_is_undone_and_can_be_retried(selling: Shop, other: Downstream) -> None:
    shop = selling
    other.script("POST", "/finish", Answer(422, {"error": "no such thing"}, effect=False, store=False), {})

    failed = start(shop, expect=7)

    run = failed.json["run_id"]
    assert failed.error["code"] == "provisioning.run_failed"
    assert "no such thing" in failed.error["message"]
    assert [each.path for each in other.effects()] == ["/make", "/unmake"]
    assert stock(shop) == (10, 0)
    assert shop.run("instance", "list", "-o", "json").json[0]["state"] == "aborted"
    [stuck] = shop.run("provision", "list", "--stuck", "-o", "json").json
    assert (stuck["runs"], stuck["example"]) == (1, run)
    assert "calling/finish: http.422" in stuck["fingerprint"]
    tally = shop.run("provision", "retry", "--like", stuck["fingerprint"], "--verify", "-o", "json").json
    assert tally["succeeded"] == 1
    assert shown(shop, run)["state"] == "completed"
    [instance] = shop.run("instance", "list", "-o", "json").json
    assert (instance["state"], instance["configuration"]["made"]) == ("active", "m-1")
    assert [each.path for each in other.effects()] == ["/make", "/unmake", "/make", "/finish"]
    assert not other.doubles()


def test_a_bundle_that_failed_is_retried_as_a_whole_and_once(selling: Shop, other: Downstream) -> None:
    shop = selling
    box = {"sku": "BOX-1", "name": "Box", "kind": "bundle", "prices": [{"amount": "9", "currency": "EUR"}]}
    parts = [{"sku": "SUB-1", "quantity": 1}, {"sku": "MUG-1", "quantity": 1}]
    shop.run("catalogue", "import", "-", "--format", "json", input=json.dumps([{**box, "components": parts}]))
    other.script("POST", "/finish", Answer(422, {"error": "no"}, effect=False, store=False), {})
    run = start(shop, "BOX-1", "--set", 'components={"MUG-1":{"colour":"red"}}', expect=7).json["run_id"]
    [part] = shop.run("provision", "list", "--sku", "MUG-1", "-o", "json").json

    refused = shop.run("provision", "retry", part["run_id"], "-o", "json", expect=5)
    assert refused.error["code"] == "provisioning.part_given_up"
    assert [each["example"] for each in shop.run("provision", "list", "--stuck", "-o", "json").json] == [run]
    shop.run("provision", "retry", "--failed", "--verify")

    assert shown(shop, run)["state"] == "completed"
    assert [each.path for each in other.effects()] == ["/make", "/unmake", "/make", "/finish"]
    living = shop.run("instance", "list", "--state", "active", "-o", "json").json
    assert sorted(each["sku"] for each in living) == ["BOX-1", "MUG-1", "SUB-1"]


def test_the_same_key_gives_the_same_run_and_other_arguments_are_refused(selling: Shop, other: Downstream) -> None:
    shop = selling
    first = start(shop, "MUG-1", "--idempotency-key", "order-7").json
    again = start(shop, "MUG-1", "--idempotency-key", "order-7").json

    assert again == first
    assert len(other.effects("/make")) == 1
    refused = start(shop, "MUG-1", "--idempotency-key", "order-7", "--set", "colour=blue", expect=5)
    assert refused.error["code"] == "workflow.key_reused"
    assert start(shop, "MUG-1", "--idempotency-key", "", expect=2).error["code"] == "workflow.key_empty"


def test_bad_requests_are_refused_with_a_message_for_each_field(selling: Shop) -> None:
    shop = selling
    wrong = start(shop, "MUG-1", "--set", "colour=green", expect=12)
    assert wrong.error["code"] == "provisioning.parameters_invalid"
    assert "colour: must be one of: red, blue" in wrong.error["message"]
    assert start(shop, "MUG-1", "--quantity", "11", expect=5).error["code"] == "provisioning.out_of_stock"
    assert start(shop, "NOPE", expect=3).error["code"] == "catalogue.product_not_found"
    assert start(shop, "GONE-1", expect=5).error["code"] == "provisioning.not_sold"
    assert shop.run("provision", "list", "-o", "json").json == []
    assert shop.run("instance", "list", "-o", "json").json == []


def test_a_plan_changes_nothing_and_says_what_would_be_done(selling: Shop, other: Downstream) -> None:
    shop = selling
    plan = shop.run("provision", "plan", "MUG-1", "--set", "colour=blue", "--quantity", "2", "-o", "json").json

    assert [(step["step"], step["undone_by"]) for step in plan["steps"]] == [
        ("reserve", "release-stock"), ("make", "http"), ("finish", None),
    ]  # fmt: skip
    assert plan["reservations"] == [{"sku": "MUG-1", "quantity": 2, "step": "reserve", "available": 10}]
    assert plan["steps"][1]["with"]["body"] == {"colour": "blue"}
    assert not other.received
    assert stock(shop) == (10, 0)
    assert "undone by release-stock" in shop.run("provision", "plan", "MUG-1", "--set", "colour=blue").stdout


def test_a_run_that_waits_for_an_approval_is_approved_or_cancelled(selling: Shop, other: Downstream) -> None:
    shop = selling
    text = (shop.folder / "templates" / "calling.toml").read_text()
    approval = '[[steps]]\nname = "ask"\naction = "approval"\ncompensate = false\n[[steps]]\nname = "finish"'
    (shop.folder / "templates" / "calling.toml").write_text(text.replace('[[steps]]\nname = "finish"', approval))
    first, second = (start(shop, expect=8).json["run_id"] for _ in "ab")

    assert shown(shop, first)["steps"][2]["waits_for"] == "approve"
    assert stock(shop) == (10, 2)
    assert shop.run("provision", "approve", first, "--note", "it fits", "-o", "json").json["succeeded"] == 1
    told = shown(shop, first)
    assert told["state"] == "completed"
    [heard] = [each for each in told["history"] if each["event"] == "step.signalled"]
    assert (heard["step"], heard["signal"], heard["note"], heard["approved"]) == ("ask", "approve", "it fits", True)
    assert heard["by"].startswith("os:")
    assert f"step.signalled ask approve by {heard['by']} (it fits)" in shop.run("provision", "show", first).stdout
    assert shop.run("provision", "approve", first, "-o", "json", expect=5).error["code"] == "workflow.not_waited_for"
    assert "waits for 'aprove' now" in shop.run("provision", "signal", second, "aprove").stderr
    third = start(shop, expect=8).json["run_id"]
    sent = ("--set", "approved=true", "--set", "by=boss")
    shop.run("provision", "signal", third, "approve", *sent)
    assert shown(shop, third)["steps"][2]["output"]["by"] == heard["by"], "nobody speaks in another's name"
    assert f"{second} is cancelled" in shop.run("provision", "cancel", second).stderr
    assert shown(shop, second)["state"] == "cancelled"
    assert stock(shop) == (10, 2)
    assert len(other.effects("/unmake")) == 1


def test_a_worker_works_until_it_is_idle_and_is_silent_when_there_is_nothing(selling: Shop) -> None:
    shop = selling
    for _ in range(3):
        start(shop, "MUG-1", "--no-wait", expect=8)

    assert shop.run("worker", "--until-idle", "-o", "json").json == {
        "claimed": 3, "succeeded": 3, "failed": 0, "rescheduled": 0, "remaining": 0,
    }  # fmt: skip
    idle = shop.run("worker", "--until-idle")
    assert (idle.stdout, idle.stderr) == ("", "")
    shop.run("worker", "--once", "--until-idle", expect=2)
    retry = ("provision", "retry", "--due")
    assert shop.run(*retry, "--failed", "-o", "json", expect=2).error["code"] == "usage.due_alone"
    for more in (("run_1",), ("--like", "x"), ("--max-runtime", "soon")):
        shop.run(*retry, *more, expect=2)


@pytest.mark.assure("R21")
def test_a_limit_at_a_downstream_leaves_no_run_behind_for_the_next_minute(selling: Shop, other: Downstream) -> None:
    shop = selling
    template = shop.folder / "templates" / "calling.toml"
    limited = template.read_text().replace('name = "make"', 'name = "make"\ndownstream = "maker"')
    template.write_text(limited + "[downstreams.maker]\nconcurrency = 1\n")
    for _ in range(3):
        start(shop, "MUG-1", "--no-wait", expect=8)

    assert shop.run("worker", "--until-idle", "-o", "json").json["succeeded"] == 3
    assert len(other.effects("/finish")) == 3


@pytest.mark.parametrize(
    ("verb", "number", "code"),
    [("worker", signal.SIGTERM, 143), ("provision retry --due", signal.SIGINT, 130)],
)
def test_a_worker_that_is_asked_to_end_writes_down_what_it_has(
    selling: Shop, other: Downstream, verb: str, number: signal.Signals, code: int
) -> None:
    shop = selling
    other.script("POST", "/finish", Answer(200, {}, seconds=1.0))
    runs = [start(shop, "MUG-1", "--no-wait", expect=8).json["run_id"] for _ in range(4)]
    worker = shop.start(*verb.split(), "-o", "json")
    deadline = time.monotonic() + 30
    while len(other.received) < 6 and time.monotonic() < deadline:
        time.sleep(0.02)

    worker.send_signal(number)
    asked = time.monotonic()
    tally = json.loads(worker.communicate(timeout=20)[0])

    assert time.monotonic() - asked < 10
    assert worker.returncode == code
    assert tally["claimed"] == 4
    shop.run("worker", "--until-idle")
    assert {shown(shop, run)["state"] for run in runs} == {"completed"}
    assert not other.doubles()
    assert len(other.effects("/make")) == len(other.effects("/finish")) == 4


def test_a_lost_run_parks_and_an_operator_skips_the_step(selling: Shop, other: Downstream) -> None:
    shop = selling
    other.script("POST", "/finish", *[FAILS] * 9)
    run = start(shop, expect=8).json["run_id"]
    for _ in range(3):
        time.sleep(0.5)
        shop.run("provision", "retry", "--due", expect=None)

    assert shown(shop, run)["state"] == "parked"
    assert shop.run("status", "-o", "json").json["runs"] == {"open": 0, "overdue": 0, "parked": 1}
    [warned] = [check for check in shop.run("doctor", "-o", "json").json if check["check"] == "runs"]
    assert (warned["state"], warned["found"]) == ("warn", "1 parked")
    assert shop.run("provision", "skip", run, "make", "-o", "json", expect=5).error["code"] == "workflow.step_passed"
    assert shop.run("provision", "skip", run, "nope", "-o", "json", expect=3).error["code"] == "workflow.step_not_found"
    shop.run("provision", "skip", "run_none", "finish", expect=3)
    shop.run("provision", "skip", run, "finish", expect=2)
    shop.run("provision", "skip", run, "finish", "--yes")
    assert shown(shop, run)["state"] == "completed"
    watched = shop.run("provision", "watch", run).stdout.splitlines()
    assert watched[-1].endswith("run.completed")


def test_instances_are_changed_as_their_template_says(selling: Shop) -> None:
    shop = selling
    instance = start(shop, "SUB-1").json["instance_id"]

    def state() -> str:
        return str(shop.run("instance", "show", instance, "-o", "json").json["state"])

    shop.run("instance", "suspend", instance)
    assert state() == "suspended"
    shop.run("instance", "resume", instance)
    shop.run("instance", "modify", instance, "--set", "seats=7")
    shop.run("instance", "modify", instance, "--set", "seats=0", expect=12)
    found = shop.run("instance", "show", instance, "-o", "json").json
    assert (found["state"], found["configuration"]["seats"]) == ("active", 7)
    shop.run("instance", "renew", instance)
    assert (
        shop.run("instance", "show", instance, "-o", "json").json["configuration"]["paid_until"]
        > found["configuration"]["paid_until"]
    )
    shop.run("instance", "terminate", instance, expect=2)
    shop.run("instance", "terminate", instance, "--yes")
    assert state() == "terminated"
    mug = start(shop).json["instance_id"]
    assert (
        shop.run("instance", "suspend", mug, "-o", "json", expect=5).error["code"] == "provisioning.operation_unknown"
    )


def test_what_an_instance_is_already_is_not_done_again(selling: Shop) -> None:
    shop = selling
    instance = start(shop, "SUB-1").json["instance_id"]

    def change(verb: str, *more: str, expect: int = 0) -> Result:
        return shop.run("instance", verb, instance, *more, "-o", "json", expect=expect)

    once = change("suspend", "--idempotency-key", "k-1").json
    assert change("suspend", "--idempotency-key", "k-1").json == once
    assert change("resume", "--idempotency-key", "k-1", expect=5).error["code"] == "workflow.key_reused"
    assert change("suspend", expect=5).error["code"] == "instance.invalid_transition"
    change("terminate", "--yes")
    for verb in ("terminate", "modify"):
        assert change(verb, "--yes", expect=5).error["code"] == "instance.closed"
    told = shop.run("event", "list", "--type", "notification.requested", "-o", "json").json
    assert len(told) == 3


def test_templates_are_checked_drawn_and_installed(shop: Shop) -> None:
    assert shop.run("template", "validate").stdout.strip() == "all is well"
    bad = shop.folder / "bad.toml"
    bad.write_text(BAD)
    found = shop.run("template", "validate", "bad.toml", "-o", "json", expect=12).json
    assert {(row["line"], row["severity"], row["code"]) for row in found} == {
        (6, "error", "action"), (4, "warning", "compensation"), (7, "warning", "compensation"), (10, "error", "with"),
    }  # fmt: skip
    shop.run("template", "install", "bad.toml", expect=12)
    assert "flowchart TD" in shop.run("template", "graph", "physical-good", "--format", "mermaid").stdout
    assert " ● done" in shop.run("template", "graph", "physical-good").stdout
    shop.run("template", "install", "physical-good", "--as", "fragile")
    assert "fragile" in [row["name"] for row in shop.run("template", "list", "-o", "json").json]
    shop.run("template", "install", "physical-good", "--as", "fragile", expect=5)
    (shop.folder / "templates" / "own.toml").write_text(OWN)
    text = shop.run("template", "show", "own").stdout
    assert text.startswith(OWN)
    assert "#   reserve  reserve-stock  undone by release-stock  (inherited)\n" in text
    assert "#   wrap  timer\n#       seconds = 1\n#   ship" in text
    assert tomllib.loads(text) == tomllib.loads(OWN)
    steps = shop.run("template", "show", "own", "-o", "json").json["operations"]["start"]
    assert {step["step"]: step["inherited"] for step in steps}.items() >= {"wrap": False, "pick": True}.items()


def test_what_is_begun_while_the_shop_is_paused_waits_for_its_end(selling: Shop) -> None:
    shop = selling
    url = shop.database_url or f"sqlite:///{shop.folder}/.shopctl/shop.db"
    with closing(open_database(url)) as database, database.unit() as unit:
        marks.pause(unit, 0, {})

    started = start(shop, "SUB-1", expect=8).json

    assert started["state"] == "pending"
    assert "db resume" in shop.run("worker", "--until-idle").stderr
    shop.run("db", "resume")
    assert shop.run("worker", "--until-idle", "-o", "json").json["succeeded"] == 1


def test_the_key_that_a_customer_was_given_can_be_shown_and_that_is_on_record(shop: Shop) -> None:
    feed = "sku,name,price,kind,licence_pool\nBOOK-1,E-book,5,digital,books\n"
    shop.run("catalogue", "import", "-", "--format", "csv", input=feed)
    shop.run("licence", "add", "books", "-", input="AAAA-1111\n")
    instance = shop.run("provision", "start", "BOOK-1", "--customer", "C-1", "-o", "json").json["instance_id"]
    key = shop.run("instance", "show", instance, "-o", "json").json["configuration"]["licence_key_id"]

    shown = shop.run("licence", "reveal", key, "-o", "json").json

    assert (shown["key"], shown["pool"], shown["state"]) == ("AAAA-1111", "books", "claimed")
    assert shop.run("audit", "list", "--limit", "1", "-o", "json").json[0]["subject"] == key
    assert shop.run("licence", "reveal", "lic_none", "-o", "json", expect=3).error["code"] == "licence_key.not_found"
