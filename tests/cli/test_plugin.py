"""Plugins that are really installed: found, used, and harmless when they are broken."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from support.shop import Shop

ROOT = Path(__file__).resolve().parents[2]


class Site:
    """A folder on the path of every process of the shop, into which plugins are installed."""

    def __init__(self, shop: Shop, folder: Path) -> None:
        self.shop = shop
        self.folder = folder
        folder.mkdir()

    def install(self, name: str, source: str) -> None:
        """A plugin as an installer would lay it down."""
        (self.folder / f"{name}.py").write_text(
            "import pluggy\nhookimpl = pluggy.HookimplMarker('shopctl')\n" + textwrap.dedent(source)
        )
        info = self.folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[shopctl]\n{name} = {name}\n")

    def run(self, *arguments: str | Path, expect: int | None = 0, **options: object):
        env = {"PYTHONPATH": str(self.folder)}
        return self.shop.run(*arguments, expect=expect, env=env, **options)  # type: ignore[arg-type]


@pytest.fixture
def site(shop: Shop, tmp_path: Path) -> Site:
    return Site(shop, tmp_path / "site")


BELLS = """
    @hookimpl
    def shopctl_commands():
        return [("bells", load, "Rings bells.")]

    def load():
        import typer
        noun = typer.Typer()

        @noun.command()
        def ring(ctx: typer.Context) -> None:
            "Ring once."
            ctx.obj.show({"sound": "ding"})

        @noun.command()
        def hush(ctx: typer.Context) -> None:
            "Be quiet."

        return noun

    @hookimpl
    def shopctl_doctor_checks():
        return [("bells", lambda settings: f"the bells of {settings.search_engine} are cracked")]
"""


def test_without_plugins_the_list_is_empty(shop: Shop):
    assert shop.run("plugin", "list", "-o", "json").json == []


def test_a_plugin_is_listed_and_its_noun_works(site: Site):
    site.install("bells", BELLS)
    assert site.run("plugin", "list", "-o", "json").json == [
        {
            "name": "bells",
            "version": "1.0",
            "distribution": "bells",
            "hooks": ["shopctl_commands", "shopctl_doctor_checks"],
            "state": "ok",
            "error": None,
        }
    ]
    assert site.run("bells", "ring", "-o", "json").json == {"sound": "ding"}
    assert "Rings bells." in site.run("--help").stdout


def test_a_plugin_that_appears_or_goes_is_noticed(site: Site):
    assert site.run("plugin", "list", "-o", "json").json == []
    site.install("bells", BELLS)
    assert [row["name"] for row in site.run("plugin", "list", "-o", "json").json] == ["bells"]
    shutil.rmtree(site.folder / "bells-1.0.dist-info")
    assert site.run("plugin", "list", "-o", "json").json == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import not_there", "No module named 'not_there'"),
        ("@hookimpl\ndef shopctl_commands(colour): ...", "colour"),
        ("@hookimpl\ndef shopctl_commands():\n    raise OSError('out of tune')", "out of tune"),
        ("raise SystemExit(9)", "SystemExit: 9"),
    ],
)
def test_a_broken_plugin_is_listed_and_stops_nothing(site: Site, source, said):
    site.install("bells", BELLS)
    site.install("broken", source)

    rows = {row["name"]: row for row in site.run("plugin", "list", "-o", "json").json}

    assert rows["broken"]["state"] == "broken"
    assert said in rows["broken"]["error"]
    assert rows["bells"]["state"] == "ok"
    assert site.run("bells", "ring", "-o", "json").json == {"sound": "ding"}
    site.run("--help")
    site.run("catalogue", "list")


def test_doctor_tells_of_broken_plugins_and_makes_the_checks_of_the_others(site: Site):
    site.install("bells", BELLS)
    site.install("broken", "import not_there")
    told = site.run("doctor", "-o", "json", expect=None)
    assert "No module named 'not_there'" in told.stdout
    assert "the bells of tantivy are cracked" in told.stdout


SECRETIVE = "raise RuntimeError('boom password=hunter2')"
RAISING = "@hookimpl\ndef shopctl_feed_readers():\n    raise ValueError('token=hunter2')"
CHECKING = (
    "@hookimpl\ndef shopctl_doctor_checks():\n    return [('told', told), ('thrown', thrown)]\n"
    + textwrap.dedent("""
    def told(settings):
        return "the password=hunter2 is old"

    def thrown(settings):
        raise OSError("no api_key=hunter2")
