"""Hashes of other makers are read strictly, verified as their makers did, and cannot stop the server."""

# ruff: noqa: E501 - a hash is not broken over lines
from __future__ import annotations

import random
import re
import time
from collections.abc import Callable

import bcrypt
import pytest

from shopctl.auth.hash_forms import check_form, kind_of, read
from shopctl.auth.hashing import Hasher, Verdict
from shopctl.auth.password_errors import HashTooCostly, UnknownHash

PASSWORD = "Grünkohl & 3 Birnen"

# Made by Django 5.2, passlib 1.7, Werkzeug 3.1, bcrypt 5 and libxcrypt of the password above, with small parameters.
BCRYPT = "$04$wg0I6nmx8oNHDAQYRLUAvugCksXG6tE/hOidUFRWppOqlBmNzqyhu"
MADE = {
    "$2a" + BCRYPT: "bcrypt cost 4",
    "$2b" + BCRYPT: "bcrypt cost 4",
    "$2y" + BCRYPT: "bcrypt cost 4",
    "$2y$04$abcdefghijklmnopqrstuuLUcVfuQ.2V7sVKYLQ92aFmSGVQ1HkXC": "bcrypt cost 4",
    "bcrypt$$2b$04$e8A6xwGDHkfk5b3PtJz6t.ZQwfIrxGEKRP5Y0SiCw0GxcvyRxr7sm": "bcrypt cost 4",
    "bcrypt_sha256$$2b$04$ufPK06tlKunTxJNkBAXHf.xSfccEHuP6Bu6lzoHA3JdnOYGvJcxLu": "bcrypt-sha256 cost 4",
    "$argon2i$v=19$m=64,t=1,p=1$3xsjhFBqLeWc0/p/T+m9Nw$QKAf0XjwTTgic6vK+Ea1ZoYKGHngT9Juvgb+cr24vpo": "argon2i m=64,t=1,p=1",
    "$argon2d$v=19$m=64,t=1,p=1$z/kfA8BYC8H4/x/DWGttrQ$rRR2EcNFwxHTWzUw+dmIFnUB+9Ihc6auUohA9ysChbY": "argon2d m=64,t=1,p=1",
    "$argon2id$v=19$m=64,t=1,p=1$iPHe+/+f07rXWqs1ptQ6Bw$5eqSM410J4eGtpuvlkK6LGa+UjAi5A6ItAZN+WkL/k0": "argon2id m=64,t=1,p=1",
    "argon2$argon2id$v=19$m=64,t=1,p=1$c2Vhc2FsdDAx$3pF2DFOITxeGLe2P4+OG5UEIn9rc0YMQ/8TLtp3VyIM": "argon2id m=64,t=1,p=1",
    "pbkdf2_sha256$1000$seasalt01$+7QGkT+aKcGMb6pPwr6m7xwbEa7c4cNPX0SBH8ECO1Q=": "pbkdf2-sha256 iterations 1000",
    "pbkdf2_sha1$1000$seasalt01$dFSZhlYSQR1looPF6UARye5mmIM=": "pbkdf2-sha1 iterations 1000",
    "$pbkdf2$1000$mdNaCwGAMIawtpYyxjhHCA$zjTMS/YM3KPagMYKTUBlFg8i7mc": "pbkdf2-sha1 iterations 1000",
    "$pbkdf2-sha256$1000$ak1pjdF6zzmHECLkvFeq1Q$tmy/sodgxqzmtqnHcq94gouRds3WjZLWKgy5naLxCmk": "pbkdf2-sha256 iterations 1000",
    "$pbkdf2-sha512$1000$3bvXOkcIIeS8N6YUwjjnfA$DhPSXd0PU03FyGQrooshfstbTVxkrZmXXsZple3/xpSnkolu5SzhOQ8uMctFj759c9YEDHnF4XTqMHVGcjhx5A": "pbkdf2-sha512 iterations 1000",
    "pbkdf2:sha256:1000$SLHGQ5IvhDpHD6Er$7252925d93d06197c85fe4352f2444baadf9ad9182ec0278d29bf8bb8c11cf5a": "pbkdf2-sha256 iterations 1000",
    "pbkdf2:sha1:1000$WGZyWUgMCLaZ0wKx$408a46f3fa41812fca7e06ecddadac36c825fcf1": "pbkdf2-sha1 iterations 1000",
    "scrypt$1024$seasalt01$8$5$1/kan9pPQOV1zDWZY7M4GAL3KU67foF/JlTnfHe45JVUa5nwFsUmIT+MQdUxoMJmvde6a9EQmk5AQsvUOBLuNw==": "scrypt n=1024,r=8,p=5",
    "$scrypt$ln=10,r=8,p=1$KUWodU4ppfTeO8d4b20NgQ$Muygwmn/guk9B52zQRyQg+4uoLsYblqANfGbqoflPDQ": "scrypt n=1024,r=8,p=1",
    "scrypt:1024:8:1$bzuQ7Cxpb4v8PeLE$4ba1508992e0a290ffbfb0a8ef63382f24ced93a078c75852a20766f0468c8fef2ba452478bd6f8865f07350fafa12931964a1425553334d1a6e8f4e4b4e731a": "scrypt n=1024,r=8,p=1",
    "scrypt$1024$8$1$MDEyMzQ1Njc4OWFiY2RlZg==$qnJ367tSJe1dIe6nnAqnCHksRh/RZWA1eoMGYYbPQng=": "scrypt n=1024,r=8,p=1",
    "scrypt$1024$8$1$30313233343536373839616263646566$aa7277ebbb5225ed5d21eea79c0aa708792c461fd16560357a83066186cf4278": "scrypt n=1024,r=8,p=1",
}  # fmt: skip


