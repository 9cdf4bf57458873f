"""Workers killed at every point of a run, and while they recover: no effect is lost and none is doubled."""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from integration.test_import_kill import spread
from shopctl.workflow.model import ENDED
from support.agreement import check
from support.crashes import run_of, send, start, worker
from support.ledger import Ledger
from support.postgres import fresh_database

MOST = 12  # workers until a run must have come to its end


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.db")


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with the shop's schema and no row, of both kinds."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("prepared_sqlite"), tmp_path)
        yield f"sqlite:///{tmp_path / 'shop.db'}"
        return
    server, prepared = request.getfixturevalue("postgres_server"), request.getfixturevalue("prepared_postgres")
    with fresh_database(server, like=prepared) as made:
        yield made


def lived(url: str, ledger: Ledger, seed: int, points: Sequence[int] = (), *, broken: bool = False) -> tuple[str, Life]:
    """A run from its beginning to its end, its workers killed at these points one after the other."""
    run_id, life = start(url, seed), Life()
    left = list(points)
    for turn in range(MOST):
        code, count = worker(url, ledger, seed, turn=turn, point=left.pop(0) if left else 0, broken=broken)
        assert code in (0, -9), "a worker broke"
        life.kills += code == -9
        life.points += count
        run = run_of(url, run_id)
        if run.state in ENDED:
            break
        if code == 0:
            send(url, run_id, seed)
    return run_id, life


@dataclass
class Life:
    """How often the workers of a run were killed, and how many points were passed by those that were not."""

    kills: int = 0
    points: int = 0


@pytest.mark.assure("R1")
def test_killed_at_every_point_and_resumed(url: str, ledger: Ledger, scale: Callable[[int, int], int]) -> None:
    wanted, tried, kills, fewest = scale(20, 500), 0, 0, 1000
    for seed in itertools.count():
        run_id, whole = lived(url, ledger, seed)
        check(url, ledger, run_id, seed)
        fewest = min(fewest, whole.points)
        for point in spread(whole.points, scale(5, whole.points)):
            # The first worker takes the points of its own; those of a second one, which a signal woke, come after.
            run_id, life = lived(url, ledger, seed, [point])
            check(url, ledger, run_id, seed)
            tried, kills = tried + 1, kills + life.kills
        if kills >= wanted:
            break
    print(f"R1: {kills} kills at {tried} points tried, {fewest} or more a run")
    assert fewest > 40
    assert kills > tried * 2 // 3


@pytest.mark.assure("R2")
def test_recovery_killed_three_times_too(url: str, ledger: Ledger, scale: Callable[[int, int], int]) -> None:
    kills = 0
    seeds = scale(6, 500)  # on each database
    for seed in range(seeds):
        dice = random.Random(seed)
        points = [dice.randrange(1, 60), *(dice.randrange(1, 25) for _ in range(3))]
        run_id, life = lived(url, ledger, seed, points)
        check(url, ledger, run_id, seed)
        kills += life.kills
    print(f"R2: {seeds} seeds, {kills} kills")
    assert kills > seeds * 3


@pytest.mark.assure("R1")
def test_a_compensation_that_does_nothing_is_found(url: str, ledger: Ledger) -> None:
    run_id, _ = lived(url, ledger, 0, broken=True)
    with pytest.raises(AssertionError, match="undone 0"):
        check(url, ledger, run_id, 0)


@pytest.mark.assure("R1")
def test_an_effect_under_a_second_key_is_found(url: str, ledger: Ledger) -> None:
    run_id, _ = lived(url, ledger, 3)
    ledger.call(f"{run_id}.charge.7")
    ledger.effect(f"{run_id}.charge.7")
    with pytest.raises(AssertionError, match="done 2"):
        check(url, ledger, run_id, 3)
