"""The direction of imports: the contracts in pyproject.toml hold, and each of them notices a breach."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

BREACHES = {
    "upwards": ("kernel/breach.py", "from shopctl.storage import database", "direction"),
    "sideways": ("migrations/breach.py", "import shopctl.bootstrap", "direction"),
    "typer below the command line": ("catalogue/breach.py", "import typer", "terminal"),
    "rich below the command line": ("operations/breach.py", "from rich.table import Table", "terminal"),
    "the network in a use case": ("workflow/breach.py", "from fastapi import Request", "network"),
    "the network in the command line": ("cli/breach.py", "from shopctl.http import serving", "direction"),
    "the ORM in a query": ("catalogue/breach.py", "def late():\n    from sqlmodel import Session", "tables"),
    "the ORM's engine in storage": ("storage/breach.py", "import sqlalchemy.orm", "tables"),
    "a search engine outside its adapter": ("catalogue/breach.py", "import tantivy", "engines"),
    "the authentication database in the command line": ("cli/breach.py", "from shopctl.authdb import roles", "authdb"),
    "a token read elsewhere": ("auth/breach.py", "import jwt", "tokens"),
    "a password hashed elsewhere": ("customers/breach.py", "def late():\n    import bcrypt", "passwords"),
    "another kind of hash elsewhere": ("authdb/breach.py", "import argon2", "passwords"),
    "a cipher elsewhere": ("auth/breach.py", "from cryptography.exceptions import InvalidTag", "ciphers"),
    "a call to another system by another door": ("workflow/breach.py", "def late():\n    import httpx", "outgoing"),
}

HEAVY = "sqlite3 psycopg sqlalchemy sqlmodel alembic pydantic tantivy openpyxl jmespath yaml rich httpx httpcore"


def contracts(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts on the copy of the package in `folder`."""
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache", "--no-logo"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package and its contracts, to be broken."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_holds() -> None:
    checked = contracts(ROOT)

    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_is_noticed(copy: Path, breach: str) -> None:
    file, line, contract = BREACHES[breach]
    (copy / "src/shopctl" / file).write_text(f'"""A breach."""\n\n{line}\n')

    checked = contracts(copy)

    assert checked.returncode == 1, checked.stdout
    assert contract_name(contract) + " BROKEN" in " ".join(checked.stdout.split())


def test_a_package_without_a_place_is_noticed(copy: Path) -> None:
    (copy / "src/shopctl/utilities.py").write_text('"""A module nobody placed."""\n')

    assert contracts(copy).returncode == 1


def test_the_shortest_commands_load_nothing_heavy() -> None:
    heavy = set(HEAVY.split())
    program = (
        "import sys, shopctl.__main__ as program\n"
        "code = program.main(['--version'])\n"
        f"print(code, [name for name in {sorted(heavy)} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert done.stdout.splitlines()[-1] == "0 []", done.stdout + done.stderr


def test_importing_the_package_runs_nothing() -> None:
    """Engines, settings and clocks are made when a command asks for them, never at import.

    A noun's module alone may call: it registers its verbs, and is imported only when the noun is called.
    """
    package = ROOT / "src/shopctl"
    for module in (path for path in package.rglob("*.py") if path.parent != package / "cli"):
        for node in ast.parse(module.read_text()).body:
            called = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
            assert not called, f"{module.relative_to(ROOT)}:{node.lineno} calls something at import"


def contract_name(identifier: str) -> str:
    """The name that `lint-imports` prints for a contract."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return next(contract["name"] for contract in listed if contract["id"] == identifier)