""")
)


@pytest.mark.parametrize("source", [SECRETIVE, RAISING, CHECKING])
@pytest.mark.parametrize("output", ["table", "json"])
def test_a_secret_in_what_a_plugin_raises_is_shown_nowhere(site: Site, source: str, output: str):
    site.install("leaky", source)

    for told in (
        site.run("doctor", "-o", output, expect=6),
        site.run("plugin", "list", "-o", output),
        site.run("catalogue", "import", "-", "--format", "leaky", "-o", output, input="x", expect=2),
        site.run("--log-level", "info", "catalogue", "import", "-", "--format", "leaky", input="x", expect=2),
    ):
        assert "hunter2" not in told.stdout + told.stderr
    assert "=****" in site.run("doctor", expect=6).stdout


def test_a_broken_plugin_is_told_of_where_it_matters_and_nowhere_else(site: Site):
    site.install("broken", "import not_there")

    assert site.run("--help").stderr == ""
    assert site.run("plugin", "list").stderr == ""
    refused = site.run("catalogue", "import", "-", "--format", "bars", "-o", "json", input="x", expect=2)
    assert refused.stderr.count("\n") == 1, "one JSON document"
    assert "broken: broken (see: shopctl plugin list)" in refused.error["message"]


FEEDS = """
    @hookimpl
    def shopctl_feed_readers():
        return [("bars", read), ("csv", read), ("buggy", buggy), ("odd", lambda file: iter([["sku"], "MUG-1"]))]

    def read(file):
        for number, line in enumerate(file, 1):
            cells = line.decode().rstrip("\\n").split("|")
            if len(cells) == 1 and cells[0]:
                raise ValueError(f"line {number} has no bar")
            yield [] if cells == [""] else cells

    def buggy(file):
        yield ["sku", "name"]
        yield ["MUG-1", "Mug"]
        yield {}["bug"]
"""


def test_a_feed_in_the_format_of_a_plugin_goes_in(site: Site):
    site.install("bars", FEEDS)
    text = "sku|name|price.EUR\n\nMUG-1|Blue mug|9.50\nMUG-2|Mug|x\nMUG-3|Mug|1,5|2|3\n"
    options = ("--format", "bars", "--on-error", "skip-rows", "--rejects", "rejects.csv", "-o", "json")
    told = site.run("catalogue", "import", "-", *options, input=text, expect=6).json
    assert (told["created"], told["rejected"]) == (1, 2)
    assert "MUG-2" in (site.shop.folder / "rejects.csv").read_text()
    assert site.shop.run("catalogue", "show", "MUG-1", "-o", "json").json["name"] == "Blue mug"


def test_many_records_of_a_packed_feed_go_in_and_a_second_import_changes_nothing(site: Site):
    site.install("bars", FEEDS)
    feed = site.shop.folder / "feed.gz"
    feed.write_bytes(gzip.compress("".join(["sku|name\n", *(f"MUG-{n}|Mug {n}\n" for n in range(3000))]).encode()))
    first = site.run("catalogue", "import", feed, "--format", "bars", "-o", "json").json
    second = site.run("catalogue", "import", feed, "--format", "bars", "-o", "json").json
    assert (first["created"], second["created"], second["updated"], second["unchanged"]) == (3000, 0, 0, 3000)


@pytest.mark.parametrize(
    ("name", "text", "code", "said"),
    [
        ("bars", "sku|name\nMUG-1|Mug\nno bar here\n", 12, "line 3 has no bar"),
        ("bars", "name|size\na|b\n", 12, "no SKU column"),
        ("bars", "sku|name\n", 12, "no rows"),
        ("bars", "\n\n", 12, "no rows"),
        ("buggy", "x", 1, "KeyError"),
        ("odd", "x", 12, "record 2 is not a list of texts"),
        ("nothing", "x", 2, "magento, saleor, vendure, medusa, bars, buggy, odd"),
    ],
)
def test_what_a_plugin_cannot_read_is_refused_and_nothing_changes(site: Site, name, text, code, said):
    site.install("bars", FEEDS.replace('("csv", read), ', ""))
    refused = site.run("catalogue", "import", "-", "--format", name, "-o", "json", input=text, expect=code)
    assert said in refused.error["message"]
    assert site.shop.run("catalogue", "list", "-o", "json").json == []


def test_a_plugin_cannot_take_over_a_built_in_format(site: Site):
    site.install("bars", FEEDS)
    site.run("catalogue", "import", "-", "--format", "csv", input="sku,name\nMUG-1,Mug\n")


def test_the_fixed_width_plugin_reads_a_feed(shop: Shop, tmp_path: Path):
    site = tmp_path / "site"
    source = tmp_path / "source"
    shutil.copytree(ROOT / "plugins/shopctl-feed-fixedwidth", source)
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*install, "--target", site, source], check=True)
    env = {"PYTHONPATH": str(site)}
    feed = tmp_path / "feed.txt"
    feed.write_text(
        "sku     name            price.EUR\nMUG-1   Blue mug             9.50\nMUG-2   Größe L            12.00\n"
    )

    shop.run("catalogue", "import", feed, "--format", "fixedwidth", env=env)

    shown = shop.run("catalogue", "show", "MUG-2", "-o", "json").json
    assert shown["name"] == "Größe L"
    assert (shown["prices"][0]["amount"], shown["prices"][0]["currency"]) == ("12.00", "EUR")


def test_a_key_encryption_key_of_a_plugin_wraps_and_what_it_raises_is_told(site: Site):
    site.install(
        "vault",
        """
        @hookimpl
        def shopctl_key_encryption_keys():
            return [("vault", open_key), ("file", open_key)]

        def open_key(source):
            if "closed" in source:
                raise OSError("the vault is closed, password=hunter2")
            return Key()

        class Key:
            id = "vault-1"

            def wrap(self, key, aad):
                return bytes(255 - byte for byte in key) + aad

            def unwrap(self, wrapped, aad):
                if wrapped[32:] != aad:
                    raise ValueError
                return bytes(255 - byte for byte in wrapped[:32])
        """,
    )
    program = """
