"""`store fsck`: do runs, instances, stock and what was handed out agree, and how is it mended where they do not?"""

from __future__ import annotations

from typing import Literal, NamedTuple

from shopctl.kernel.clock import Clock
from shopctl.kernel.errors import Partial
from shopctl.product_store.rules import rules as instance_rules
from shopctl.provisioning.rules import RULES as PROVISIONING
from shopctl.storage.database import Database

_SHOWN = 20  # examples of one difference


class StoreDiffers(Partial):
    """{count} check(s) found a difference: {checks}."""

    code = "store.differs"
    hint = "See what differs, and how to mend it, with: shopctl store fsck -o json"


class Finding(NamedTuple):
    """One check: how many rows differ, which (the first twenty), and how that is mended."""

    check: str
    state: Literal["ok", "differs"]
    differing: int
    examples: list[str]
    repair: str | None


def check(database: Database, clock: Clock, *, quick: bool = False) -> list[Finding]:
    """Every invariant across the systems of a shop, read from one snapshot; `quick` leaves out what reads all rows."""
    found = []
    with database.read() as unit:
        for rule in (*PROVISIONING, *instance_rules(unit.dialect)):
            if quick and rule.slow:
                continue
            params = {"now": clock.now()} if ":now" in rule.sql else {}
            rows = [text for (text,) in unit.tuples(rule.sql, **params)]
            repair = rule.repair if rows else None
            found.append(Finding(rule.check, "differs" if rows else "ok", len(rows), rows[:_SHOWN], repair))
    return found


def require_agreement(findings: list[Finding]) -> None:
    """Raise StoreDiffers (exit 6) naming the checks that found something."""
    differing = [finding.check for finding in findings if finding.state == "differs"]
    if differing:
        raise StoreDiffers(count=len(differing), checks="; ".join(differing))
