"""What the shell asks while somebody types: names without loading commands, ids from the shop, silence on trouble."""

from __future__ import annotations

from typing import Any

from shopctl.cli.global_options import GLOBAL_OPTIONS, typed_value

SECONDS = 0.15  # an id that takes longer to find is not worth waiting for
_CACHE_SECONDS = 30
_LIMIT = 50


def complete(words: list[str]) -> str:
    """Candidates for the last word, one a line, `value<TAB>help`; nothing when anything goes wrong.

    `words` are those after `shopctl`, the one being typed last (empty for a new one).
    """
    try:
        found = _candidates(words or [""])
    except BaseException:  # a traceback in the middle of somebody's command line helps nobody
        return ""
    incomplete = words[-1] if words else ""
    lines = (f"{value}\t{about}" if about else value for value, about in found if value.startswith(incomplete))
    return "".join(line.replace("\n", " ") + "\n" for line in lines)


def complete_sku(incomplete: str) -> list[str]:
    """SKUs that start with what was typed; none when they cannot be had quickly."""
    return _Ids.found("catalogue", incomplete)


def complete_instance(incomplete: str) -> list[str]:
    """The same for ids of instances."""
    return _Ids.found("instance", incomplete)


def _candidates(words: list[str]) -> list[tuple[str, str]]:
    from shopctl.cli import app

    *before, incomplete = words
    if (option := _waiting(before)) is not None:
        return [(choice, "") for choice in option.choices]
    path = [word for word in _without_options(before) if not word.startswith("-")]
    if not path:
        if incomplete.startswith("-"):
            return [(flag, option.help) for option in GLOBAL_OPTIONS for flag in option.flags] + [
                ("--help", "Show help."),
                ("--version", "Show the version."),
            ]
        own = [(name, entry.help) for name, entry in app.COMMANDS.items()]
        return own + [(name, about) for name, (_, about) in app.plugin_commands().items()]
    from shopctl.cli.complete_verb import candidates

    _Ids.words = words
    return candidates(path, before, incomplete)


def _waiting(before: list[str]) -> Any:
    """The global option whose value is being typed."""
    if not before:
        return None
    return next((option for option in GLOBAL_OPTIONS if before[-1] in option.flags and option.takes_value), None)


def _without_options(before: list[str]) -> list[str]:
    """The words without global options and their values."""
    left, skip = [], False
    for word in before:
        if skip:
            skip = False
            continue
        option = next((option for option in GLOBAL_OPTIONS if word in option.flags), None)
        skip = option is not None and option.takes_value
        if option is None:
            left.append(word)
    return left


class _Ids:
    """SKUs and ids of the shop that the command line being typed is about; `of` says whose, as permissions do."""

    words: list[str] = []  # noqa: RUF012  # set once per process, by the one question it answers

    @classmethod
    def found(cls, of: str, prefix: str) -> list[str]:
        import threading

        answer: list[str] = []
        # A thread, because a driver that waits for a lock or a host cannot be interrupted otherwise; the process ends
        # without waiting for it.
        looking = threading.Thread(target=lambda: answer.extend(cls._cached(of, prefix)), daemon=True)
        threading.excepthook = lambda details: None
        looking.start()
        looking.join(SECONDS)
        return list(answer)

    @classmethod
    def _cached(cls, of: str, prefix: str) -> list[str]:
        import hashlib
        import json
        import os
        import time
        from pathlib import Path

        from shopctl.kernel.settings import load_settings
        from shopctl.kernel.settings_sources import user_cache

        settings = load_settings(
            Path.cwd(), os.environ, typed_value(cls.words, "config"), typed_value(cls.words, "profile")
        )
        settings.require_shop()
        if settings.get("cli.require_login"):
            cls._ask_who(of)
        folder = user_cache(os.environ)
        # The name is a digest because the URL of a database may hold its password.
        digest = hashlib.sha256(f"{settings.database_url}\n{of}\n{prefix}".encode()).hexdigest()[:32]
        kept = folder / "completion" / f"{digest}.json" if folder is not None else None
        if kept is not None and kept.exists() and time.time() - kept.stat().st_mtime < _CACHE_SECONDS:
            cached: list[str] = json.loads(kept.read_text(encoding="utf-8"))
            return cached
        from shopctl.storage.database import open_database

        if of == "instance":
            from shopctl.product_store.queries import ids_starting_with as starting_with
        else:
            from shopctl.catalogue.queries import skus_starting_with as starting_with
        database = open_database(settings.database_url)
        with database.read() as unit:
            names = list(starting_with(unit, prefix, _LIMIT))
        if kept is not None:
            cls._keep(kept, json.dumps(names))
        return names

    @classmethod
    def _ask_who(cls, of: str) -> None:
        """Raise unless the caller may read what is asked for."""
        from shopctl.cli.identity import identified
        from shopctl.cli.shop import Globals, Shop

        given = Globals()
        for name in ("config", "profile", "token_file"):
            setattr(given, name, typed_value(cls.words, name))
        # Nothing is renewed: this process ends before long, perhaps before it has kept what it got.
        identified(Shop(given), [f"{of}:read"], renew=False)

    @staticmethod
    def _keep(kept: Any, text: str) -> None:
        import os
        import time

        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in kept.parent.glob("*.json"):
            if time.time() - old.stat().st_mtime > _CACHE_SECONDS:
                old.unlink(missing_ok=True)
        fresh = kept.with_suffix(f".{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        fresh.replace(kept)
