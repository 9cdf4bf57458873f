"""A plugin is loaded and called; a broken one is told of and left out, whatever it does."""

from __future__ import annotations

import inspect
import sys
import textwrap
from pathlib import Path

import pytest

from shopctl.hooks import specifications
from shopctl.hooks.discovery import Found
from shopctl.hooks.plugins import Plugins

HEAD = "import pluggy\nhookimpl = pluggy.HookimplMarker('shopctl')\n"


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """`plugin(name, source)` writes a module and gives its entry point."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made: list[str] = []

    def plugin(name: str, source: str, target: str = "") -> Found:
        module = f"shopctl_test_{name}"
        Path(tmp_path, f"{module}.py").write_text(HEAD + textwrap.dedent(source))
        made.append(module)
        return Found(name, module + target, f"shop-{name}", "1.0")

    yield plugin
    for module in made:
        sys.modules.pop(module, None)


GOOD = """
    @hookimpl
    def shopctl_feed_readers():
        return [("bells", print)]

    @hookimpl
    def shopctl_commands():
        return [("bells", lambda: "an app", "Bells and whistles.")]

    @hookimpl
    def shopctl_doctor_checks():
        return [("bells", lambda settings: None)]
"""


def test_a_working_plugin_is_listed_with_its_hooks(plugin):
    (row,) = Plugins([plugin("good", GOOD)]).plugins()
    assert row == (
        "good", "1.0", "shop-good", ("shopctl_commands", "shopctl_doctor_checks", "shopctl_feed_readers"), "ok", None,
    )  # fmt: skip


def test_results_come_from_every_plugin(plugin):
    other = "@hookimpl\ndef shopctl_feed_readers():\n    return [('whistles', print)]"
    plugins = Plugins([plugin("good", GOOD), plugin("other", other)])
    answers = [answer for _, answer in plugins.results("shopctl_feed_readers", {})]
    assert answers == [[("bells", print)], [("whistles", print)]]
    assert plugins.named("shopctl_feed_readers") == {"bells": (print,), "whistles": (print,)}


def test_a_plugin_may_be_an_object_in_a_module(plugin):
    source = """
        class Plugin:
            @hookimpl
            def shopctl_feed_readers(self):
                return [("bells", print)]
        plugin = Plugin()
    """
    (row,) = Plugins([plugin("object", source, ":plugin")]).plugins()
    assert (row.state, row.hooks) == ("ok", ("shopctl_feed_readers",))


def test_commands_of_a_plugin_become_nouns(plugin):
    nouns = Plugins([plugin("good", GOOD)]).named("shopctl_commands")
    ((noun, (loader, text)),) = nouns.items()
    assert (noun, loader(), text) == ("bells", "an app", "Bells and whistles.")


BROKEN = {
    "absent": ("", ":nothing", "AttributeError"),
    "import_error": ("import not_there_at_all", "", "ModuleNotFoundError: No module named 'not_there_at_all'"),
    "syntax": ("def", "", "SyntaxError"),
    "leaves": ("raise SystemExit(0)", "", "SystemExit: 0"),
    "signature": ("@hookimpl\ndef shopctl_feed_readers(colour): ...", "", "PluginValidationError"),
    "unknown_hook": ("@hookimpl\ndef shopctl_teleport(): ...", "", "unknown hook 'shopctl_teleport'"),
    "raises": (
        "@hookimpl\ndef shopctl_feed_readers():\n    raise ValueError('no')",
        "",
        "shopctl_feed_readers raised ValueError: no",
    ),
    "exits": (
        "@hookimpl\ndef shopctl_doctor_checks():\n    raise SystemExit",
        "",
        "shopctl_doctor_checks raised SystemExit",
    ),
    "no_list": ("@hookimpl\ndef shopctl_commands():\n    return 7", "", "shopctl_commands returned"),
    "no_noun": ("@hookimpl\ndef shopctl_commands():\n    return [('Bells!', print, 'x')]", "", "'Bells!'"),
    "no_reader": ("@hookimpl\ndef shopctl_feed_readers():\n    return ['bells']", "", "does not have the shape"),
    "no_check": ("@hookimpl\ndef shopctl_doctor_checks():\n    return [('bells', 'x')]", "", "('bells', 'x')"),
    "lazy": ("@hookimpl\ndef shopctl_feed_readers():\n    yield 1 / 0", "", "ZeroDivisionError"),
    "no_loader": ("@hookimpl\ndef shopctl_commands():\n    return [('bells', 'x', 'x')]", "", "'bells'"),
    "forged": ("raise ValueError('a\\nerror: \\x1b[2J')", "", "ValueError: a\\nerror: \\x1b[2J"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_told_of_and_the_others_work(plugin, name):
    source, target, said = BROKEN[name]
    plugins = Plugins([plugin(name, source, target), plugin("good", GOOD)])

    broken, good = plugins.plugins()

    assert (broken.state, good.state) == ("broken", "ok")
    assert said in (broken.error or "")
    assert good.error is None
    assert plugins.named("shopctl_feed_readers") == {"bells": (print,)}
    assert set(plugins.named("shopctl_commands")) == {"bells"}


def test_a_plugin_that_raised_is_not_asked_again(plugin):
    source = "asked = []\n@hookimpl\ndef shopctl_feed_readers():\n    asked.append(1)\n    raise ValueError"
    plugins = Plugins([plugin("raises_once", source)])
    for _ in range(3):
        assert list(plugins.results("shopctl_feed_readers", {})) == []
    assert sys.modules["shopctl_test_raises_once"].asked == [1]


def test_of_two_plugins_with_one_noun_the_first_stays(plugin):
    plugins = Plugins([plugin("good", GOOD), plugin("twin", GOOD)])
    assert set(plugins.named("shopctl_commands")) == {"bells"}
    assert [row.state for row in plugins.plugins()] == ["ok", "broken"]


def test_two_plugins_may_share_a_name(plugin):
    first, second = plugin("one", GOOD), plugin("two", "")
    rows = Plugins([first, second._replace(name="one")]).plugins()
    assert [row.state for row in rows] == ["ok", "ok"]


def test_what_a_plugin_prints_while_it_loads_stays_out_of_the_output(plugin, capsys):
    Plugins([plugin("chatty", "print('hello')")]).plugins()
    out, err = capsys.readouterr()
    assert (out, err) == ("", "hello\n")


def test_no_plugin_is_imported_before_it_is_needed(plugin):
    Plugins([plugin("lazy", GOOD)])
    assert "shopctl_test_lazy" not in sys.modules


def test_every_specification_says_what_it_is_for():
    hooks = [value for name, value in vars(specifications).items() if name.startswith("shopctl_")]
    assert len(hooks) == 6
    for hook in hooks:
        assert len(inspect.getdoc(hook) or "") > 100
        assert hasattr(hook, "shopctl_spec")
