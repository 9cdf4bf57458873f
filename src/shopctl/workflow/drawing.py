"""A definition as a picture: Mermaid for documents, lines of text for a terminal."""

from __future__ import annotations

from shopctl.workflow.definition import Definition, Step


def mermaid(definition: Definition) -> str:
    """A Mermaid flowchart: what needs what, dotted where a step is undone."""
    lines = ["flowchart TD", "  start([start])", "  done([done])"]
    last = {step.name for step in definition.steps} - {need for step in definition.steps for need in step.needs}
    for step in definition.steps:
        lines.append(f'  {step.name}["{_escaped(step.title)}<br/><i>{_escaped(step.action)}</i>"]')
        label = f'|"{_escaped(step.condition)}"|' if step.condition else ""
        lines += [f"  {need} -->{label} {step.name}" for need in step.needs or ("start",)]
        if step.compensation is not None:
            lines.append(f'  {step.name} -. undo .-> undo_{step.name}("{_escaped(step.compensation.action)}")')
    lines += [f"  {step.name} --> done" for step in definition.steps if step.name in last]
    return "\n".join(lines)


def drawing(definition: Definition) -> str:
    """The same as text: one line a step in the order in which they run, side by side where they may run at once."""
    rows: list[str] = []
    for level in levels(definition):
        many = len(level) > 1
        for number, step in enumerate(level):
            mark = "─" if not many else "┌" if number == 0 else "└" if number == len(level) - 1 else "├"
            rows.append(f" {mark} {_described(step)}")
        rows.append(" │")
    return "\n".join([" ○ start", " │", *rows[:-1], " │", " ● done"])


def levels(definition: Definition) -> list[list[Step]]:
    """The steps by how many come before them at least: those of one level may run at once."""
    depth: dict[str, int] = {}
    for step in definition.steps:
        depth[step.name] = 1 + max((depth[need] for need in step.needs), default=0)
    return [
        [step for step in definition.steps if depth[step.name] == level]
        for level in range(1, max(depth.values(), default=0) + 1)
    ]


def _described(step: Step) -> str:
    parts = [f"{step.name}: {step.action}"]
    if step.condition:
        parts.append(f"when {step.condition}")
    if len(step.needs) > 1:
        parts.append(f"after {', '.join(step.needs)}")
    if step.compensation is not None:
        parts.append(f"undone by {step.compensation.action}")
    return "  ·  ".join(parts)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
