"""Every type of event is on its page."""

from __future__ import annotations

import re
from pathlib import Path

from shopctl.events.model import SET_ASIDE
from shopctl.workflow.model import ENDED

ROOT = Path(__file__).resolve().parents[3]


def test_every_type_of_event_is_documented() -> None:
    page = (ROOT / "docs/events.md").read_text()
    engine = "".join(path.read_text() for path in (ROOT / "src/shopctl/workflow").glob("*.py"))
    said = set(re.findall(r'_say\(\s*"([a-z_.]+)"', engine))
    types = {*said, *(f"run.{state}" for state in ENDED), SET_ASIDE}

    assert len(types) > 12
    assert sorted(types - set(re.findall(r"`([a-z_.]+)`", page))) == []
