"""What PostgreSQL and its driver report, in our words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shopctl.kernel.errors import ShopctlError
from shopctl.storage import errors

if TYPE_CHECKING:
    import psycopg


@contextmanager
def translated(place: str, seconds: float = 0) -> Iterator[None]:
    """Turn the driver's exceptions into ours, by SQLSTATE (PostgreSQL manual, appendix A)."""
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        raise _named(error, place, seconds) from error
    except UnicodeEncodeError as error:
        raise errors.TextInvalid(reason=error.reason) from error


def _named(error: psycopg.Error, place: str, seconds: float) -> ShopctlError:
    import psycopg

    state = error.sqlstate or ""
    reason = error.diag.message_primary or (str(error).strip() or type(error).__name__).splitlines()[0]
    unreachable = errors.DatabaseUnreachable(place=place, reason=reason)
    if state == "55P03":
        return errors.DatabaseLocked(place=place, seconds=seconds)
    if state == "57014":
        return errors.StatementTimedOut(place=place, reason=reason)
    if state == "53100":
        return errors.DatabaseFull(place=place)
    if state in ("25006", "42501"):
        return errors.DatabaseReadOnly(place=place)
    if state in ("40001", "40P01"):
        return errors.ConcurrentChange(reason=reason)
    if state in ("22021", "22P05") or "NUL (0x00)" in reason:
        return errors.TextInvalid(reason=reason)
    # A connection refused by the server carries its SQLSTATE only in the text.
    if state == "3D000" or (not state and re.search(r'FATAL: +database ".*" does not exist$', reason)):
        return errors.NoSuchDatabase(place=place)
    by_class = {
        "08": unreachable,
        "28": unreachable,
        "53": unreachable,  # too many connections, out of memory
        "57": unreachable,  # shut down, starting up
        "23": errors.ConstraintBroken(reason=reason),
        "58": errors.DiskFailed(place=place, reason=reason),
        "XX": errors.DatabaseDamaged(place=place, reason=reason),
    }
    if named := by_class.get(state[:2]):
        return named
    return unreachable if isinstance(error, psycopg.OperationalError) else errors.StatementFailed(reason=reason)
