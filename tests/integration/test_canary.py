"""S18: secrets show up nowhere, and data cannot forge a line or move the cursor, in any command there is."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from support.command_lines import names, verbs_of
from support.parts import FULL
from support.postgres import fresh_database
from support.shop import Shop

CANARY = b"canary"  # in every secret of these tests and in nothing else

ENDLESS = ("serve", "worker")
HOSTILE = "\x1b[2Jred\x1b[31m\r\nFORGED: all is well\x07\x9b1m\u2028\x85end"
"""Text as data may hold it: escape sequences of one and two bytes, line ends of every kind."""

SECRET_TEXT = (
    "password=canary-1 Bearer canary-2-token https://anna:canary-3@example.com/x "
    "eyJjYW5hcnkx.eyJjYW5hcnki.c2ln-canary sk_live_canary4 whsec_canary5 anna.canary@example.com"
)

SECRETS = {
    "SHOPCTL_PAYMENTS__STRIPE__API_KEY": "sk_live_canary6",
    "SHOPCTL_PAYMENTS__STRIPE__WEBHOOK_SECRETS": "whsec_canary7,whsec_canary8",
    "SHOPCTL_MAIL__SMTP_URL": "smtp://shop:canary-9@mail.example.com:587",
}

# Every process that Python starts, every command line it replaces itself by, every address it asks for.
SPY = """
import os, sys
_file = os.open(os.environ["CANARY_SPY"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
_events = {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.system",
           "urllib.Request", "sqlite3.connect", "socket.connect", "socket.getaddrinfo"}
def _hook(event, arguments):
    if event == "subprocess.Popen":
        arguments = arguments[:3]  # not its environment, which is its user's alone and where a password belongs
    if event in _events:
        os.write(_file, f"{event} {arguments!r}\\n".encode("utf-8", "backslashreplace"))
sys.addaudithook(_hook)
os.write(_file, b"watching\\n")
"""


class Watched:
    """A shop on PostgreSQL whose every secret is a canary, and what all its commands left behind."""

    def __init__(self, shop: Shop, folder: Path) -> None:
        self.shop = shop
        self.spied = folder / "spied"
        (folder / "spy").mkdir()
        (folder / "spy" / "sitecustomize.py").write_text(SPY)
        self.key = b""
        self.environment = {
            "SHOPCTL_DATABASE_URL": str(shop.database_url),
            "SHOPCTL_AUTH_DATABASE_URL": str(shop.auth_database_url),
            "PYTHONPATH": str(folder / "spy"),
            "CANARY_SPY": str(self.spied),
            **SECRETS,
        }

    def run(self, *words: str, expect: int | None = None, hostile: bool = True) -> tuple[int, bytes, bytes]:
        """Run a command and look at everything it writes; one that never ends is ended."""
        process = self.shop.start(*words, env=self.environment)
        try:
            out, err = process.communicate(timeout=5 if words[0] in ENDLESS else 60)
        except subprocess.TimeoutExpired:
            process.terminate()
            out, err = process.communicate(timeout=20)
        said = f"shopctl {words!r}: exit {process.returncode}\n{out[-3000:]!r}\n{err[-3000:]!r}"
        assert expect is None or process.returncode == expect, said
        assert process.returncode != 1, f"an internal error: {said}"
        for text in (out, err):
            assert CANARY not in text.lower(), said
            assert not self.key or self.key not in text.lower(), said
        for text in (out, err) if hostile else (err,):
            assert not forged(text), said
        return process.returncode, out, err


@pytest.fixture
def watched(tmp_path: Path, postgres_server: str) -> Iterator[Watched]:
    with fresh_database(postgres_server) as shop_url, fresh_database(postgres_server) as auth_url:
        shop = Shop(
            tmp_path / "shop",
            database_url=with_password(shop_url, "canary-db"),
            auth_database_url=with_password(auth_url, "canary-auth"),
        )
        watched = Watched(shop, tmp_path)
        watched.run("init", expect=0)
        (key,) = (shop.folder / ".shopctl" / "keys").glob("audit*")
        watched.key = key.read_bytes().strip().rpartition(b":")[2]
        assert len(watched.key) == 64
        yield watched


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    """A feed with hostile text in every field that takes any."""
    path = tmp_path / "hostile.ndjson"
    rows = [
        {
            "sku": f"EVIL-{number}",
            "name": HOSTILE,
            "description": HOSTILE,
            "brand": HOSTILE,
            "category": f"Home > {HOSTILE}",
            "tags": [HOSTILE],
            "status": "active",
            "attributes": {HOSTILE: HOSTILE},
            "media": [{"url": "https://example.com/x.png", "alt": HOSTILE}],
            "price": "3.00",
            "stock": 5,
        }
        for number in range(2)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.assure("S18")
@pytest.mark.parametrize("name", names())
def test_no_command_gives_a_secret_away_or_lets_data_forge_a_line(
    name: str, watched: Watched, feed: Path, tmp_path: Path
) -> None:
    watched.run("catalogue", "import", str(feed), "--reason", SECRET_TEXT + HOSTILE, expect=0)
    secret = ["--reason", SECRET_TEXT + HOSTILE]

    def hostile(parameter: str) -> str:
        return HOSTILE

    def pasted(parameter: str) -> str:
        return "postgresql://anna:canary-pasted@127.0.0.1:1/shop?sslpassword=canary-more"

    def sound(parameter: str) -> str:
        if parameter in ("sku", "skus"):
            return "EVIL-0"
        if parameter == "assignments":
            return f"name={HOSTILE}"
        if parameter in ("file", "feed"):
            return str(feed)
        if parameter in ("at", "since", "from_", "to", "from"):
            return "2100-01-01"
        if parameter == "out":
            return str(tmp_path / "out.json")
        return HOSTILE

    forms = ("table", "json", "ndjson", "yaml")
    for number, verb in enumerate(verbs_of(name), names().index(name)):
        # What goes to standard output as a file is data for a program, and holds it as it is.
        text = verb.path != ("catalogue", "export")
        loud = ["--debug", "--log-level", "debug"]
        watched.run(*verb.line(hostile, optional=True), *secret, *loud, "--yes", "--no-input", hostile=text)
        watched.run(*verb.line(pasted, optional=False), *secret, "--no-input", "-o", "json", hostile=text)
        if verb.parameters:  # else it would only be the same again
            for form in forms if FULL else [forms[number % 4]]:
                watched.run(*verb.line(sound, optional=False), *secret, "--no-input", "-o", form, hostile=text)
            watched.run(*verb.line(sound, optional=True), *secret, "--no-input", "--log-format", "json", hostile=text)
        if FULL or number == names().index(name):
            watched.run(*verb.path, "--help", hostile=text)
    assert_nothing_was_left(watched)
    assert b"EVIL" in watched.run("catalogue", "show", "EVIL-0")[1], "the hostile product was really there"


def assert_nothing_was_left(watched: Watched) -> None:
    """Look where nobody looks: process lists, addresses, both databases, every file of the shop and of its user."""
    spied = watched.spied.read_bytes()
    assert b"watching" in spied
    assert [line for line in spied.splitlines() if CANARY in line.lower()] == []
    import psycopg

    for url in (watched.shop.database_url, watched.shop.auth_database_url):
        with psycopg.connect(str(url)) as connection:
            tables = [
                row[0] for row in connection.execute("select tablename from pg_tables where schemaname = 'public'")
            ]
            assert "audit_entry" in tables
            for table in tables:
                for (row,) in connection.execute(f"select cast(t as text) from {table} t").fetchall():  # type: ignore[call-overload]
                    assert "canary" not in row.lower(), f"{table}: {row}"
                    assert watched.key.decode() not in row
    for folder in (watched.shop.folder, watched.shop.home):
        for path in folder.rglob("*"):
            if path.is_file() and path.parent.name != "keys":
                content = path.read_bytes()
                assert CANARY not in content.lower(), path
                assert watched.key not in content, path


@pytest.mark.assure("S18")
@pytest.mark.parametrize(
    "url",
    [
        "postgresql://anna:canary-x@127.0.0.1:1/shop",
        "postgresql://anna:canary/with@signs@127.0.0.1:1/shop",
        "postgresql://anna@127.0.0.1:1/shop?password=canary-x&connect_timeout=1",
        "postgresql://anna:canary-x@127.0.0.1:notaport/shop",
        "mysql://anna:canary-x@127.0.0.1/shop",
    ],
)
def test_a_database_that_does_not_answer_is_named_without_its_password(url: str, shop: Shop, tmp_path: Path) -> None:
    watched = Watched(shop, tmp_path)
    for place in ("environment", "file"):
        if place == "file":
            watched.environment = {k: v for k, v in watched.environment.items() if "DATABASE_URL" not in k}
            (shop.folder / "shopctl.toml").write_text(f"database_url = {json.dumps(url)}\n")
        else:
            watched.environment |= {"SHOPCTL_DATABASE_URL": url}
            watched.environment.pop("SHOPCTL_AUTH_DATABASE_URL")
        plain, loud = [], ["-o", "json", "--debug", "--log-level", "debug"]
        commands = (["catalogue", "list"], ["audit", "verify"], ["config", "explain"], ["catalogue", "show", "X"])
        for number, words in enumerate(commands, place == "file"):
            for more in (plain, loud) if FULL else ([plain, loud][number % 2],):
                watched.run(*words, *more)


@pytest.mark.assure("S18")
def test_a_settings_file_that_does_not_parse_is_not_quoted(shop: Shop, tmp_path: Path) -> None:
    watched = Watched(shop, tmp_path)
    watched.environment = {k: v for k, v in watched.environment.items() if "DATABASE_URL" not in k}
    for content in (
        'database_url = "postgresql://a:canary@h/d',
        "[payments.stripe]\napi_key = sk_live_canary\n",
        '[payments.stripe]\napi_key = ["canary"]\nwebhook_secrets = "canary"\n',
        'canary_setting_typo = "x"\n'.replace("canary", "wrong") + 'database_ur1 = "canary"\n',
    ):
        (shop.folder / "shopctl.toml").write_text(content)
        assert watched.run("config", "show")[0] == 2
        watched.run("catalogue", "list", "--debug")


def test_the_check_itself_sees_a_canary_and_a_forged_line() -> None:
    assert forged(b"a\x1b[31mb")
    assert forged(b"a\rb\n")
    assert forged(b"x\nFORGED: all is well\n")
    assert forged("a\x9b1m".encode())
    assert forged("a\u2028b".encode())
    assert not forged("Größe\n  1 \\x1b[31m FORGED\n".encode())


def forged(text: bytes) -> bool:
    """Whether raw control characters got through, or a line begins with what only data contains."""
    shown = text.decode("utf-8", "replace").replace("\n", "").replace("\t", "")
    return not all(character.isprintable() for character in shown) or any(
        line.lstrip().startswith("FORGED") for line in text.decode("utf-8", "replace").splitlines()
    )


def with_password(url: str, password: str) -> str:
    """The URL with a password, which a server that trusts its socket does not ask for; an own one is left alone."""
    parts = urlsplit(url)
    if parts.password is not None:
        pytest.skip("the server of SHOPCTL_TEST_POSTGRES wants a password of its own")
    user, _, place = parts.netloc.rpartition("@")
    # `urlunsplit` would drop the empty host before the slash, so it is kept.
    return f"{parts.scheme}://{user}:{password}@{place}{urlunsplit(('', '', parts.path, parts.query, ''))}"
