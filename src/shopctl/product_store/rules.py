"""What must agree among instances, their history and each other, and how a difference is mended."""

from __future__ import annotations

from shopctl.product_store.model import CLOSED, STATES
from shopctl.storage.invariant import Invariant
from shopctl.storage.unit import Dialect

_STATES = ", ".join(f"'{state}'" for state in STATES)
_CLOSED = ", ".join(f"'{state}'" for state in sorted(CLOSED))
_NO_OBJECT = {
    "sqlite": "not json_valid({0}) or substr({0}, 1, 1) <> '{{'",
    "postgres": "not pg_input_is_valid({0}, 'jsonb') or left({0}, 1) <> '{{'",
}


def rules(dialect: Dialect) -> tuple[Invariant, ...]:
    """All of them for a database."""
    no_object = " or ".join(
        _NO_OBJECT[dialect].format(column) for column in ("product", "configuration", "customisation")
    )
    return (
        *_RULES,
        Invariant(
            "an instance's product, configuration and customisation are JSON objects",
            f"select id from instance where {no_object}",
            "restore the row from a backup; its history has what was stored",
            slow=True,
        ),
    )


_RULES = (
    Invariant(
        "an instance's state is one there is, and its dates fit it",
        f"""select id || ' ' || state from instance
             where state not in ({_STATES}) or (state = 'terminated') <> (terminated_at is not null)
                or (started_at is null and state in ('active', 'suspended', 'pending_terminate', 'terminated'))""",
        "compare it with: shopctl instance history ID",
        slow=True,
    ),
    Invariant(
        "an instance's state is what its history ends with",
        """select i.id || ' ' || i.state || ', last told ' || coalesce(c.state, 'nothing')
             from instance i left join instance_change c on c.instance_id = i.id and c.version = i.version
            where c.state is null or c.state <> i.state""",
        "set the state to that of the last change, after looking at the downstream systems",
        slow=True,
    ),
    Invariant(
        "an instance's history has every version and no other",
        """select i.id || ': ' || i.version || ', told ' || c.number || ' up to ' || c.last
             from instance i join (select instance_id, count(*) as number, min(version) as first, max(version) as last
                                     from instance_change group by instance_id) c on c.instance_id = i.id
            where c.first <> 1 or c.number <> c.last or c.last <> i.version""",
        "restore the missing changes from a backup; never number them anew",
        slow=True,
    ),
    Invariant(
        "a history is of an instance",
        """select c.instance_id from instance_change c
            where c.version = 1 and not exists (select 1 from instance i where i.id = c.instance_id)""",
        "restore the instance from a backup",
        slow=True,
    ),
    Invariant(
        "a bundle that has ended has no part that lives",
        f"""select p.id || ' ' || p.state || ', part ' || i.id || ' ' || i.state
              from instance i join instance p on p.customer_id = i.customer_id and p.id = i.parent_id
             where i.parent_id is not null and p.state in ({_CLOSED}) and i.state not in ({_CLOSED})""",
        "shopctl instance terminate PART",
    ),
    Invariant(
        "a part's bundle is there, and of the same customer",
        """select i.id || ' in ' || i.parent_id from instance i
            where i.parent_id is not null and not exists
                  (select 1 from instance p where p.customer_id = i.customer_id and p.id = i.parent_id)""",
        "relate the part to its bundle, or to none",
    ),
    Invariant(
        "what an instance replaces is there, and of the same customer",
        """select i.id || ' from ' || i.upgrade_from_id from instance i
            where i.upgrade_from_id is not null and not exists
                  (select 1 from instance p where p.customer_id = i.customer_id and p.id = i.upgrade_from_id)""",
        "relate the instance to the one it took the place of",
        slow=True,
    ),
)
