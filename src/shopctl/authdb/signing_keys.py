"""Signing keys as rows; the private half is sealed, and gone once a key is disabled."""

from __future__ import annotations

from typing import Literal, NamedTuple

from shopctl.authdb.errors import KeyNotFound
from shopctl.kernel.clock import Instant
from shopctl.storage.sealing import Place, Sealer
from shopctl.storage.unit import Unit

TABLE, PRIVATE = "signing_key", "private"
KeyState = Literal["next", "active", "passive", "disabled"]
_COLUMNS = "kid, algorithm, state, private, public, created_at, activated_at, passive_at, disabled_at"


class StoredKey(NamedTuple):
    """A key as stored: `private` is the sealed JWK, `public` the JWK, empty for HS256."""

    kid: str
    algorithm: str
    state: str
    private: str | None
    public: str
    created_at: Instant
    activated_at: Instant | None
    passive_at: Instant | None
    disabled_at: Instant | None


class Outstanding(NamedTuple):
    """The tokens of a key that are good by their time, and when the last of them expires."""

    tokens: int
    last_expiry: Instant | None


def add(unit: Unit, sealer: Sealer, key: StoredKey, private_jwk: str) -> None:
    """Store a new key."""
    sealed = sealer.seal(unit, Place(TABLE, PRIVATE, key.kid), private_jwk)
    unit.execute(
        f"""insert into signing_key ({_COLUMNS}) values (:kid, :algorithm, :state, :private, :public, :created_at,
                                                        :activated_at, :passive_at, :disabled_at)""",
        **key._asdict() | {"private": sealed},
    )


def lock(unit: Unit) -> None:
    """Keep other writers from the keys until the unit ends: rotations take turns."""
    if unit.dialect == "postgres":
        unit.execute("lock table signing_key in share row exclusive mode")


def listed(unit: Unit) -> list[StoredKey]:
    """All keys, newest first."""
    return unit.rows(StoredKey, f"select {_COLUMNS} from signing_key order by created_at desc, kid")


def in_state(unit: Unit, state: KeyState) -> StoredKey | None:
    """The key in that state, the newest where there are several."""
    sql = f"select {_COLUMNS} from signing_key where state = :state order by created_at desc, kid limit 1"
    return unit.row(StoredKey, sql, state=state)


def need(unit: Unit, kid: str) -> StoredKey:
    """The key of that id, or the only one whose id begins so. Raises KeyNotFound."""
    found = [key for key in listed(unit) if key.kid == kid] or [key for key in listed(unit) if key.kid.startswith(kid)]
    if len(found) != 1:
        raise KeyNotFound(kid=kid)
    return found[0]


def private_jwk(unit: Unit, sealer: Sealer, key: StoredKey) -> str:
    """The private JWK of a key that is not disabled."""
    assert key.private is not None
    return sealer.open(unit, Place(TABLE, PRIVATE, key.kid), key.private)


def become(unit: Unit, kid: str, state: KeyState, now: Instant) -> None:
    """Move a key to a state; a disabled one loses its private half."""
    moment = {"next": "created_at", "active": "activated_at", "passive": "passive_at", "disabled": "disabled_at"}[state]
    gone = ", private = null" if state == "disabled" else ""
    unit.execute(
        f"update signing_key set state = :state, {moment} = :now{gone} where kid = :kid", state=state, now=now, kid=kid
    )


def outstanding(unit: Unit, now: Instant) -> dict[str, Outstanding]:
    """For each key that has any, the tokens that are neither expired nor revoked."""
    rows = unit.tuples(
        """select kid, count(*), max(expires_at) from access_token
            where expires_at > :now and revoked_at is null group by kid""",
        now=now,
    )
    return {kid: Outstanding(count, last) for kid, count, last in rows}
