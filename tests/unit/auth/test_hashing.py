"""Passwords are hashed without bcrypt's limits, and an unknown user costs what a known one does."""

from __future__ import annotations

import unicodedata

import bcrypt
import pytest

from shopctl.auth import hashing
from shopctl.auth.hash_forms import kind_of
from shopctl.auth.hashing import DEFAULT_COST, Hasher, Verdict, calibrate
from shopctl.auth.password_errors import CostOutOfRange, PepperTooShort, UnknownHash

PEPPER = bytes(range(32))
RIGHT = Verdict(matches=True, outdated=False)
WRONG = Verdict(matches=False, outdated=False)


@pytest.fixture(scope="module")
def hasher() -> Hasher:
    return Hasher(PEPPER, cost=10)


@pytest.mark.assure("S3")
def test_a_password_is_never_cut(hasher: Hasher) -> None:
    stored = hasher.hash(72 * "a" + "first")

    assert hasher.verify(72 * "a" + "first", stored) == RIGHT
    assert hasher.verify(72 * "a" + "other", stored) == WRONG
    assert hasher.verify(72 * "a", stored) == WRONG


@pytest.mark.assure("S3")
def test_nul_and_emoji_count_like_every_character(hasher: Hasher) -> None:
    stored = hasher.hash("before\0behind 🦊🦊")

    assert hasher.verify("before\0behind 🦊🦊", stored) == RIGHT
    assert hasher.verify("before\0", stored) == WRONG
    assert hasher.verify("before\0behind 🦊🐻", stored) == WRONG


def test_composed_and_decomposed_letters_are_one_password(hasher: Hasher) -> None:
    stored = hasher.hash(unicodedata.normalize("NFD", "Köln über Zürich"))

    assert hasher.verify(unicodedata.normalize("NFC", "Köln über Zürich"), stored) == RIGHT


def test_what_is_no_text_matches_nothing_and_stops_nothing(hasher: Hasher) -> None:
    assert hasher.verify("\ud83e", None) == WRONG
    assert hasher.verify("\ud83e", bcrypt.hashpw(b"?", bcrypt.gensalt(4)).decode()).matches is False


def test_another_pepper_is_another_password(hasher: Hasher) -> None:
    assert Hasher(bytes(32), cost=10).verify("moss lantern", hasher.hash("moss lantern")) == WRONG


@pytest.mark.assure("S4")
def test_the_cost_is_twelve_and_never_below_ten() -> None:
    assert Hasher(PEPPER).cost == DEFAULT_COST == 12
    for cost in (9, 4, 17):
        with pytest.raises(CostOutOfRange):
            Hasher(PEPPER, cost=cost)


@pytest.mark.assure("S4")
def test_a_hash_of_another_cost_is_outdated(hasher: Hasher) -> None:
    stored = hasher.hash("moss lantern")

    assert str(kind_of(stored)) == "shopctl bcrypt cost 10"
    assert Hasher(PEPPER, cost=11).verify("moss lantern", stored) == Verdict(matches=True, outdated=True)


def test_our_own_hashes_are_told_from_foreign_ones_and_differ_each_time(hasher: Hasher) -> None:
    one, two = hasher.hash("moss lantern"), hasher.hash("moss lantern")

    assert one != two
    assert one.startswith("$shopctl$1$2b$10$")
    # Whoever steals it cannot use it as a plain bcrypt hash of the password.
    assert not bcrypt.checkpw(b"moss lantern", one.removeprefix("$shopctl$1").encode())


@pytest.mark.assure("S5")
def test_an_unknown_user_costs_one_comparison_of_the_same_size(hasher: Hasher, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = hasher.hash("moss lantern")
    asked: list[tuple[int, bytes]] = []
    real = bcrypt.checkpw
    monkeypatch.setattr(bcrypt, "checkpw", lambda *given: asked.append((len(given[0]), given[1][:7])) or real(*given))

    assert hasher.verify("wrong", stored) == hasher.verify("wrong", None) == WRONG
    assert asked == 2 * [(64, b"$2b$10$")]


def test_a_damaged_hash_is_an_error_and_not_a_wrong_password(hasher: Hasher) -> None:
    with pytest.raises(UnknownHash):
        hasher.verify("moss lantern", "$shopctl$1$2b$10$")


def test_a_short_pepper_is_refused_and_none_is_shown(hasher: Hasher) -> None:
    with pytest.raises(PepperTooShort):
        Hasher(b"salt")
    assert repr(hasher) == "Hasher(cost=10)"


@pytest.mark.parametrize(
    ("target", "fast", "cost"), [(0.25, 0.05, 12), (0.25, 0.3, 10), (100, 0.05, 16), (0.24, 0.06, 12), (0.23, 0.06, 11)]
)
def test_the_cost_proposed_is_the_highest_within_the_target(
    target: float, fast: float, cost: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "_seconds", lambda cost: fast * 2 ** (cost - 10))

    proposed = calibrate(target)

    assert proposed.cost == cost
    assert proposed.seconds == fast * 2 ** (cost - 10)


def test_calibration_measures_this_machine() -> None:
    proposed = calibrate(0.001)

    assert proposed.cost == 10
    assert proposed.seconds == proposed.seconds_of_lowest > 0.001
