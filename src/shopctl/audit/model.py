"""What an audit trail is made of: entries, the seals over them, checkpoints, and what a verification finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from shopctl.kernel.clock import Instant
from shopctl.kernel.errors import one_line

BATCH = 1000
"""The most entries under one seal."""

FINDINGS_KEPT = 1000
"""The most findings a verification lists; it counts them all."""


class Trail(NamedTuple):
    """Which trail this is; every entry and seal is bound to `database_id`."""

    database_id: str
    created_at: Instant
    key_id: str
    mac: str


class Entry(NamedTuple):
    """One use case that changed something, as stored."""

    id: int
    seal: int | None
    at: Instant
    actor: str
    action: str
    subject: str | None
    reason: str | None
    request_id: str
    changed: int
    facts: str
    key_id: str
    mac: str


class Seal(NamedTuple):
    """A batch of entries, chained to the batch before, as stored."""

    number: int
    first_entry: int
    last_entry: int
    entries: int
    at: Instant
    dialect: str
    hash: str
    previous: str
    key_id: str
    mac: str


class Checkpoint(NamedTuple):
    """Where a trail stood once, kept elsewhere: a trail that is cut short no longer reaches it."""

    database_id: str
    seal: int
    hmac: str
    entries: int
    at: Instant
    key_id: str
    signature: str


class Finding(NamedTuple):
    """One thing that differs from what was written; `code` is one of those in docs/audit.md."""

    entry: int | None
    seal: int | None
    code: str
    what: str


class Tail(NamedTuple):
    """The entries no seal covers yet; the moments are those of the oldest and the newest."""

    entries: int
    oldest: Instant | None
    newest: Instant | None


@dataclass
class Verification:
    """What a verification read and found."""

    database_id: str | None = None
    entries: int = 0
    seals: int = 0
    differences: int = 0
    findings: list[Finding] = field(default_factory=list)
    unsealed: Tail = field(default_factory=lambda: Tail(0, None, None))
    checkpoint: Checkpoint | None = None

    @property
    def ok(self) -> bool:
        """Whether everything agrees; an unsealed tail does not count against it."""
        return not self.differences

    def found(self, code: str, what: str, *, entry: int | None = None, seal: int | None = None) -> None:
        """Add a finding."""
        self.differences += 1
        if len(self.findings) < FINDINGS_KEPT:
            self.findings.append(Finding(entry, seal, code, one_line(what)))


def redacted(facts: Any) -> Any:
    """Facts without secrets: values of secret names are masked, all other text is searched for what looks like one."""
    from shopctl.kernel.redaction import MASK, is_secret_name, redact

    if isinstance(facts, dict):
        return {
            redact(str(name)): MASK if is_secret_name(str(name)) and isinstance(value, str) else redacted(value)
            for name, value in facts.items()
        }
    if isinstance(facts, list | tuple):
        return [redacted(value) for value in facts]
    return redact(facts) if isinstance(facts, str) else facts


def operating_system_actor() -> str:
    """The account this process runs under, such as `os:anna`: asked of the system, not of the environment."""
    import os
    import pwd

    number = os.geteuid()
    try:
        return f"os:{pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"os:{number}"


def shown(entry: Entry) -> dict[str, Any]:
    """An entry as it is read by others: `id, at, actor, action, subject, changed, reason, request_id, facts, seal`."""
    import json

    from shopctl.kernel import clock

    try:
        facts = json.loads(entry.facts)
    except (ValueError, TypeError):
        facts = entry.facts  # somebody edited it; verify says so
    return {
        "id": entry.id,
        "at": clock.show(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "changed": entry.changed,
        "reason": entry.reason,
        "request_id": entry.request_id,
        "facts": facts,
        "seal": entry.seal,
    }
