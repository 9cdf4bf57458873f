"""`shopctl demo`: the whole story on the bundled catalogue, told by the commands themselves."""

from __future__ import annotations

import os
import secrets
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager, redirect_stdout
from pathlib import Path

from shopctl.cli.options import Context
from shopctl.cli.shop import Shop
from shopctl.kernel.errors import ShopctlError

# A heading, and the commands below it; CATALOGUE stands for the bundled file, LATEST for the import made last. A
# command that ends with another exit code than 0 has it behind it; `FILE < TEXT` is a file that somebody has sent,
# `<< FILE` behind a command is its standard input, `>> FILE` takes its output, `&` leaves it running; RUN is the run
# begun last, HOSTING the address of a hosting service.
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
        "A list of offers arrives, with a decimal point in the wrong place. A guard stops it: nothing changes.",
        (
            "offers.csv < sku,price_eur WEB-COBBLE-MONTHLY,0.39 WEB-SLATE-MONTHLY,7.50",
            "catalogue import offers.csv --guard 'price-drop<=30%' # 12",
        ),
    ),
    (
        "Corrected it is planned, which changes nothing either; then exactly that plan is carried out.",
        (
            "offers.csv < sku,price_eur WEB-COBBLE-MONTHLY,3.90 WEB-SLATE-MONTHLY,7.50",
            "catalogue import offers.csv --guard 'price-drop<=30%' --plan-out offers.plan --detailed-exitcode # 10",
            "catalogue apply offers.plan",
        ),
    ),
    (
        "What buyers find now, counted by category and brand.",
        ("catalogue search hosting --where 'price<8' --currency EUR --facet category --facet brand --limit 3",),
    ),
    (
        "The offers end early: the import is taken back. Search and every price are as they were.",
        (
            "catalogue imports --limit 2",
            "catalogue rollback LATEST --dry-run",
            "catalogue rollback LATEST --reason 'Offers end early'",
            "catalogue history WEB-COBBLE-MONTHLY",
        ),
    ),
    (
        "Everything out, and in again: nothing is lost, so nothing changes.",
        (
            "catalogue export --out export.csv",
            "catalogue import export.csv -o json --query '{created:created,updated:updated}'",
        ),
    ),
    (
        "A customer buys: each kind of product is provisioned as its template says. First what would be done.",
        (
            "provision plan BOX-HEARTH-16-GB --fields template,reservations,operations",
            "provision start BOX-HEARTH-16-GB --customer anna",
            "provision start WEB-PEBBLE-MONTHLY --customer anna --set seats=2",
            "provision start SET-FIRST-SITE --customer anna",
        ),
    ),
    (
        "A download needs a licence key, and its pool is empty: the run waits. Keys come, and it is tried again.",
        (
            "catalogue set DOM-COM attributes.licence_pool=domains",
            "provision start DOM-COM --customer anna # 8",
            "provision list --state waiting",
            "keys < COM-7Q2M-XK41 COM-9T5W-PB83",
            "licence add domains keys",
            "provision retry RUN --verify",
            "provision show RUN",
        ),
    ),
    (
        "A hosted service is asked for over HTTP. It takes its time, and answers at the address that it was given.",
        (
            "catalogue set SRV-MOVE-WEB attributes.service_url=HOSTING",
            "serve --port 0 --ready-file serving &",
            "provision start SRV-MOVE-WEB --customer anna # 8",
            "provision watch RUN --timeout 2s # 8",
            "worker --until-idle",
            "provision list --limit 3",
            "instance list --customer anna",
            "store fsck --query 'length([?state!=`ok`])' -o json",
        ),
    ),
    (
        "People and programs: a role, an operator with a password, a service with a secret.",
        (
            "role create clerk --permit catalogue:write --permit stock:*",
            "user add olga --email olga@example.org --role clerk --password-stdin << password",
            "user add warehouse --service --grant stock:read",
            "user explain-permission olga stock:write:WEB-PEBBLE-MONTHLY",
        ),
    ),
    (
        "A login gives a token. The signing key is rotated, and the token of the former one still holds.",
        (
            "token issue --user olga --password-stdin --query access_token << password >> token",
            "key rotate",
            "token verify - --fields active,username,scope << token",
            "key list",
        ),
    ),
    (
        "A role is taken away: the same token is refused at the next request.",
        ("user revoke olga --role clerk --fields name,roles", "token verify - << token # 4"),
    ),
    ("Who did what, sealed so that no edit stays unseen.", ("audit list", "audit verify")),
    ("How the shop is.", ("catalogue stats", "status")),
)  # fmt: skip


