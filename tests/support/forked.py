"""Commands in real processes that are forked, not started: an interpreter's start costs more than the command."""

from __future__ import annotations

import os
import sys
import traceback
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from support import points
from support.shop import Shop

_STREAMS = ("in", "out", "err")


class Ended(NamedTuple):
    """How a command ended and what it said; `points` is how many it passed, 0 for one that was killed."""

    code: int
    out: str
    err: str
    points: int


def command(shop: Shop, *arguments: str, said: str = "", point: int = 0) -> Ended:
    """Run a command of a shop with that on standard input, killed at a point (see `support.points`; 0: never)."""
    _load()
    files = [shop.home / name for name in (*_STREAMS, "points")]
    for path, text in zip(files, (said, "", "", "0"), strict=True):
        path.write_text(text)
    child = os.fork()
    if child == 0:
        try:
            _become(shop, files[:3], point)
            from shopctl.__main__ import main

            code = main([*arguments])
            sys.stdout.flush()
            sys.stderr.flush()
            files[3].write_text(str(points.PASSED))
            os._exit(code)
        except BaseException:
            traceback.print_exc()
        os._exit(99)
    _, status = os.waitpid(child, 0)
    _, out, err, passed = (path.read_text() for path in files)
    return Ended(os.waitstatus_to_exitcode(status), out, err, int(passed))


@cache
def _load() -> None:
    """Import once what each of them would import anew."""
    for name in (
        *("shopctl.bootstrap", "shopctl.audit.seal", "shopctl.audit.keys", "shopctl.storage.key_files", "psycopg"),
        *(f"shopctl.auth.{module}" for module in ("users", "tokens", "keys", "roles", "hashing", "passwords")),
        *(
            "shopctl.auth.jose.keys",
            "shopctl.auth.access_tokens",
            "shopctl.auth.guessing",
            "shopctl.catalogue.importing.run",
        ),
        *("shopctl.cli.root", "shopctl.cli.user", "shopctl.cli.key", "shopctl.cli.token", "shopctl.cli.role"),
        *("shopctl.auth.importing.service", "shopctl.cli.user_feeds"),
    ):
        import_module(name)


def _become(shop: Shop, streams: list[Path], point: int) -> None:
    for number, path in enumerate(streams):
        handle = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY)
        os.dup2(handle, number)
        os.close(handle)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode) for number, mode in enumerate("rww"))
    os.chdir(shop.folder)
    environment = shop.environment({"SHOPCTL_AUTH__PASSWORD__BCRYPT_COST": "10", "SHOPCTL_TEST_POINT": str(point)})
    os.environ.clear()
    os.environ.update(environment)
    points.PASSED = 0
    points.instrument()