from shopctl.storage.key_encryption import key_encryption_keys
kek = key_encryption_keys("vault:main?pin-value=1234").current
print(kek.id, kek.unwrap(kek.wrap(b"k" * 32, b"aad"), b"aad") == b"k" * 32)
for source in ("vault:closed?pin-value=1234", "other:x", "file:/nowhere"):
    try:
        key_encryption_keys(source)
    except Exception as told:
        print(told, told.advice)
"""
    env = site.shop.environment({"PYTHONPATH": str(site.folder)})
    told = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True).stdout
    assert told.splitlines()[0] == "vault-1 True"
    assert "The key-encryption key vault:closed cannot be used: the vault is closed, password=****" in told
    assert "'other:…' does not say where a key-encryption key is." in told
    assert "a plugin (vault, file)" in told
    assert "There is no key-encryption key at file:/nowhere." in told, "a built-in scheme is not taken over"
    assert not {"1234", "hunter2"} & set(told.replace("=", " ").split())


@pytest.mark.parametrize("name", ["shopctl-feed-fixedwidth", "shopctl-pkcs11"])
def test_the_tests_of_a_plugin_pass(name: str):
    tests = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider"]
    done = subprocess.run(tests, cwd=ROOT / "plugins" / name, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    if skipped := [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]:
        pytest.skip(skipped[0])


RINGING = """
    from shopctl.workflow.ports import Done

    class Ring:
        name, place, repetition = "ring", "outside", "keyed"

        def problems(self, values):
            return [] if "times" in values else ["times is needed"]

        def perform(self, call):
            return Done({"sound": "ding" * call.values["times"]})

    @hookimpl
    def shopctl_actions():
        return [("ring", lambda settings: Ring()), ("broken", lambda settings: 1 / 0)]

    @hookimpl
    def shopctl_templates():
        step = {"name": "ring", "action": "ring", "with": {"times": "${input.quantity}"}, "compensate": False}
        result = {"sound": "${steps.ring.sound}"}
        return [("belfry", lambda: {"select": {"sku": "BELL-*"}, "steps": [step], "result": result})]
"""


def test_a_plugin_s_template_and_action_provision_a_product(site: Site):
    site.install("bells", RINGING)
    site.run("catalogue", "import", "-", "--format", "csv", input="sku,name,price\nBELL-1,Bell,5\n")

    assert site.run("template", "validate", "belfry", "-o", "json").json == []
    started = site.run("provision", "start", "BELL-1", "--customer", "C-1", "--quantity", "2", "-o", "json").json

    assert started["state"] == "completed"
    shown = site.run("instance", "show", started["instance_id"], "-o", "json").json
    assert shown["configuration"] == {"sound": "dingding"}
