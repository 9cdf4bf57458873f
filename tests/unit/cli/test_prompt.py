"""Questions at a terminal that nobody answers."""

from __future__ import annotations

import getpass
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shopctl.cli.prompt import CannotAsk, secret


def test_a_secret_that_is_not_typed_is_no_fault_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(*_: object, **__: object) -> str:
        raise EOFError

    monkeypatch.setattr(getpass, "getpass", ended)
    with pytest.raises(CannotAsk, match="Password"):
        secret(cast("Any", SimpleNamespace(interactive=True)), "Password", flag="--password-stdin")
