"""P7: tokens issued and verified in process, with all checks, beside PyJWT alone.

python benchmarks/p7_tokens.py --rounds 21 --tokens 1000
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import jwt
from common import Figure, announce, arguments, publish, ratio, rounded

from shopctl.auth.access import access_of
from shopctl.auth.access_claims import AccessClaims
from shopctl.auth.access_tokens import Expected, sign, verify
from shopctl.auth.jose.errors import TokenRefused
from shopctl.auth.jose.keys import SigningKey
from shopctl.authdb import accounts
from shopctl.bootstrap import Services
from shopctl.kernel.settings import load_settings
from shopctl.operations.new_shop import make_shop

VERIFY_LIMIT = 1.5
ISSUE_LIMIT = 3.0
TOKENS = 1000
ALGORITHMS = ("EdDSA", "ES256", "RS256", "HS256")  # the first is the default, and the one with a goal
EXPECTED = Expected("https://auth.example", "shop")
NOW = int(time.time())


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__.partition("\n")[0] if __doc__ else None)
    parser.set_defaults(rounds=21)
    parser.add_argument("--tokens", type=int, default=TOKENS, metavar="N", help="tokens a round (default: %(default)s)")
    options = parser.parse_args()
    figures = [figure for alg in ALGORITHMS for figure in measured(alg, options.tokens, options.rounds)]
    figures += recorded(options.tokens, options.rounds)
    publish("P7", "tokens in process", figures, options.out, rounds=options.rounds, tokens=options.tokens)


def measured(alg: str, count: int, rounds: int) -> list[Figure]:
    """The figures of an algorithm: verify, and the part of issuing that needs no database."""
    announce(f"{alg}: {rounds} rounds of {count} tokens")
    key = SigningKey.generate(alg)
    verifying = key.verifying()
    keys = {key.kid: verifying}
    claims = [_claims(number) for number in range(count)]
    payloads = [each.members() for each in claims]
    headers = {"kid": key.kid, "typ": "at+jwt"}
    tokens = [sign(each, key) for each in claims]
    now = NOW * 1_000_000
    _check(tokens[0], claims[0], keys)

    def verify_all() -> None:
        for token in tokens:
            verify(token, keys, EXPECTED, now)

    def verify_by_peer() -> None:
        for token in tokens:
            jwt.decode(token, verifying.key, algorithms=[alg], audience="shop", issuer=EXPECTED.issuer)

    def issue_all() -> None:
        for each in claims:
            sign(each, key)

    def issue_by_peer() -> None:
        for payload in payloads:
            jwt.encode(payload, key.key, algorithm=alg, headers=headers)

    verified = _in_turn(verify_all, verify_by_peer, rounds)
    issued = _in_turn(issue_all, issue_by_peer, rounds)
    limit = VERIFY_LIMIT if alg == ALGORITHMS[0] else None
    return [
        ratio("P7", f"{alg}: verify {count:,} tokens, all checks", verified[0], "PyJWT decode", verified[1], limit,
              note=_each(verified, count)),
        ratio("P7", f"{alg}: sign {count:,} tokens, without a record", issued[0], "PyJWT encode", issued[1], None,
              note=_each(issued, count)),
    ]  # fmt: skip


def recorded(count: int, rounds: int) -> list[Figure]:
    """Issued with a record in SQLite, so many in a unit, and verified with what is true of the user at that moment."""
    announce(f"records: {rounds} rounds of {count} tokens")
    with tempfile.TemporaryDirectory() as folder:
        make_shop(Path(folder), {})
        services = Services(load_settings(Path(folder), {}))
        services.users.add_service("robot", permissions=["catalogue:read", "catalogue:write", "purchase:create"])
        tokens, verification, system = services.tokens, services.verification, services.auth
        key = SigningKey.generate()
        payload, headers = _claims(0).members(), {"kid": key.kid, "typ": "at+jwt"}
        with system.database.unit() as unit:
            access = access_of(unit, accounts.need(unit, system.sealer, "robot"))
            shown = [tokens.issue(unit, access, access.permissions).access_token for _ in range(count)]

        def issue_all() -> None:
            with system.database.unit() as unit:
                for _ in range(count):
                    tokens.issue(unit, access, access.permissions)

        def issue_by_peer() -> None:
            for _ in range(count):
                jwt.encode(payload, key.key, algorithm="EdDSA", headers=headers)

        def verify_all() -> None:
            for token in shown:
                verification.verify(token)

        audience, verifying = services.settings.get("auth.audience"), verification.keys_now()

        def verify_by_peer() -> None:
            for token in shown:
                public = verifying[jwt.get_unverified_header(token)["kid"]].key
                jwt.decode(token, public, algorithms=["EdDSA"], audience=audience)

        issued = _in_turn(issue_all, issue_by_peer, rounds)
        verified = _in_turn(verify_all, verify_by_peer, rounds)
        services.close()
    return [
        ratio("P7", f"EdDSA: issue {count:,} tokens with their records, SQLite", issued[0], "PyJWT encode", issued[1],
              ISSUE_LIMIT, note=_each(issued, count)),
        ratio("P7", f"EdDSA: verify {count:,} tokens, revocation looked up, SQLite", verified[0], "PyJWT decode",
              verified[1], None, note=_each(verified, count)),
    ]  # fmt: skip


def _claims(number: int) -> AccessClaims:
    return AccessClaims(
        EXPECTED.issuer,
        f"usr_{number:026}",
        (EXPECTED.audience,),
        "cli_00000000000000000000000000",
        NOW + 3600,
        NOW - 1,
        f"tok_{number:026}",
        ("catalogue:read", "catalogue:write", "purchase:create"),
        ("operator",),
        ("warehouse:berlin",),
        sid=f"ses_{number:026}",
    )


def _check(token: str, claims: AccessClaims, keys: dict[str, object]) -> None:
    """What verifies nothing is quick."""
    header, payload, signature = token.split(".")
    if verify(token, keys, EXPECTED, NOW * 1_000_000) != claims:
        sys.exit("a token does not come back")
    try:
        verify(f"{header}.{payload}.{signature[::-1]}", keys, EXPECTED, NOW * 1_000_000)
    except TokenRefused:
        return
    sys.exit("an altered token was taken")


def _in_turn(own: Callable[[], None], peer: Callable[[], None], rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of both, in turn (A B A B …), after a round that does not count."""
    own(), peer()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for side, taken in zip((own, peer), times, strict=True):
            began = time.perf_counter()
            side()
            taken.append(time.perf_counter() - began)
    return times


def _each(times: tuple[list[float], list[float]], count: int) -> str:
    own, peer = (rounded(median(side) / count * 1_000_000) for side in times)
    return f"{own} µs beside {peer} µs a token"


if __name__ == "__main__":
    main()
