"""What is taken out of a text before anybody reads it, and what stays (S18)."""

from __future__ import annotations

import time

import pytest

from shopctl.kernel import redaction
from shopctl.kernel.redaction import mask_url, redact, remember_secret

pytestmark = pytest.mark.assure("S18")

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJl"


@pytest.fixture(autouse=True)
def _forget():
    yield
    redaction._literals.clear()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("at postgresql://shop:c4nary@db/shop now", "at postgresql://shop:****@db/shop now"),
        ("at postgresql://shop:c4n@ry/@db/shop", "at postgresql://shop:****@db/shop"),
        ("at postgresql://shop@db.example.com/shop", "at postgresql://shop@db.example.com/shop"),
        ("redis://:c4nary@h", "redis://:****@h"),
        ("Authorization: Bearer c4nary", "Authorization: ****"),
        ('{"authorization": "Basic c4nary", "a": 1}', '{"authorization": ****, "a": 1}'),
        ("Set-Cookie: sid=c4nary; Path=/", "Set-Cookie: ****"),
        ("got bearer c4naryc4nary", "got bearer ****"),
        (f"token is {JWT}.", "token is ****"),
        ("key sk_live_c4naryc4nary used", "key **** used"),
        ("key rk_test_c4naryc4nary", "key ****"),
        ("whsec_c4nary+/c4nary==", "****"),
        ("pi_3Nabcdef_secret_c4nary", "****"),
        (f"there is no user 'cs_{'c4nary-' * 6}x'", "there is no user '****'"),
        (f"spt_{'c4nary_' * 6}x and rt_{'c4nary-' * 6}x", "**** and ****"),
        ("token:writec4nary", "token:****"),
        (f"POST /callbacks/c1.{'c4nary' * 10}.{'c4nary-' * 6}x came", "POST /callbacks/**** came"),
        (f"/downloads/a.pdf?expires=1&signature={'c4nary-' * 6}x", "/downloads/a.pdf?expires=1&signature=****"),
        ("xname@example.org", "[e-mail]"),
        ("password=c4nary&x=1", "password=****&x=1"),
        ("client_secret: c4nary", "client_secret: ****"),
        ('"refresh_token":"c4n\\"ary"', '"refresh_token":****'),
        ("api-key = 'c4n ary', next", "api-key = ****, next"),
        ("mail to anna.b+c@example.co.uk failed", "mail to [e-mail] failed"),
        ("<jürgen@bücher.example>", "<[e-mail]>"),
        ("paid with 4242 4242 4242 4242.", "paid with [card number]."),
        ("paid with 378282246310005", "paid with [card number]"),
    ],
)
def test_secrets_and_personal_data_are_taken_out(text, shown):
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "SKU MUG-1 costs 19.99 EUR",
        "at 2026-11-24T13:34:00Z imp_06bq3c4naryc4naryc4naryc4na",
        "sqlite:////home/anna/shop.db is locked",
        "hint: shopctl user add NAME --password-stdin",
        "5 tokens were issued",
        "the permission token:write is missing; token:* covers it",
        "Write it as name@example.org.",
        "barcode 4006381333931 and 9780306406157",  # EAN-13 and ISBN
        "1764000000000000",  # microseconds
        "4242 4242 4242 4241",  # a wrong check digit
        "user @ home, 3 @ 5.00",
    ],
)
def test_ordinary_text_stays(text):
    assert redact(text) == text


@pytest.mark.parametrize("end", ["-----END EC PRIVATE KEY-----", ""])
def test_a_private_key_is_taken_out_even_when_it_is_cut_off(end):
    text = f"before -----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIc4nary\nc4nary\n{end}"
    assert redact(text) == "before ****"


def test_a_public_key_stays():
    text = "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----"
    assert redact(text) == text


def test_a_remembered_secret_is_taken_out_in_any_shape():
    remember_secret("hunter2hunter2")
    remember_secret("abc")
    remember_secret(None)
    assert redact("the word hunter2hunter2 and abc") == "the word **** and abc"


def test_a_hostile_text_takes_no_long_time():
    began = time.perf_counter()
    for text in ("://" * 5000, "a@" * 8000, "eyJ" * 5000, "password" * 2000, "1 " * 8000, "a." * 8000, '"\\' * 8000):
        redact(text)
        redact("password=" + text)
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:p@h/d", "postgresql://u:****@h/d"),
        ("postgresql://h/d?user=u&password=p&x", "postgresql://h/d?user=u&password=****&x"),
        ("sqlite:////a:b@c/shop.db", "sqlite:////a:b@c/shop.db"),
        ("no url", "no url"),
    ],
)
def test_a_url_is_shown_without_its_password(url, shown):
    assert mask_url(url) == shown
