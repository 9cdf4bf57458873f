"""`shopctl demo`: the whole story on the bundled catalogue, told by the commands themselves."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from contextlib import chdir
from pathlib import Path

from shopctl.cli.options import Context
from shopctl.kernel.errors import ShopctlError

# A heading, and the commands below it; CATALOGUE stands for the bundled file.
_STORY = (
    ("A shop is a folder.", ("init",)),
    (
        "The bundled catalogue goes in; the same file again changes nothing.",
        (
            "catalogue import CATALOGUE",
            "catalogue import CATALOGUE -o json --query '{created:created,unchanged:unchanged}'",
        ),
    ),
    ("Find a product, look at it.", ("catalogue search 'web hosting' --limit 5", "catalogue show WEB-PEBBLE-MONTHLY")),
    (
        "Change it, and see what became of it.",
        (
            "catalogue set WEB-PEBBLE-MONTHLY price.EUR=2.50 --reason 'Autumn offer'",
            "catalogue history WEB-PEBBLE-MONTHLY",
        ),
    ),
    (
        "The feed does not know of the change: a dry run says what it would undo.",
        ("catalogue import CATALOGUE --dry-run",),
    ),
    (
        "Everything out, and in again: nothing is lost, so nothing changes.",
        (
            "catalogue export --out export.csv",
            "catalogue import export.csv -o json --query '{created:created,updated:updated}'",
        ),
    ),
    ("Who did what, sealed so that no edit stays unseen.", ("audit list", "audit verify")),
    ("How the shop is.", ("catalogue stats", "status")),
)  # fmt: skip


class DemoFailed(ShopctlError):
    """The demo stopped at: shopctl {command}: {reason}"""

    code = "demo.failed"
    hint = "Run it again with --debug, or look at the shop's surroundings with: shopctl doctor"


def demo(ctx: Context) -> None:
    """Show a whole shop at work, in a temporary folder.

    Every line after a `$` is a command as you would type it, followed by what it prints. The folder is removed at the
    end.
    """
    from shopctl.catalogue import bundled

    shop = ctx.obj
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SHOPCTL_")}
    with tempfile.TemporaryDirectory(prefix="shopctl-demo-") as folder, bundled.catalogue() as catalogue, chdir(folder):
        for heading, lines in _STORY:
            _say(f"\n{_strong(heading, shop.colour(sys.stdout))}")
            for line in lines:
                _run(line, catalogue, environ)
    _say("\nThe temporary shop is gone. Make your own with: shopctl init")


def _run(line: str, catalogue: Path, environ: dict[str, str]) -> None:
    from shopctl.cli.app import run
    from shopctl.cli.shop import Shop

    _say(f"\n$ shopctl {line.replace('CATALOGUE', catalogue.name)}")
    words = [str(catalogue) if word == "CATALOGUE" else word for word in shlex.split(line)]
    # Neither the caller's shop nor his settings may have a part in this.
    try:
        code = run(words, Shop(environ={**environ, "XDG_CONFIG_HOME": os.getcwd()}))
    except ShopctlError as error:
        raise DemoFailed(command=line, reason=error.message) from error
    if code:
        raise DemoFailed(command=line, reason=f"it ended with exit code {code}")


def _strong(text: str, colour: bool) -> str:
    return f"\033[1m{text}\033[0m" if colour else text


def _say(text: str) -> None:
    print(text, flush=True)
