"""Installed plugins are found once and remembered until site-packages change."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shopctl.hooks import discovery
from shopctl.hooks.discovery import Found, find

LONG_AGO = 1_700_000_000


def install(site: Path, name: str, points: str, version: str = "1.0") -> None:
    """Put a distribution's metadata where an installer would."""
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (folder / "entry_points.txt").write_text(points)


@pytest.fixture
def site(tmp_path):
    site = tmp_path / "site-packages"
    site.mkdir()
    return site


@pytest.fixture
def environ(tmp_path):
    return {"XDG_CACHE_HOME": str(tmp_path / "cache")}


def settle(site: Path, at: int = LONG_AGO) -> None:
    os.utime(site, (at, at))


@pytest.fixture
def looks(monkeypatch):
    """How often all distributions were looked through."""
    seen: list[int] = []
    real = discovery._look
    monkeypatch.setattr(discovery, "_look", lambda folders: (seen.append(1), real(folders))[1])
    return seen


def test_only_entry_points_of_our_group_are_found(site, environ):
    install(site, "shop-b", "[shopctl]\nb = pkg_b:plugin\n[console_scripts]\nx = y:z\n")
    install(site, "shop-a", "[shopctl]\na = pkg_a\n", version="2.1")
    install(site, "other", "[pytest11]\nc = pkg_c\n")
    assert find(environ, [str(site)]) == [
        Found("a", "pkg_a", "shop-a", "2.1"),
        Found("b", "pkg_b:plugin", "shop-b", "1.0"),
    ]


def test_the_second_look_reads_the_cache_and_a_change_looks_again(site, environ, looks):
    install(site, "shop-a", "[shopctl]\na = pkg_a\n")
    settle(site)
    assert find(environ, [str(site)]) == find(environ, [str(site)])
    assert len(looks) == 1

    install(site, "shop-b", "[shopctl]\nb = pkg_b\n")
    settle(site, LONG_AGO + 1)
    assert [found.name for found in find(environ, [str(site)])] == ["a", "b"]
    assert len(looks) == 2


def test_that_nothing_is_installed_is_remembered_too(site, environ, looks):
    settle(site)
    assert find(environ, [str(site)]) == find(environ, [str(site)]) == []
    assert len(looks) == 1


def test_a_folder_that_may_still_be_changing_is_not_remembered(site, environ, looks):
    find(environ, [str(site)])
    find(environ, [str(site)])
    assert len(looks) == 2


def cache_file(tmp_path: Path) -> Path:
    (found,) = (tmp_path / "cache" / "shopctl").iterdir()
    return found


def test_the_cache_is_private(site, environ, tmp_path):
    settle(site)
    find(environ, [str(site)])
    assert cache_file(tmp_path).stat().st_mode & 0o777 == 0o600
    assert cache_file(tmp_path).parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe\0", b"shopctl plugins 1\n\nevil\tevil\tx\t1", b"a\tb\n" * 10_000])
def test_a_damaged_cache_is_looked_past(site, environ, tmp_path, damage):
    install(site, "shop-a", "[shopctl]\na = pkg_a\n")
    settle(site)
    find(environ, [str(site)])
    cache_file(tmp_path).write_bytes(damage)
    assert [found.name for found in find(environ, [str(site)])] == ["a"]


def test_a_cache_that_others_could_write_is_not_believed(site, environ, tmp_path):
    settle(site)
    find(environ, [str(site)])
    cache = cache_file(tmp_path)
    cache.write_text(cache.read_text() + "evil\tevil\tevil\t1")
    assert [found.name for found in find(environ, [str(site)])] == ["evil"], "the owner's own word counts"
    cache.chmod(0o666)
    assert find(environ, [str(site)]) == []


@pytest.mark.parametrize("environ", [{}, {"XDG_CACHE_HOME": "/dev/null"}, {"HOME": "/proc/nowhere"}])
def test_without_a_place_for_the_cache_all_works(site, environ):
    install(site, "shop-a", "[shopctl]\na = pkg_a\n")
    settle(site)
    assert [found.name for found in find(environ, [str(site)])] == ["a"]


def test_damaged_metadata_of_another_package_is_skipped(site, environ):
    install(site, "shop-a", "[shopctl]\na = pkg_a\n")
    (site / "broken-1.0.dist-info").mkdir()
    install(site, "worse", "this is [no ini\n= at all")
    assert [found.name for found in find(environ, [str(site)])] == ["a"]


def test_the_current_folder_brings_no_plugins(site, environ, monkeypatch):
    install(site, "shop-a", "[shopctl]\na = pkg_a\n")
    monkeypatch.chdir(site)
    assert find(environ, [str(site), "", "/nowhere"]) == []


def test_a_remembered_look_loads_nothing_heavy(tmp_path):
    code = (
        "import sys\n"
        "from shopctl.hooks.plugins import call, command_nouns, plugins\n"
        "assert command_nouns() == {} and plugins() == [] and call('shopctl_feed_readers') == []\n"
        "loaded = {'pluggy', 'importlib.metadata', 'logging', 'json'} & set(sys.modules)\n"
        "assert not loaded or not LAST, loaded"
    )
    # The site-packages of the tests themselves, as found by python; nothing there is a plugin unless installed so.
    environ = {"PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(tmp_path)}
    source = str(Path(discovery.__file__).parents[2])
    (tmp_path / "site").mkdir()
    settle(tmp_path / "site")
    run = f"import sys; sys.path[:] = [p for p in sys.path if 'site-packages' not in p] + [{source!r}]; LAST = "
    for last in (False, True):
        subprocess.run([sys.executable, "-c", run + f"{last}\n{code}"], check=True, env=environ, cwd=tmp_path / "site")
