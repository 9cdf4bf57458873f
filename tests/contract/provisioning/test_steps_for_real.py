"""Steps of all kinds in one run, by the real runner against a real server and real programs, on both databases."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from contract.conftest import Turned
from shopctl.events import outbox
from shopctl.outgoing.client import OutgoingClient
from shopctl.provisioning.actions.command import CommandAction
from shopctl.provisioning.actions.download_link import DownloadLinkAction
from shopctl.provisioning.actions.http import HttpAction
from shopctl.provisioning.actions.licence_key import LicenceKeyAction
from shopctl.provisioning.actions.message import MessageAction
from shopctl.provisioning.actions.notify import NotifyAction
from shopctl.provisioning.actions.secrets import Secrets
from shopctl.provisioning.licence_keys import LicenceKeyService
from shopctl.storage.database import Database
from shopctl.workflow import queries
from shopctl.workflow.actions import ApprovalAction, TimerAction
from shopctl.workflow.answering import CallbackService
from shopctl.workflow.callbacks import CallbackSigner
from shopctl.workflow.model import NewRun, Run
from shopctl.workflow.reading import read_definition
from shopctl.workflow.runner import Runner
from shopctl.workflow.starting import insert_run, keep
from support.downstream import FAILS_AFTER, Answer, Downstream, downstream

SOON = {"initial": 0.0, "jitter": 0.0}


class Story:
    """One run, its clock and its actions."""

    def __init__(self, database: Database, clock: Turned, keys: LicenceKeyService) -> None:
        self.database, self.clock = database, clock
        self.signer = CallbackSigner(lambda: b"k" * 32, "https://shop.example", clock)
        secrets = Secrets()
        made: list[Any] = [
            HttpAction(OutgoingClient(["127.0.0.1"]), secrets, self.signer),
            CommandAction(secrets),
            LicenceKeyAction(keys),
            DownloadLinkAction("https://shop.example", lambda unit: b"k" * 32, clock),
            MessageAction(self.publish),
            NotifyAction(self.publish),
            TimerAction(clock),
            ApprovalAction(),
        ]
        self.actions = {action.name: action for action in made}
        self.id = ""

    def publish(self, unit: Any, type_: str, subject: str, payload: Any) -> str:
        return outbox.add(unit, type_, subject, payload, now=self.clock.now())

    def start(self, *steps: dict[str, Any], **input: Any) -> None:
        definition = read_definition({"name": "story", "steps": list(steps)})
        for step in definition.steps:
            assert self.actions[step.action].problems(step.written) == []
        with self.database.unit() as unit:
            version = keep(unit, definition, now=self.clock.now())
            new = NewRun("story", "test", "thing", input)
            self.id = insert_run(unit, new, now=self.clock.now(), version=version)[0]

    def work(self, seconds: float = 0.0) -> Run:
        self.clock.time += round(seconds * 1_000_000)
        Runner(self.database, self.clock, self.actions, {}).work()
        with self.database.read() as unit:
            run = queries.get(unit, self.id)
        assert run is not None
        return run

    def send(self, name: str, **payload: Any) -> None:
        with self.database.unit() as unit:
            assert queries.send(unit, self.id, name, payload, now=self.clock.now())

    def events(self, type_: str) -> list[str]:
        with self.database.read() as unit:
            return [found for (found,) in unit.tuples("select payload from event where type = :type", type=type_)]


@pytest.fixture
def other() -> Iterator[Downstream]:
    with downstream() as server:
        yield server


@pytest.fixture
def story(database: Database, turned: Turned, keys: LicenceKeyService) -> Story:
    return Story(database, turned, keys)


def test_a_run_of_all_kinds_of_steps_comes_to_its_end(story, other, keys, tmp_path):
    keys.add("office", ["KEY-1"])
    other.script("POST", "/accounts", Answer(202, {"id": 7}, drop=True))
    once = tmp_path / "once"
    program = f"""import json, os, sys
told = json.load(sys.stdin)
if not os.path.exists({str(once)!r}):
    open({str(once)!r}, "w")
    sys.exit(75)
