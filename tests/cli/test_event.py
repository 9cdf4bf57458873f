"""`shopctl event`: what happened, listed, followed and delivered at the command line."""

from __future__ import annotations

import json
import select
import signal
from contextlib import closing

from shopctl.events import outbox
from shopctl.kernel.clock import parse
from shopctl.storage.database import open_database
from support.shop import Shop

AT = parse("2026-11-24T12:00:00Z")


def happen(shop: Shop, type_: str, subject: str, **payload: object) -> str:
    url = shop.database_url or f"sqlite:///{shop.folder / '.shopctl' / 'shop.db'}"
    with closing(open_database(url)) as database, database.unit() as unit:
        return outbox.add(unit, type_, subject, payload, now=AT)


def test_what_happened_is_listed_and_shown(any_shop: Shop) -> None:
    first = happen(any_shop, "run.started", "run_1", definition="ship")
    second = happen(any_shop, "step.failed", "run_1", step="pay")

    listed = any_shop.run("event", "list", "-o", "json").json
    page = any_shop.run("event", "list", "--after", second, "-o", "json").json
    failed = any_shop.run("event", "list", "--type", "*.failed", "--subject", "run_1", "-o", "json").json
    shown = any_shop.run("event", "show", first, "-o", "json").json

    assert [row["event_id"] for row in listed] == [second, first]
    assert [row["event_id"] for row in page] == [first]
    assert failed == [
        {"event_id": second, "type": "step.failed", "subject": "run_1", "at": "2026-11-24T12:00:00Z",
         "payload": {"step": "pay"}}
    ]  # fmt: skip
    assert shown == {**listed[1], "set_aside": []}


def test_following_shows_each_event_as_it_happens(shop: Shop) -> None:
    happen(shop, "run.started", "run_0")
    following = shop.start("event", "list", "--follow", "--type", "run.*", "-o", "ndjson")
    assert following.stdout
    try:
        # Whoever follows says nothing before the first event, so events go on until one is heard of.
        happen(shop, "step.failed", "run_1")
        subjects = iter(range(1, 1000))
        while not select.select([following.stdout], [], [], 0.2)[0]:
            happen(shop, "run.parked", f"run_{next(subjects)}", note="a\nb")
        row = json.loads(following.stdout.readline())
    finally:
        following.send_signal(signal.SIGINT)
        following.communicate(timeout=20)

    assert row["type"] == "run.parked"
    assert following.returncode == 130


def test_what_never_ends_is_no_document(shop: Shop) -> None:
    for flags in (["-o", "json"], ["--query", "[0]"], ["--since", "now"]):
        assert shop.run("event", "list", "--follow", *flags, expect=2).stdout == ""


def test_a_delivery_with_nothing_to_do_says_nothing(shop: Shop) -> None:
    happen(shop, "run.started", "run_1")

    idle = shop.run("event", "deliver")

    assert (idle.stdout, idle.stderr) == ("", "")


def test_a_mistake_is_named(shop: Shop) -> None:
    assert shop.run("event", "show", "evt_none", "-o", "json", expect=3).error["code"] == "event.not_found"
    assert shop.run("event", "replay", "nobody", "evt_1", "-o", "json", expect=3).error["code"] == (
        "event.subscriber_not_found"
    )
    assert shop.run("event", "replay", "nobody", "-o", "json", expect=2).error["code"] == "event.nothing_to_replay"