_HANDED_ON = ("HOME", "LANG", "PATH", "TMPDIR")


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
    from shopctl.cli.demo_hosting import hosting

    shop = ctx.obj
    # Made up for this run: no secret ships with the program.
    password = "-".join(secrets.token_hex(3) for _ in range(4))
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SHOPCTL_")}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="shopctl-demo-"))
        catalogue = stack.enter_context(bundled.catalogue())
        stack.enter_context(chdir(folder))
        environ["HOSTING"] = stack.enter_context(hosting())
        # The hosting service is on this machine, which outgoing calls may not reach unless they are told so.
        environ["SHOPCTL_NETWORK__ALLOW_PRIVATE"] = "127.0.0.1"
        Path("password").write_text(password)
        for heading, lines in _STORY:
            _say(f"\n{_strong(heading, shop.colour(sys.stdout))}")
            for line in lines:
                if line.endswith(" &"):
                    stack.enter_context(_beside(line.removesuffix(" &"), environ))
                else:
                    _run(line, catalogue, environ)
    _say("\nThe temporary shop is gone. Make your own with: shopctl init")


def _run(line: str, catalogue: Path, environ: dict[str, str]) -> None:
    name, is_file, content = line.partition(" < ")
    if is_file:
        text = content.replace(" ", "\n") + "\n"
        Path(name).write_text(text)
        _say(f"\n$ cat {name}\n{text.rstrip()}")
        return
    line, _, code = line.partition(" # ")
    line, _, out = line.partition(" >> ")
    line, _, fed = line.partition(" << ")
    # Neither the caller's shop nor his settings may have a part in this.
    shop = Shop(environ={**environ, "XDG_CONFIG_HOME": os.getcwd()})
    line = line.replace("HOSTING", environ["HOSTING"])
    if "LATEST" in line:
        line = line.replace("LATEST", shop.services.imports.list(1)[0].import_id)
    if "RUN" in line.split():
        line = line.replace("RUN", _waiting_run(shop))
    redirected = f" < {fed}" * bool(fed) + f" > {out}" * bool(out)
    _say(f"\n$ shopctl {line.replace('CATALOGUE', catalogue.name)}{redirected}")
    words = [str(catalogue) if word == "CATALOGUE" else word for word in shlex.split(line)]
    with _redirected(fed, out):
        found = _told(words, shop, expected=int(code or 0), line=line)
    if found != int(code or 0):
        raise DemoFailed(command=line, reason=f"it ended with exit code {found}")


def _waiting_run(shop: Shop) -> str:
    from shopctl.provisioning.queries import Filters

    return str(next(iter(shop.services.provisioning.list(Filters(), limit=1)))["run_id"])


@contextmanager
def _beside(line: str, environ: dict[str, str]) -> Iterator[None]:
    """A command that runs until the demo ends, such as the server; its address is where others answer."""
    _say(f"\n$ shopctl {line} &")
    ready = Path(shlex.split(line)[-1])
    # Nothing else of the caller's surroundings is handed on.
    kept = {name: value for name, value in environ.items() if name in _HANDED_ON or name.startswith("SHOPCTL_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "shopctl", *shlex.split(line)], env=kept, stderr=subprocess.STDOUT
    )
    try:
        while not ready.exists():
            if process.poll() is not None:
                raise DemoFailed(command=line, reason=f"it ended with exit code {process.returncode}")
            time.sleep(0.05)
        environ["SHOPCTL_HTTP__BASE_URL"] = ready.read_text().strip()
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _redirected(fed: str, out: str) -> Iterator[None]:
    """Standard input from one file and standard output into another, where they are named."""
    before = sys.stdin
    with ExitStack() as stack:
        if fed:
            sys.stdin = stack.enter_context(open(fed, encoding="utf-8"))
        if out:
            stack.enter_context(redirect_stdout(stack.enter_context(open(out, "w", encoding="utf-8"))))
        try:
            yield
        finally:
            sys.stdin = before


def _told(words: list[str], shop: Shop, *, expected: int, line: str) -> int:
    from shopctl.cli.app import run

    try:
        return run(words, shop)
    except ShopctlError as error:
        if error.exit_code != expected:
            raise DemoFailed(command=line, reason=error.message) from error
        _say("\n".join([f"error: {error.message}", *(f"  {each}" for each in error.lines), f"hint: {error.advice}"]))
        return error.exit_code


def _strong(text: str, colour: bool) -> str:
    return f"\033[1m{text}\033[0m" if colour else text


def _say(text: str) -> None:
    print(text, flush=True)