@pytest.fixture(scope="module")
def hasher() -> Hasher:
    return Hasher(bytes(32), cost=10)


@pytest.mark.assure("S4")
@pytest.mark.parametrize("stored", MADE)
def test_a_foreign_hash_verifies_and_is_to_be_made_anew(stored: str, hasher: Hasher) -> None:
    assert hasher.verify(PASSWORD, stored) == Verdict(matches=True, outdated=True)
    assert not hasher.verify(PASSWORD + "n", stored).matches
    assert str(kind_of(stored)) == MADE[stored]


@pytest.mark.assure("S4")
def test_a_foreign_bcrypt_hash_is_cut_where_its_maker_cut(hasher: Hasher) -> None:
    stored = "$2y$04$abcdefghijklmnopqrstuum2G75IXDN/xsgbNa/hCiPSKyIHQd70S"  # of libxcrypt, from 80 characters

    assert hasher.verify(8 * "0123456789", stored).matches
    assert not hasher.verify(7 * "0123456789" + "0", stored).matches


def test_a_foreign_hash_knows_both_spellings_of_a_letter(hasher: Hasher) -> None:
    assert hasher.verify(PASSWORD.replace("ü", "u\u0308"), "$2b" + BCRYPT).matches


COSTLY = [
    "$2b$17$" + BCRYPT[4:],
    "$2b$31$" + BCRYPT[4:],
    "$argon2id$v=19$m=1048577,t=1,p=1$iPHe+/+f07rXWqs1ptQ6Bw$5eqSM410J4eGtpuvlkK6LGa+UjAi5A6ItAZN+WkL/k0",
    "$argon2id$v=19$m=65536,t=65,p=1$iPHe+/+f07rXWqs1ptQ6Bw$5eqSM410J4eGtpuvlkK6LGa+UjAi5A6ItAZN+WkL/k0",
    "$argon2id$v=19$m=65536,t=1,p=65$iPHe+/+f07rXWqs1ptQ6Bw$5eqSM410J4eGtpuvlkK6LGa+UjAi5A6ItAZN+WkL/k0",
    "$scrypt$ln=21,r=8,p=1$KUWodU4ppfTeO8d4b20NgQ$Muygwmn/guk9B52zQRyQg+4uoLsYblqANfGbqoflPDQ",
    "$scrypt$ln=999999999,r=8,p=1$KUWodU4ppfTeO8d4b20NgQ$Muygwmn/guk9B52zQRyQg+4uoLsYblqANfGbqoflPDQ",
    "scrypt$1024$seasalt01$9999999$1$1/kan9pPQOV1zDWZY7M4GAL3KU67foF/JlTnfHe45JVUa5nwFsUmIT+MQdUxoMJmvde6a9EQmk5AQsvUOBLuNw==",
    "pbkdf2_sha256$10000001$seasalt01$+7QGkT+aKcGMb6pPwr6m7xwbEa7c4cNPX0SBH8ECO1Q=",
]


