"""What must agree in the Authentication Database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shopctl.operations.rule import Rule
from shopctl.storage.sealing import SealedColumn

ACCOUNTS = (
    Rule(
        "one key signs",
        "select 'keys that sign: ' || count(*) from signing_key where state = 'active' having count(*) <> 1",
    ),
    Rule(
        "a disabled key has no private half",
        "select kid from signing_key where (state = 'disabled') <> (private is null)",
    ),
    Rule(
        "kinds and states are known",
        "select name from account where kind not in ('person', 'service') or state not in ('active', 'disabled')",
    ),
    Rule(
        "persons have passwords, services have secrets",
        """select name from account a
            where (kind = 'service' and exists (select 1 from password p where p.account_id = a.id))
               or (kind = 'person' and exists (select 1 from client_secret c where c.account_id = a.id))""",
    ),
    Rule(
        "no role inherits from itself",
        """with recursive above (role, parent) as (
                select role, parent from role_parent
                 union select a.role, p.parent from above a join role_parent p on p.role = a.parent)
           select role from above where role = parent""",
    ),
    Rule(
        "a token is its session's user's",
        """select t.jti from access_token t join session s on s.id = t.session_id
            where t.account_id <> s.account_id""",
        slow=True,
    ),
    Rule(
        "a session has one refresh token at most that is not used",
        """select session_id from refresh_token where used_at is null group by session_id having count(*) > 1""",
        slow=True,
    ),
)


def sealed_rules(columns: Iterable[SealedColumn]) -> Iterator[Rule]:
    """Every sealed cell is sealed, under a key that is there."""
    for table, key, column, *_ in columns:
        yield Rule(
            f"{table}.{column} is sealed under a key that is there",
            f"""select '{table} ' || {key} from {table} t where {column} is not null and not exists
                  (select 1 from sealing_key k where k.purpose = 'data' and t.{column} like 's1.' || k.id || '.%')""",
            slow=True,
        )
