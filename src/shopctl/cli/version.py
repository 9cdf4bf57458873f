"""`shopctl --version`, and with -v what it runs on."""

from __future__ import annotations


def version(verbose: bool) -> str:
    """One line `shopctl 1.2.3`; verbose adds Python, SQLite, the platform and the installed extras."""
    from shopctl import __version__

    if not verbose:
        return f"shopctl {__version__}"
    import platform
    import sqlite3
    import sys

    rows = {
        "python": f"{platform.python_version()} ({sys.executable})",
        "sqlite": sqlite3.sqlite_version,
        "platform": platform.platform(),
        "extras": ", ".join(_installed_extras()) or "none",
    }
    return "\n".join([f"shopctl {__version__}", *(f"{name:<9}{value}" for name, value in rows.items())])


def _installed_extras() -> list[str]:
    from importlib.metadata import PackageNotFoundError, distribution, metadata

    try:
        requirements = metadata("shopctl").get_all("Requires-Dist") or []
    except PackageNotFoundError:  # run from a source tree
        return []
    needed: dict[str, list[str]] = {}
    for requirement in requirements:
        # PEP 508: `psycopg[binary]>=3.2; extra == "postgres"`
        wanted, _, marker = requirement.partition(";")
        if "extra ==" in marker:
            name = wanted.strip()
            end = next((at for at, letter in enumerate(name) if not (letter.isalnum() or letter in "-_.")), len(name))
            needed.setdefault(marker.rpartition("==")[2].strip(" '\""), []).append(name[:end])

    def installed(name: str) -> bool:
        try:
            distribution(name)
        except PackageNotFoundError:
            return False
        return True

    tools = {"dev", "test"}
    return sorted(extra for extra, names in needed.items() if extra not in tools and all(map(installed, names)))