@pytest.mark.assure("S4")
@pytest.mark.parametrize("stored", COSTLY)
def test_a_hash_that_could_stop_the_server_is_refused(stored: str, hasher: Hasher) -> None:
    start = time.perf_counter()
    for use in (check_form, kind_of, lambda text: hasher.verify(PASSWORD, text)):
        with pytest.raises(HashTooCostly):
            use(stored)
    assert time.perf_counter() - start < 0.05


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "secret",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "$1$salt$abcdefghijklmnopqrstu.",
        "sha256$salt$" + 64 * "a",
        "md5$salt$" + 32 * "a",
        "$2x" + BCRYPT,
        "$2b$03$" + BCRYPT[4:],
        "$2b" + BCRYPT[:-1],
        "$2b" + BCRYPT + "u",
        "$2b" + BCRYPT + "\n",
        " $2b" + BCRYPT,
        "$2b$04$wg0I6nmx8oNHDAQYRLUAvv" + BCRYPT[26:],  # a salt bcrypt itself refuses
        "$2b$٠٤$" + BCRYPT[4:],
        "$shopctl$2$2b$10$" + BCRYPT[4:],
        "$argon2id$v=18$m=64,t=1,p=1$iPHe+/+f07rXWqs1ptQ6Bw$5eqSM410J4eGtpuvlkK6LGa+UjAi5A6ItAZN+WkL/k0",
        "$argon2id$v=19$m=7,t=1,p=1$iPHe+/+f07rXWqs1ptQ6Bw$5eqSM410J4eGtpuvlkK6LGa+UjAi5A6ItAZN+WkL/k0",
        "$argon2id$v=19$m=64,t=1,p=1$iPHe+/+f07rXWqs1ptQ6Bw$5eqSM410J4eGtpuvlkK6LGa+UjAi5A6ItAZN+WkL/k1",
        "$argon2id$v=19$m=64,t=1,p=1$iPHe+/+f07rXWqs1ptQ6Bw$5eqSM410J4eGtp",  # matched by chance too soon
        "$scrypt$ln=10,r=8,p=1$KUWodU4ppfTeO8d4b20NgQ$A",
        "scrypt:1000:8:1$bzuQ7Cxpb4v8PeLE$" + 64 * "a",  # no power of two
        "scrypt:1024:8:1$\ud800$" + 64 * "a",
        "scrypt:1024:8:1$bzuQ7Cxpb4v8PeLE$" + 63 * "a",
        "pbkdf2:md5:1000$SLHGQ5IvhDpHD6Er$" + 32 * "a",
        "pbkdf2:sha256:0$SLHGQ5IvhDpHD6Er$" + 64 * "a",
        "pbkdf2:sha256:1000$SLHGQ5IvhDpHD6Er$" + 2000 * "a",
    ],
)
def test_what_no_reader_knows_is_refused(stored: str) -> None:
    for use in (check_form, kind_of):
        with pytest.raises(UnknownHash):
            use(stored)


@pytest.mark.assure("S4")
def test_whatever_is_read_can_be_verified(dice: random.Random, scale: Callable[[int, int], int]) -> None:
    """A hash damaged at one place is refused, or verified without an error."""
    for _ in range(scale(400, 20_000)):
        stored = dice.choice(list(MADE))
        place = dice.randrange(len(stored))
        damaged = stored[:place] + chr(dice.choice([*range(32, 127), 0xFC, 0])) + stored[place + 1 :]
        try:
            found = read(damaged)
        except (UnknownHash, HashTooCostly):
            continue
        most = 5 if "bcrypt" in found.kind.kind else 9999
        if all(int(number) <= most for number in re.findall(r"\d+", found.kind.parameters)):
            assert found.matches(PASSWORD.encode()) in {True, False}


def test_a_hundred_thousand_forms_are_checked_within_seconds() -> None:
    hashes = [bcrypt.hashpw(b"x", bcrypt.gensalt(4)).decode(), *MADE]
    start = time.perf_counter()
    for _ in range(200):
        for stored in hashes:
            check_form(stored)
    each = (time.perf_counter() - start) / (200 * len(hashes))

    assert each < 50e-6  # the whole import has that much for a user; a quiet machine takes a tenth of it
