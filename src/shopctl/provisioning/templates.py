"""The templates of a shop: those of plugins, those that come along, and the shop's own files, which go before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from shopctl.kernel.redaction import redact
from shopctl.provisioning.errors import (
    SeveralTemplates,
    TemplateNotFound,
    TemplateUnreadable,
)
from shopctl.provisioning.template import Template, closest, inherited, template_of
from shopctl.workflow.errors import DefinitionInvalid, NotToml
from shopctl.workflow.reading import Problem, loads, located

BUNDLED = Path(__file__).with_name("bundled")


class Source(NamedTuple):
    """A template as it is written."""

    name: str
    origin: str  # "bundled", or the path of a file
    text: str
    body: dict[str, Any]


class Templates:
    """Reads templates when they are first asked for."""

    def __init__(self, folder: Path, brought: Mapping[str, Callable[[], dict[str, Any]]] | None = None) -> None:
        self.folder = folder
        self._brought = brought or {}

    @property
    def sources(self) -> dict[str, Source]:
        """All there are, by name; a file of the shop's replaces one of the same name. Raises NotToml."""
        for error in self.broken.values():
            raise error
        return self.readable

    @property
    def readable(self) -> dict[str, Source]:
        """Those that can be parsed as TOML, by name."""
        return self._files[0]

    @property
    def broken(self) -> dict[Path, NotToml]:
        """The others, by file."""
        return self._files[1]

    @cached_property
    def _files(self) -> tuple[dict[str, Source], dict[Path, NotToml]]:
        found: dict[str, Source] = {}
        broken: dict[Path, NotToml] = {}
        for name, make in self._brought.items():
            found[name] = Source(name, "plugin", "", {**make(), "name": name})
        for path, origin in [
            *((path, "bundled") for path in files(BUNDLED)),
            *((p, str(p)) for p in files(self.folder)),
        ]:
            try:
                source = read(path, origin)
            except NotToml as error:
                broken[path] = error
                continue
            found[source.name] = source
        return found, broken

    def all(self) -> list[Template]:
        """Every template, by name. Raises DefinitionInvalid for one that is broken."""
        return [self.get(name) for name in sorted(self.sources)]

    def get(self, name: str) -> Template:
        """The template of this name. Raises TemplateNotFound, DefinitionInvalid."""
        return self._known.get(name) or self._read(self.source(name))

    def of(self, product: Mapping[str, Any]) -> Template:
        """The template that fits the product best. Raises TemplateNotFound, SeveralTemplates, DefinitionInvalid."""
        found = closest(self.all(), product)
        if not found:
            raise TemplateNotFound(name=f"for {product.get('sku')} ({product.get('kind')})")
        if len(found) > 1:
            raise SeveralTemplates(sku=product.get("sku"), names=", ".join(template.name for template in found))
        return found[0]

    def checked(self, source: Source) -> tuple[Template | None, list[Problem]]:
        """The template in a file that need not be one of the shop's, and what is wrong with it."""
        parent = source.body.get("extends")
        body: Mapping[str, Any] = source.body
        if parent is not None:
            if str(parent) not in self.readable or str(parent) == source.name:
                return None, [Problem(("extends",), f"there is no template {parent!r} to extend")]
            try:
                body = {**self._body(str(parent), (source.name,)), "extends": None}
            except DefinitionInvalid as error:
                return None, [Problem(("extends",), str(error))]
            body = inherited(body, source.body)
        template, problems = template_of(body, source.origin)
        if template is not None and parent is not None:
            template = Template(**{**vars(template), "extends": str(parent)})
        return template, problems

    @cached_property
    def _known(self) -> dict[str, Template]:
        return {}

    def source(self, name: str) -> Source:
        """A template as it is written. Raises TemplateNotFound."""
        if name not in self.sources:
            raise TemplateNotFound(name=name)
        return self.sources[name]

    def _read(self, source: Source) -> Template:
        template, problems = self.checked(source)
        if template is None:
            raise located(problems, source.text, source.origin if source.origin != "bundled" else source.name)
        self._known[source.name] = template
        return template

    def _body(self, name: str, below: Sequence[str]) -> dict[str, Any]:
        """What the template of this name says, with all that it inherits itself."""
        if name not in self.readable:
            raise TemplateNotFound(name=name)
        source = self.readable[name]
        parent = source.body.get("extends")
        if parent is None:
            return source.body
        if parent in (*below, name):
            raise located([Problem(("extends",), f"{name} extends itself in the end")], source.text, source.origin)
        return inherited(self._body(str(parent), (*below, name)), source.body)


def files(folder: Path) -> list[Path]:
    """The template files of a folder, which need not be there."""
    return sorted(folder.glob("*.toml")) if folder.is_dir() else []


def read(path: Path, origin: str | None = None, *, given: str | None = None) -> Source:
    """A template as it stands in a file; `given` is what somebody called it. Raises TemplateUnreadable, NotToml."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise TemplateUnreadable(file=redact(given or str(path)), reason=reason) from None
    body = loads(text, str(path))
    return Source(str(body.get("name", path.stem)), origin or str(path), text, body)
