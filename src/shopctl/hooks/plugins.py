"""The plugins of this process: found, loaded and called so that a broken one never takes the shop down."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from shopctl.hooks.discovery import Found, find
from shopctl.kernel.errors import one_line

if TYPE_CHECKING:
    from pluggy import PluginManager

    from shopctl.hooks.specifications import ActionMaker, Check, KeyOpener, Loader, Reader, TemplateMaker

SHAPES: dict[str, tuple[Any, ...]] = {
    "shopctl_actions": (True,),
    "shopctl_commands": (True, str),
    "shopctl_doctor_checks": (True,),
    "shopctl_feed_readers": (True,),
    "shopctl_key_encryption_keys": (True,),
    "shopctl_templates": (True,),
}
"""What follows the name in a hook's tuples: True is something to call, a type is one of its values."""


class Plugin(NamedTuple):
    """One row of `plugin list`; `hooks` are the hooks it implements, `error` says why it is broken."""

    name: str
    version: str
    distribution: str
    hooks: tuple[str, ...]
    state: Literal["ok", "broken"]
    error: str | None


def plugins() -> list[Plugin]:
    """Every installed plugin, loaded; sorted by name."""
    return _loaded().plugins()


def call(hook_name: str, /, **facts: object) -> list[Any]:
    """What each plugin returns for the hook; a plugin that raises is left out, and is broken from then on."""
    return [result for _, result in _loaded().results(hook_name, facts)]


def command_nouns() -> dict[str, tuple[Loader, str]]:
    """The nouns that plugins bring: name to (loader, help). Never fails."""
    return {name: (loader, one_line(text)) for name, (loader, text) in _loaded().named("shopctl_commands").items()}


def feed_readers() -> dict[str, Reader]:
    """The feed formats that plugins bring: name to reader. Never fails; what a reader raises is for its caller."""
    return {name: read for name, (read,) in _loaded().named("shopctl_feed_readers").items()}


def actions() -> dict[str, ActionMaker]:
    """The actions that plugins bring: name to maker. Never fails; what a maker raises is for its caller."""
    return {name: make for name, (make,) in _loaded().named("shopctl_actions").items()}


def templates() -> dict[str, TemplateMaker]:
    """The templates that plugins bring: name to maker. Never fails; what a maker raises is for its caller."""
    return {name: make for name, (make,) in _loaded().named("shopctl_templates").items()}


def key_encryption_keys() -> dict[str, KeyOpener]:
    """The sources of key-encryption keys that plugins bring: scheme to opener. Never fails; what one raises is told."""
    return {scheme: opened for scheme, (opened,) in _loaded().named("shopctl_key_encryption_keys").items()}


def broken() -> tuple[str, ...]:
    """The names of the plugins that were found broken so far; nothing is loaded for it."""
    return _loaded().broken()


def doctor_checks() -> dict[str, Check]:
    """The checks that plugins bring: name to check. Never fails; what a check raises is for its caller."""
    return {name: check for name, (check,) in _loaded().named("shopctl_doctor_checks").items()}


@cache
def _loaded() -> Plugins:
    return Plugins(find())


class Plugins:
    """The plugins behind a list of entry points; none of them is imported before it is needed.

    Each has a pluggy manager of its own, so that no plugin can wrap, stop or unregister another.
    """

    def __init__(self, found: Sequence[Found]) -> None:
        self._found = found
        self._errors: dict[int, str] = {}
        self._registered: dict[int, PluginManager] | None = None

    def plugins(self) -> list[Plugin]:
        """Every plugin with its state."""
        # All hooks are asked: a plugin that raises in one is as broken as one that does not import.
        for hook_name in SHAPES:
            self.named(hook_name)
        return [
            Plugin(
                name=found.name,
                version=found.version,
                distribution=found.distribution,
                hooks=_hooks(self._managers().get(index)),
                state="broken" if index in self._errors else "ok",
                error=self._errors.get(index),
            )
            for index, found in enumerate(self._found)
        ]

    def broken(self) -> tuple[str, ...]:
        """The names of those found broken so far."""
        return tuple(self._found[index].name for index in sorted(self._errors))

    def results(self, hook_name: str, facts: dict[str, object]) -> Iterator[tuple[int, Any]]:
        """(index of the plugin, its result) for each that implements the hook and does not raise."""
        for index, manager in self._managers().items():
            if index in self._errors or hook_name not in _hooks(manager):
                continue
            try:
                answers = getattr(manager.hook, hook_name)(**facts)
            except (Exception, SystemExit) as raised:
                self._broken(index, f"{hook_name} raised {_told(raised)}")
            else:
                yield from ((index, answer) for answer in answers)

    def named(self, hook_name: str) -> dict[str, tuple[Any, ...]]:
        """What the plugins bring by name for a hook of `SHAPES`: name to the rest of its tuple.

        Of two of one name the first stays. A plugin that returns another shape, or a name that is taken, is broken and
        brings nothing.
        """
        shape = SHAPES[hook_name]
        everything: dict[str, tuple[Any, ...]] = {}
        for index, answer in self.results(hook_name, {}):
            brought: dict[str, tuple[Any, ...]] = {}
            try:
                for item in answer:
                    name, *rest = item
                    if not _is_name(name) or [callable(part) or type(part) for part in rest] != list(shape):
                        raise TypeError(f"{item!r} does not have the shape that the hook asks for")
                    if name in everything or name in brought:
                        raise ValueError(f"the name {name} is taken")
                    brought[name] = tuple(rest)
            except Exception as raised:
                self._broken(index, f"{hook_name} returned what cannot be used: {_told(raised)}")
            else:
                everything |= brought
        return everything

    def _managers(self) -> dict[int, PluginManager]:
        if self._registered is None:
            self._registered = {}
            for index, found in enumerate(self._found):
                try:
                    self._registered[index] = _register(found)
                except (Exception, SystemExit) as raised:
                    self._broken(index, _told(raised))
        return self._registered

    def _broken(self, index: int, error: str) -> None:
        from shopctl.kernel import logging

        # What a plugin raises may hold anything, a password too, and is shown by `plugin list` and `doctor`.
        self._errors[index] = one_line(logging.redact(error))
        # No warning: it would stand beside every answer, and before the one JSON document of an error.
        logging.info("a plugin is broken and is left out", plugin=self._found[index].name, error=error)


def _register(found: Found) -> PluginManager:
    """Import a plugin and hold its functions against the specifications. Raises whatever is wrong with it."""
    from pluggy import PluginManager

    from shopctl.hooks import specifications

    # What a plugin prints while it is imported must not land in somebody's JSON.
    with redirect_stdout(sys.stderr):
        module, _, attribute = found.target.partition(":")
        plugin: Any = importlib.import_module(module.strip())
        for step in filter(None, attribute.partition("[")[0].strip().split(".")):
            plugin = getattr(plugin, step)
    manager = PluginManager("shopctl")
    manager.add_hookspecs(specifications)
    manager.register(plugin)
    manager.check_pending()
    return manager


def _hooks(manager: PluginManager | None) -> tuple[str, ...]:
    if manager is None:
        return ()
    (plugin,) = manager.get_plugins()
    return tuple(sorted(caller.name for caller in manager.get_hookcallers(plugin) or []))


def _is_name(name: object) -> bool:
    text = name if isinstance(name, str) else ""
    return text.isascii() and text.replace("-", "").isalnum() and text == text.lower() and text[:1].isalpha()


def _told(raised: BaseException) -> str:
    return f"{type(raised).__name__}: {raised}" if str(raised) else type(raised).__name__
