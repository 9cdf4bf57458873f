"""The built wheel is complete: in an empty environment, far from the checkout, it tells its whole story."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEMO_SECONDS = 60  # on two busy cores; alone it takes a few

# All on one worker, so that the environment is made once.
pytestmark = pytest.mark.xdist_group("wheel")


def call(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def pip_for(python: Path) -> tuple[str | Path, ...]:
    return sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout with the pinned builder."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    call(*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("shopctl-*.whl")
    return built


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that holds the wheel and its pinned needs, and nothing of the tests."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment)
    # The pip of the tests installs into it: making one of its own takes as long as everything else.
    pip = (*pip_for(environment / "bin/python"), "install", "--quiet", "--no-compile")
    call(*pip, "--require-hashes", "-r", ROOT / "requirements/runtime.txt", cwd=environment)
    call(*pip, "--no-deps", wheel, cwd=environment)
    return environment / "bin"


def test_the_wheel_carries_its_data_and_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    sources = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src").rglob("*") if path.is_file()}
    wanted = {path for path in sources if "__pycache__" not in path}

    assert wanted <= names
    assert "shopctl/catalogue/bundled/catalogue.ndjson" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"shopctl"}


def test_the_pinned_needs_are_all_it_needs(programs: Path) -> None:
    call(*pip_for(programs / "python"), "check", cwd=programs)


def test_the_wheel_runs_the_demo_outside_the_checkout(programs: Path, tmp_path: Path) -> None:
    environment = {"PATH": os.defpath, "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    start = time.monotonic()

    story = call(programs / "shopctl", "demo", cwd=tmp_path, env=environment)

    assert story.strip()
    assert time.monotonic() - start < DEMO_SECONDS
    assert call(programs / "shopctl", "--version", cwd=tmp_path, env=environment).startswith("shopctl 0.")