print(json.dumps(dict(seen=told["values"])))"""
    story.start(
        {"name": "ask", "action": "approval", "with": {"question": "Sell it?"}},
        {"name": "key", "action": "licence-key", "with": {"pool": "office"}},
        {"name": "account", "action": "http", "retry": SOON,
         "with": {"url": f"{other.url}/accounts", "body": {"for": "${input.who}"}, "output": {"id": "body.id"},
                  "callback": {"field": "callback", "output": {"host": "body.host"}}}},
        {"name": "install", "action": "command", "retry": SOON,
         "with": {"argv": [sys.executable, "-c", program], "values": {"account": "${steps.account.id}"}}},
        {"name": "pick", "action": "message", "with": {"type": "warehouse.pick_asked", "subject": "MUG-1"}},
        {"name": "file", "action": "download-link", "with": {"path": "mug.pdf", "seconds": 60}},
        {"name": "rest", "action": "timer", "with": {"seconds": 90}},
        {"name": "tell", "action": "notify",
         "with": {"template": "ready", "customer": "cus_1", "facts": {"url": "${steps.file.url}"}}},
        who="anna",
    )  # fmt: skip

    assert story.work().steps["ask"].state == "waiting"
    story.send("approve", approved=True, by="ada")
    assert story.work().steps["account"].state == "waiting"
    token = other.received[0].json["callback"].rpartition("/")[2]
    CallbackService(story.database, story.clock).take(story.signer.read(token), {"host": "h1"}, {})
    run = story.work()
    assert run.steps["pick"].state == "waiting"
    story.send(str(run.steps["pick"].signal), shelf=3)
    assert story.work().steps["rest"].state == "waiting"
    run = story.work(seconds=90)

    assert run.state == "completed", run.error
    assert other.doubles() == []
    assert len(other.received) == 2
    assert other.received[0].body == other.received[1].body, "the same request under the same key"
    output = {name: state.output for name, state in run.steps.items()}
    assert output["account"] == {"id": 7, "host": "h1"}
    assert output["install"] == {"seen": {"account": 7}}
    assert output["pick"]["answer"] == {"shelf": 3}
    assert len(story.events("warehouse.pick_asked")) == len(story.events("notification.requested")) == 1
    assert "KEY-1" not in str(output)


def test_what_fails_later_undoes_the_account_and_burns_the_key(story, other, keys):
    keys.add("office", ["KEY-1"])
    other.script("POST", "/accounts", {"id": 7})
    other.script("DELETE", "/accounts/7", FAILS_AFTER, Answer(404, {}, effect=False, store=False))
    story.start(
        {"name": "key", "action": "licence-key", "with": {"pool": "office"},
         "compensate": {"action": "licence-key", "with": {"on_undo": "burn"}}},
        {"name": "account", "action": "http",
         "with": {"url": f"{other.url}/accounts", "output": {"id": "body.id"}},
         "compensate": {"action": "http", "retry": SOON,
                        "with": {"method": "DELETE", "url": f"{other.url}/accounts/${{steps.account.id}}",
                                 "expect": [200, 404]}}},
        {"name": "install", "action": "command", "with": {"argv": ["/bin/sh", "-c", "echo no room >&2; exit 1"]}},
    )  # fmt: skip

    run = story.work()

    assert (run.state, run.error["code"]) == ("failed", "command.exit_1")
    assert [each.path for each in other.effects()] == ["/accounts", "/accounts/7"]
    assert keys.pools() == [{"pool": "office", "free": 0, "claimed": 0, "burned": 1}]


def test_an_empty_pool_is_waited_for(story, keys):
    story.start({"name": "key", "action": "licence-key", "with": {"pool": "office"}, "retry": SOON | {"initial": 5.0}})
    assert story.work().steps["key"].state == "retrying"

    keys.add("office", ["KEY-1"])

    assert story.work(seconds=6).state == "completed"


def test_one_slow_answer_holds_up_nobody(story, other):
    """Threads share the client: the others are back long before the slow one."""
    other.script("POST", "/slow", Answer(200, {}, seconds=0.6))
    other.script("POST", "/fast", {})
    story.start(
        {"name": "slow", "action": "http", "needs": [], "with": {"url": f"{other.url}/slow"}},
        *({"name": f"fast{number}", "action": "http", "needs": [], "with": {"url": f"{other.url}/fast"}}
          for number in range(8)),
    )  # fmt: skip
    began = time.monotonic()
    watched: list[float] = []
    thread = threading.Thread(target=lambda: _until(lambda: len(other.effects("/fast")) == 8, watched))
    thread.start()

    assert story.work().state == "completed"
    thread.join()

    assert watched[0] - began < 0.5


def _until(holds: Any, moments: list[float]) -> None:
    deadline = time.monotonic() + 5
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    moments.append(time.monotonic())
