"""Plans and runs as people read them: one line a step, then what happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shopctl.kernel.errors import one_line

_MARKS = {
    "pending": "·", "calling": "▶", "waiting": "◷", "retrying": "↻", "succeeded": "✓", "skipped": "-", "failed": "✗",
    "unknown": "?", "undoing": "↶", "undone": "↶",
}  # fmt: skip


def drawn_plan(plan: Mapping[str, Any]) -> str:
    """A plan: what it is about, its steps, what it reserves, and what may be given."""
    lines = [f"{plan['sku']}  {plan['name']}", f"by the template {plan['template']} ({plan['source']})", ""]
    lines += _planned_steps(plan)
    for reservation in plan["reservations"]:
        left = "" if reservation["available"] is None else f", {reservation['available']} are available"
        lines += ["", f"reserves {reservation['quantity']} of {reservation['sku']}{left}"]
    lines += _planned_parameters(plan)
    if plan["operations"]:
        lines += ["", f"afterwards: {', '.join(plan['operations'])}"]
    return "\n".join(map(_plain, lines))


def _planned_steps(plan: Mapping[str, Any]) -> list[str]:
    lines = []
    width = max((len(step["step"]) for step in plan["steps"]), default=0)
    acting = max((len(step["action"]) for step in plan["steps"]), default=0)
    for step in plan["steps"]:
        mark = "-" if step["applies"] is False else "·"
        line = f"  {mark} {step['step']:<{width}}  {step['action']:<{acting}}"
        if step["when"]:
            line += f"  when {step['when']}"
        if step["undone_by"]:
            line += f"  undone by {step['undone_by']}"
        lines.append(line.rstrip())
        lines += [f"      {name} = {_short(value)}" for name, value in step["with"].items()]
    for part in plan["components"]:
        lines += ["", f"  {part['quantity']} of {part['sku']}  {part['name']}, by the template {part['template']}"]
        lines += [f"  {line}" for line in _planned_steps(part)]
    return lines


def _planned_parameters(plan: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    if plan["schema"]:
        lines += ["", "parameters"]
        required = plan["schema"].get("required", ())
        for name, part in plan["schema"].get("properties", {}).items():
            given = plan["parameters"].get(name)
            value = "needed" if given is None and name in required else "" if given is None else _short(given)
            kind = "|".join(map(str, part["enum"])) if "enum" in part else str(part.get("type", "any"))
            lines.append(f"  {name} ({kind}) {value}".rstrip())
    return lines


def drawn_run(run: Mapping[str, Any]) -> str:
    """A run: where it stands, its steps, its parts, its story."""
    lines = [
        f"{run['run_id']}  {run['state']}",
        f"{run['operation']} {run['sku']} for {run['customer']}, instance {run['instance_id']}",
    ]
    if run["error"]:
        error = run["error"]
        lines.append(f"{'undoing ' if error.get('undo') else ''}{error.get('step')}: {error.get('message')}")
        lines.append(f"  ({error.get('code')})")
        if cause := error.get("cause"):
            lines.append(f"it was to be undone after {cause.get('step')}: {cause.get('message')}")
    told = {
        "worked on by": run["worker"],
        "next at": run["next_at"] and _moment(run["next_at"]),
        "expected by": run["eta"] and _moment(run["eta"]),
    }
    lines += [f"{name} {value}" for name, value in told.items() if value]
    lines += ["", *step_lines(run["steps"])]
    if run["parts"]:
        lines += ["", "parts"]
        lines += [f"  {part['run_id']}  {part['state']:<12} {part['sku']}" for part in run["parts"]]
    lines += ["", "history", *(history_line(entry) for entry in run["history"])]
    return "\n".join(map(_plain, lines))


def step_lines(steps: list[dict[str, Any]]) -> list[str]:
    """One line a step: a mark, its name, its state and what is to be known of it."""
    width = max((len(step["step"]) for step in steps), default=0)
    lines = []
    for step in steps:
        line = f"  {_MARKS.get(step['state'], ' ')} {step['step']:<{width}}  {step['state']:<9}"
        if step["attempt"] > 1:
            line += f"  attempt {step['attempt']} of {step['attempts']}"
        if step["waits_for"]:
            line += f"  for {step['waits_for']}"
        if step["next_at"] and step["state"] == "retrying":
            line += f"  again at {_moment(step['next_at'])}"
        if step["error"] and step["state"] not in ("succeeded", "undone"):
            line += f"  {step['error']['message']}"
        lines.append(line.rstrip())
    return lines


def history_line(entry: Mapping[str, Any]) -> str:
    """One event of a run's history."""
    facts = [str(entry[name]) for name in ("step", "signal") if entry.get(name)]
    if entry.get("approved") is False:
        facts.append("refused")
    if entry.get("by"):
        facts.append(f"by {entry['by']}")
    facts += [f"({entry[name]})" for name in ("reason", "note") if isinstance(entry.get(name), str)]
    if entry.get("error"):
        facts.append(f"({entry['error'].get('message')})")
    return f"  {_moment(entry['at'])}  {entry['event']} {' '.join(facts)}".rstrip()


def _moment(text: str) -> str:
    """Without the fraction of a second, which nobody reads."""
    return f"{text.partition('.')[0].removesuffix('Z')}Z"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else _json(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _json(value: object) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)


def _plain(line: str) -> str:
    return one_line(line)
