"""Breadth of parsing, in this process: types, choices, repeated options and global options everywhere."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

from shopctl.cli import app
from shopctl.cli.global_options import GLOBAL_OPTIONS, typed_value
from shopctl.cli.options import Context
from shopctl.cli.permissions import PERMISSIONS
from shopctl.cli.shop import Shop
from shopctl.kernel.errors import UsageError


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


noun = typer.Typer()
inner = typer.Typer(help="Inner.")
noun.add_typer(inner, name="inner")
seen: dict[str, Any] = {}


@noun.command()
def take(
    ctx: Context,
    names: Annotated[list[str], typer.Argument()],
    number: int = 1,
    ratio: Annotated[float, typer.Option(min=0, max=1)] = 0.5,
    size: Size = Size.SMALL,
    tag: Annotated[list[str] | None, typer.Option()] = None,
    flag: Annotated[bool | None, typer.Option("--flag/--no-flag")] = None,
    file: Path | None = None,
    there: Annotated[Path | None, typer.Option(exists=True)] = None,
    query: Annotated[str | None, typer.Option("--query")] = None,
) -> None:
    seen.update({name: value for name, value in locals().items() if name != "ctx"})
    seen["globals"] = ctx.obj.globals


@inner.command()
def deep(ctx: Context) -> None:
    seen["globals"] = ctx.obj.globals


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    monkeypatch.setitem(app.COMMANDS, "box", app.Entry(__name__, "A box."))
    monkeypatch.setitem(__import__("sys").modules, __name__, __import__("types").SimpleNamespace(noun=noun))
    for command in ("box take", "box inner deep"):
        monkeypatch.setitem(PERMISSIONS, command, None)
    seen.clear()


def run(*words: str) -> dict[str, Any]:
    assert app.run(["box", *words], Shop(environ={})) == 0
    return seen


def test_values_arrive_with_their_types():
    got = run("take", "a", "b", "--number", "3", "--ratio=1", "--size", "large", "--file", "x/y", "--flag")
    assert got["names"] == ["a", "b"]
    assert (got["number"], got["ratio"], got["size"]) == (3, 1.0, Size.LARGE)
    assert (got["file"], got["flag"], got["tag"]) == (Path("x/y"), True, None)
    assert run("take", "a", "--no-flag", "--tag", "x", "--tag", "y")["tag"] == ["x", "y"]
    assert seen["flag"] is False


def test_defaults_stay_when_nothing_is_given():
    got = run("take", "a")
    assert (got["number"], got["ratio"], got["size"], got["flag"], got["file"]) == (1, 0.5, Size.SMALL, None, None)


def test_an_option_of_the_verbs_own_hides_the_global_one():
    assert run("take", "a", "--query", "mine")["query"] == "mine"
    assert seen["globals"].query is None


@pytest.mark.parametrize(
    "words",
    [
        ("--number", "1.5"),
        ("--number", ""),
        ("--ratio", "nan"),
        ("--ratio", "inf"),
        ("--ratio", "2"),
        ("--size", "medium"),
        ("--number",),
        ("--there", "/nowhere/at/all"),
        ("--flag=maybe",),
    ],
)
def test_a_wrong_value_is_a_usage_error_that_names_the_option(words):
    with pytest.raises(UsageError) as refused:
        run("take", "a", *words)
    assert refused.value.exit_code == 2
    assert words[0].partition("=")[0] in str(refused.value)


@pytest.mark.parametrize("option", GLOBAL_OPTIONS, ids=lambda option: option.name)
def test_every_global_option_is_read_at_every_place(option):
    value = option.choices[-1] if option.choices else "value"
    words = [option.flags[-1], value] if option.takes_value else [option.flags[-1]]
    for line in (["inner", "deep", *words], ["inner", *words, "deep"], [*words, "inner", "deep"]):
        run(*line)
        assert getattr(seen["globals"], option.name) == (value if option.takes_value else True)
    run("inner", "deep")
    assert getattr(seen["globals"], option.name) != (value if option.takes_value else True)


def test_what_an_unparsed_line_says_for_an_option():
    assert typed_value(["-o", "json"], "output") == "json"
    assert typed_value(["x", "-ojson", "--output=csv"], "output") == "csv"
    assert typed_value(["x", "--", "-o", "json"], "output") is None
    assert typed_value(["-o"], "output") is None
