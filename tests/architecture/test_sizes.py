"""Modules stay small enough to be read at once, and say what they are for."""

from __future__ import annotations

import ast
import importlib
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
LONGEST = 500  # lines
MIDDLE = 200  # lines; about 130 is the aim

Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def public(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Documented]]:
    """The public classes, functions and methods of a module, with their dotted names."""
    for node in body:
        if isinstance(node, Documented) and not node.name.startswith("_"):
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body, f"{prefix}{node.name}.")


def plain(node: Documented) -> bool:
    """Whether a function says all by its name and types: one statement, or one that only declares."""
    return not isinstance(node, ast.ClassDef) and len(node.body) == 1


def inherited(path: Path, dotted: str) -> bool:
    """Whether a method overrides one of its class's bases, which say what it is for."""
    owner, _, method = dotted.rpartition(".")
    if not owner:
        return False
    found = importlib.import_module(".".join(path.relative_to(ROOT / "src").with_suffix("").parts))
    for part in owner.split("."):
        found = getattr(found, part)
    return any(hasattr(base, method) for base in found.__mro__[1:])


def test_there_are_modules_to_check() -> None:
    assert len(SOURCES) > 20


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_module_is_short_and_says_what_it_is_for(path: Path) -> None:
    text = path.read_text()
    if path.name == "__init__.py" and not text.strip():
        return
    module = ast.parse(text)
    docstring = ast.get_docstring(module)

    assert len(text.splitlines()) <= LONGEST
    assert docstring, "no docstring"
    assert docstring.splitlines()[0].endswith((".", "?")), "the first line is no sentence"


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_what_is_public_is_documented(path: Path) -> None:
    silent = [
        found
        for found, node in public(ast.parse(path.read_text()).body)
        if not ast.get_docstring(node) and not plain(node) and not inherited(path, found)
    ]

    assert not silent, f"without a docstring: {', '.join(silent)}"


def test_most_modules_are_small() -> None:
    lengths = [len(path.read_text().splitlines()) for path in SOURCES if path.name != "__init__.py"]

    assert statistics.median(lengths) <= MIDDLE


def test_nothing_is_left_for_later() -> None:
    mark = re.compile(r"# ?(TODO|FIXME|XXX|HACK)\b")
    left = [
        f"{name(path)}:{number}"
        for folder in ("src", "tests", "benchmarks", "examples", "plugins")
        for path in (ROOT / folder).rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if mark.search(line)
    ]

    assert not left
