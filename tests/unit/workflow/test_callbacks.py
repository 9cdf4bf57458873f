"""A callback's token speaks for one call of one step, until it is over; nothing else is a token."""

from __future__ import annotations

import pytest

from shopctl.kernel.redaction import redact
from shopctl.workflow.callbacks import LIFETIME, CallbackRefused, CallbackSigner
from support.calls import Standing

KEY = b"k" * 32


def token(clock: Standing, key: bytes = KEY, since: int = 0) -> str:
    return (
        CallbackSigner(lambda: key, "https://shop.example/x/", clock)
        .url("run_1", "create", 3, since)
        .rpartition("/")[2]
    )


def test_a_token_names_its_call():
    signer = CallbackSigner(lambda: KEY, "https://shop.example/x/", Standing())
    url = signer.url("run_1", "create", 3)

    assert url.startswith("https://shop.example/x/callbacks/c1.")
    assert signer.read(url.rpartition("/")[2]) == ("run_1", "create", 3)


def test_the_url_of_a_repeated_call_is_the_same_one():
    clock = Standing()
    first = token(clock, since=5)
    clock.time += LIFETIME // 2
    assert token(clock, since=5) == first


def test_every_altered_character_is_noticed():
    signer, good = CallbackSigner(lambda: KEY, "", Standing()), token(Standing())
    for place in range(len(good)):
        for other in "Aa.=-":
            if good[place] != other:
                with pytest.raises(CallbackRefused):
                    signer.read(good[:place] + other + good[place + 1 :])


@pytest.mark.parametrize(
    "text", ["", "c1", "c1.", "c1..", "c2.e30.e30", "c1.ä.ä", "x" * 5000, "c1." + "A" * 4000 + ".A"]
)
def test_what_is_no_token_is_refused(text):
    with pytest.raises(CallbackRefused):
        CallbackSigner(lambda: KEY, "", Standing()).read(text)


def test_a_token_of_another_shop_is_refused():
    with pytest.raises(CallbackRefused, match="signature"):
        CallbackSigner(lambda: b"other" * 8, "", Standing()).read(token(Standing()))


def test_a_token_is_over_in_the_end():
    clock = Standing()
    good = token(clock)
    clock.time += LIFETIME - 1_000_000
    CallbackSigner(lambda: KEY, "", clock).read(good)
    clock.time += 1_000_000
    with pytest.raises(CallbackRefused, match="over"):
        CallbackSigner(lambda: KEY, "", clock).read(good)


def test_a_key_that_anybody_could_guess_signs_nothing():
    with pytest.raises(ValueError, match="32 bytes"):
        CallbackSigner(lambda: b"", "", Standing()).url("run_1", "create", 1)


def test_no_token_is_shown_in_a_log():
    assert redact(f"POST /callbacks/{token(Standing())} came") == "POST /callbacks/**** came"
