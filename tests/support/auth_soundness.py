"""What must be true of an Authentication Database at any moment, and what it holds in numbers."""

from __future__ import annotations

from shopctl.storage.unit import Unit

_HALF_DONE = {
    "a person without a password": """
        select name from account a where kind = 'person' and not exists
            (select 1 from password p where p.account_id = a.id)""",
    "a service without a secret": """
        select name from account a where kind = 'service' and not exists
            (select 1 from client_secret s where s.account_id = a.id)""",
    "a user without the role he was added with": """
        select name from account a where name like 'user-%' and not exists
            (select 1 from account_role r where r.account_id = a.id and r.role = 'clerk')""",
    "a user without an entry in the trail": """
        select name from account a where name not like 'imported-%' and 1 <> (select count(*) from audit_entry e
            where e.action = 'user.add' and e.subject = a.name)""",
    "imported users that the trail does not count": """
        select count(*) from account where name like 'imported-%'
            having count(*) <> (select coalesce(sum(changed), 0) from audit_entry where action = 'user.import')""",
    "an entry without its user": """
        select subject from audit_entry e where action = 'user.add' and not exists
            (select 1 from account a where a.name = e.subject)""",
    "a session without a token": """
        select id from session s where not exists (select 1 from access_token t where t.session_id = s.id)""",
    "a session with none or two refresh tokens to use": """
        select id from session s where ended_at is null and 1 <> (select count(*) from refresh_token r
            where r.session_id = s.id and r.used_at is null)""",
    "a refresh token without its access token": """
        select id from session s where (select count(*) from refresh_token r where r.session_id = s.id)
            <> (select count(*) from access_token t where t.session_id = s.id)""",
    "a key that cannot sign, or one that still could": """
        select kid from signing_key where (state = 'disabled') <> (private is null)""",
    "a sealing purpose with none or two active keys": """
        select purpose from sealing_key group by purpose
            having sum(case when state = 'active' then 1 else 0 end) <> 1""",
}
_COUNTED = (
    *("account", "password", "client_secret", "account_role", "account_permission", "role", "role_permission"),
    *("session", "refresh_token", "access_token"),
)


def half_done(unit: Unit) -> dict[str, list[str]]:
    """What was begun and not finished, each with the rows concerned; empty when all is well."""
    found = {what: [name for (name,) in unit.tuples(sql)] for what, sql in _HALF_DONE.items()}
    for state in ("active", "next"):
        keys = [kid for (kid,) in unit.tuples("select kid from signing_key where state = :state", state=state)]
        found[f"none or two {state} signing keys"] = [] if len(keys) == 1 else [*keys, "…"]
    return {what: rows for what, rows in found.items() if rows}


def counted(unit: Unit) -> dict[str, int]:
    """The rows of the tables that commands write in one unit, and the signing keys of each state."""
    counts = {table: int(unit.value(f"select count(*) from {table}")) for table in _COUNTED}
    keys = unit.tuples("select state, count(*) from signing_key group by state")
    return counts | {f"{state} keys": int(count) for state, count in keys}


def difference(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """What came and went between two counts."""
    names = before.keys() | after.keys()
    return {name: after.get(name, 0) - before.get(name, 0) for name in names if before.get(name) != after.get(name)}
