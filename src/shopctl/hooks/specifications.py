"""What a plugin may implement: one function per hook, its docstring is the contract.

A plugin marks its functions with `pluggy.HookimplMarker("shopctl")` and names its module under the entry point group
`shopctl`. Names are lower case letters, digits and hyphens; a built-in name cannot be taken over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, TypeVar

Reader = Callable[[BinaryIO], Iterator[list[str]]]
Loader = Callable[[], Any]
Check = Callable[[Any], str | None]
KeyOpener = Callable[[str], Any]
ActionMaker = Callable[[Any], Any]
TemplateMaker = Callable[[], dict[str, Any]]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def specification(function: _Function) -> _Function:
    """Mark a hook specification as pluggy's own marker does, without importing pluggy on every start."""
    options = {"firstresult": False, "historic": False, "warn_on_impl": None, "warn_on_impl_args": None}
    vars(function)["shopctl_spec"] = options
    return function


@specification
def shopctl_feed_readers() -> list[tuple[str, Reader]]:  # type: ignore[empty-body]
    """Formats for `catalogue import --format NAME` beside the built-in ones: a list of (name, read).

    `read(file)` gets the feed, unpacked, as a binary file that can only be read forwards. It yields lists of cells as
    text: first the column names, then one list per record, blank lines included as empty lists so that records keep
    their line numbers. The shop maps, checks and imports them as it does those of a CSV file. Raise ValueError with one
    line of text, naming the line, for a file that is not of this format: it is refused as a whole.
    """


@specification
def shopctl_commands() -> list[tuple[str, Loader, str]]:  # type: ignore[empty-body]
    """Nouns that join the command line: a list of (noun, loader, help).

    `loader()` is called when the noun is, and returns a `typer.Typer`; import nothing heavy before that. A verb takes
    `ctx: typer.Context` first and finds the shop in `ctx.obj`, as the built-in verbs do. `help` is one line.
    """


@specification
def shopctl_doctor_checks() -> list[tuple[str, Check]]:  # type: ignore[empty-body]
    """Checks that `shopctl doctor` makes beside its own: a list of (name, check).

    `check(settings)` returns None when all is well, else one line that says what is wrong and what to do about it.
    """


@specification
def shopctl_key_encryption_keys() -> list[tuple[str, KeyOpener]]:  # type: ignore[empty-body]
    """Sources of key-encryption keys beside file, env and keyring: a list of (scheme, open).

    `open(source)` gets the whole source, such as `pkcs11:object=kek`, and returns an object with `id`, a text that
    tells the key from every other one; `wrap(key, aad)`, which encrypts 32 bytes; and `unwrap(wrapped, aad)`, which
    gives them back and raises ValueError when this key did not wrap them or `aad` differs. `aad` must be authenticated.
    The key itself need not leave its device. Whatever else is raised is shown as one line: let it hold no secret.
    """


@specification
def shopctl_actions() -> list[tuple[str, ActionMaker]]:  # type: ignore[empty-body]
    """Actions that steps of workflows may call beside the built-in ones: a list of (name, make).

    `make(settings)` returns an object that satisfies `shopctl.workflow.ports.OutsideAction`, or `InsideAction` when all
    it does is write to the shop's database in the unit it is handed. One object serves every step and thread. An
    outside action is called with the key of the call: under one key its effect must happen once (`repetition =
    "keyed"`), or do no harm when repeated (`"at_least_once"`), or else the step is left to an operator (`"never"`).
    """


@specification
def shopctl_templates() -> list[tuple[str, TemplateMaker]]:  # type: ignore[empty-body]
    """Templates of products, written in Python: a list of (name, make).

    `make()` returns what a template's TOML file would hold, as a dictionary. A file of the shop's of the same name goes
    before it.
    """
