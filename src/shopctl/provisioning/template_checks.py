"""The use cases of templates: list, show, check, draw and install them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shopctl.provisioning.errors import OperationUnknown, TemplateExists, TemplateInvalid
from shopctl.provisioning.model import INPUT
from shopctl.provisioning.template import START, Template
from shopctl.provisioning.templates import Source, Templates, read
from shopctl.workflow.checking import findings
from shopctl.workflow.definition import Step
from shopctl.workflow.drawing import drawing, mermaid
from shopctl.workflow.errors import NotToml
from shopctl.workflow.ports import Action
from shopctl.workflow.reading import located
from shopctl.workflow.toml_places import place_of, places

_Rows = list[dict[str, Any]]  # within the class below `list` is a use case


class TemplateChecks:
    """Templates as their author sees them; `actions` are those that steps may call."""

    def __init__(self, templates: Templates, actions: Mapping[str, Action]) -> None:
        self._templates = templates
        self._actions = actions

    def list(self) -> Sequence[dict[str, Any]]:
        """[{"name","title","select","operations","steps","extends","source"}]. Raises DefinitionInvalid."""
        return [
            {
                "name": template.name,
                "title": template.title,
                "select": ", ".join(f"{key}={_told(value)}" for key, value in template.select.items()) or None,
                "operations": sorted(set(template.definitions) - {START}),
                "steps": len(template.definitions[START].steps) if START in template.definitions else 0,
                "extends": template.extends,
                "source": template.source,
            }
            for template in self._templates.all()
        ]

    def show(self, name: str) -> dict[str, Any]:
        """A template by name or file: its text, and with all that it inherits its parameters and steps by operation:
        [{"step","action","needs","when","with","undone_by","inherited"}].
        """
        source = self._source(name)
        template = self._valid(source)
        return {
            "name": template.name,
            "title": template.title,
            "source": template.source,
            "extends": template.extends,
            "select": dict(template.select),
            "parameters": dict(template.parameters),
            "operations": {
                operation: [_step(step, step.name in _own_steps(source, operation)) for step in definition.steps]
                for operation, definition in template.definitions.items()
            },
            "text": source.text,
        }

    def validate(self, names: Sequence[str]) -> Sequence[dict[str, Any]]:
        """What is wrong or doubtful: [{"template","source","line","column","severity","code","message"}]."""
        sources, found = self._to_validate(names)
        for source in sources:
            template, problems = self._templates.checked(source)
            known = places(source.text)
            found += [_row(source, place_of(at, known), "error", "invalid", text) for at, text in problems]
            if template is not None:
                found += [
                    _row(source, place_of(("select", "kind"), known), "warning", "kind", text)
                    for text in _kinds(template.select.get("kind"))
                ]
            for operation, definition in template.definitions.items() if template is not None else ():
                own = _own_steps(source, operation)
                prefix = () if operation == START else ("operations", operation)
                for finding in findings(definition, self._actions, {}, INPUT):
                    path = (*prefix, *finding.path)
                    if finding.path[0] == "steps":
                        step = definition.steps[int(finding.path[1])].name
                        path = (*prefix, "steps", own[step], *finding.path[2:]) if step in own else ("extends",)
                    found.append(_row(source, place_of(path, known), finding.severity, finding.code, finding.text))
        return sorted(found, key=lambda row: (row["source"], row["line"], row["column"]))

    def _to_validate(self, names: Sequence[str]) -> tuple[Sequence[Source], _Rows]:
        """The templates of these names or files, all if none, and a row for each that is not TOML."""
        readable, broken = self._templates.readable, self._templates.broken
        if not names:
            return [readable[name] for name in sorted(readable)], [_not_toml(*each) for each in broken.items()]
        sources: list[Source] = []
        found: _Rows = []
        for name in names:
            path = next((path for path in broken if path.stem == name), Path(name))
            try:
                sources.append(readable[name] if name in readable else self._source(name))
            except NotToml as error:
                found.append(_not_toml(path, error))
        return sources, found

    def graph(self, name: str, operation: str) -> dict[str, Any]:
        """{"template","operation","mermaid","drawing"}. Raises TemplateNotFound, OperationUnknown."""
        template = self._valid(self._source(name))
        definition = template.definitions.get(operation)
        if definition is None:
            raise OperationUnknown(template=template.name, sku="its products", operation=operation)
        return {
            "template": template.name,
            "operation": operation,
            "mermaid": mermaid(definition),
            "drawing": drawing(definition),
        }

    def install(self, name: str, other: str | None) -> Path:
        """Copy a template into the shop's folder; the file. Raises TemplateExists, TemplateInvalid."""
        source = self._source(name)
        if bad := [row for row in self.validate([name]) if row["severity"] == "error"]:
            raise TemplateInvalid(source=source.origin, problem=bad[0]["message"], line=bad[0]["line"])
        path = self._templates.folder / f"{other or source.name}.toml"
        if path.exists():
            raise TemplateExists(file=path, name=other or source.name)
        text = source.text
        if other is not None:
            text = text.replace(f'name = "{source.name}"', f'name = "{other}"', 1)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def _source(self, name: str) -> Source:
        if name.endswith(".toml") or "/" in name:
            return read(Path(name), given=name)
        return self._templates.source(name)

    def _valid(self, source: Source) -> Template:
        template, problems = self._templates.checked(source)
        if template is None:
            raise located(problems, source.text, source.origin)
        return template


def _step(step: Step, own: bool) -> dict[str, Any]:
    return {
        "step": step.name,
        "action": step.action,
        "needs": list(step.needs),
        "when": step.condition,
        "with": dict(step.written),
        "undone_by": step.compensation.action if step.compensation else None,
        "inherited": not own,
    }


def _kinds(wanted: Any) -> list[str]:
    """A remark for each kind that no product can be of."""
    from shopctl.catalogue.feed.row import KINDS

    kinds = wanted if isinstance(wanted, list) else [] if wanted is None else [wanted]
    return [f"no product is of the kind {kind!r}; kinds are: {', '.join(KINDS)}" for kind in kinds if kind not in KINDS]


def _not_toml(path: Path, error: NotToml) -> dict[str, Any]:
    source = Source(path.stem, str(path), "", {})
    return _row(source, (error.line, error.column), "error", "not_toml", error.message)


def _own_steps(source: Source, operation: str) -> dict[str, int]:
    """The numbers of the steps that stand in the file itself."""
    body = source.body if operation == START else source.body.get("operations", {}).get(operation, {})
    return {step.get("name"): number for number, step in enumerate(body.get("steps", ()))}


def _row(source: Source, place: tuple[int, int], severity: str, code: str, message: str) -> dict[str, Any]:
    origin = f"{source.name}.toml" if source.origin == "bundled" else source.origin
    return {
        "template": source.name, "source": origin, "line": place[0], "column": place[1], "severity": severity,
        "code": code, "message": message,
    }  # fmt: skip


def _told(value: Any) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{key}:{inner}" for key, inner in value.items())
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
