"""One-time passwords by the vectors of the RFC, and recovery codes."""

from __future__ import annotations

from base64 import b32encode

import pytest

from shopctl.auth import one_time

SECRET = b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_codes_of_rfc_6238(seconds: int, code: str) -> None:
    # Appendix B shows eight digits; six are their last ones.
    step = seconds * 1_000_000 // one_time.PERIOD

    assert one_time.code_at(SECRET, step) == code[-6:]
    assert one_time.step_of(SECRET, code[-6:], seconds * 1_000_000) == step
    assert one_time.step_of(SECRET, code[-6:], (seconds + 90) * 1_000_000) is None


def test_what_is_no_code_is_none() -> None:
    for code in ("", "12345", "1234567", "é23456", "      "):
        assert one_time.step_of(SECRET, code, 10**15) is None


def test_the_uri_survives_any_name() -> None:
    uri = one_time.uri(SECRET, name="anna:&?#é", issuer="Tom & Jerry's")

    assert uri.startswith("otpauth://totp/Tom%20%26%20Jerry%27s:anna%3A%26%3F%23%C3%A9?secret=")
    assert "&issuer=Tom%20%26%20Jerry%27s&" in uri


def test_recovery_codes_differ_and_are_told_from_one_time_codes() -> None:
    codes = one_time.new_recovery_codes()

    assert len({*codes}) == one_time.RECOVERY_CODES
    assert all(one_time.looks_like_recovery(one_time.normal_code(code)) for code in codes)
    assert not one_time.looks_like_recovery(one_time.normal_code("123 456"))
