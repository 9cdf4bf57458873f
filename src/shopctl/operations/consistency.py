"""`db check`: is a database sound, and does what it holds agree with itself?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from shopctl.auth.beginning import SEALED as AUTH_SEALED
from shopctl.customers.sealed import COLUMNS as CUSTOMERS_SEALED
from shopctl.kernel.clock import Clock
from shopctl.kernel.errors import Partial
from shopctl.kernel.settings import Settings
from shopctl.operations.account_rules import ACCOUNTS, sealed_rules
from shopctl.operations.databases import opened
from shopctl.operations.rule import Rule
from shopctl.product_store.rules import rules as instance_rules
from shopctl.provisioning.sealed import COLUMNS as PROVISIONING_SEALED
from shopctl.storage import migrations
from shopctl.storage.migrations import Chain
from shopctl.storage.soundness import problems
from shopctl.storage.unit import Unit


class DatabasesDiffer(Partial):
    """{count} check(s) found a difference: {checks}."""

    code = "db.differs"
    hint = "See what differs with: shopctl db check -o json; a damaged database is restored from a backup."


class Finding(NamedTuple):
    """One check: how many rows differ, and one of them as an example."""

    chain: Chain
    check: str
    state: Literal["ok", "differs"]
    differing: int
    example: str | None


_MOMENTS = """select id as product_id, publish_at as moment from product union all
              select id, retire_at from product union all
              select product_id, valid_from from price union all
              select product_id, valid_until from price"""
_PRODUCTS = (
    Rule(
        "prices belong to a product",
        "select product_id || ' ' || currency from price"
        " where not exists (select 1 from product p where p.id = product_id)",
    ),
    Rule(
        "prices are not negative",
        "select sku || ' ' || currency || ' ' || amount from price join product on id = product_id where amount < 0",
    ),
    Rule(
        "prices end after they begin",
        "select sku || ' ' || currency from price join product on id = product_id where valid_until <= valid_from",
    ),
    Rule(
        "stock belongs to a product",
        "select product_id || ' ' || location from stock"
        " where not exists (select 1 from product p where p.id = product_id)",
    ),
    Rule(
        "stock is not negative",
        "select sku || ' ' || location || ' ' || on_hand from stock join product on id = product_id where on_hand < 0",
    ),
    Rule(
        "stock is what its last movement left",
        """select sku || ' ' || m.location || ': ' || coalesce(s.on_hand, 0) || ', last moved to ' || m.on_hand
             from stock_movement m join product p on p.id = m.product_id
             left join stock s on s.product_id = m.product_id and s.location = m.location
            where m.id in (select max(id) from stock_movement group by product_id, location)
              and m.on_hand <> coalesce(s.on_hand, 0)""",
    ),
    Rule(
        "no more is reserved than lies there",
        """select sku || ' ' || r.location || ': ' || r.reserved || ' reserved of ' || coalesce(s.on_hand, 0)
             from (select product_id, location, cast(sum(quantity) as bigint) as reserved from reservation
                    where state = 'held' and expires_at > :now group by product_id, location) r
             join product p on p.id = r.product_id
             left join stock s on s.product_id = r.product_id and s.location = r.location
            where r.reserved > coalesce(s.on_hand, 0)""",
    ),
    Rule(
        "reservations hold something",
        "select id from reservation where quantity <= 0 or state not in ('held', 'released', 'fulfilled', 'returned')",
    ),
    Rule(
        "variants have a parent",
        """select v.sku || ' under ' || v.parent_sku from product v
            where v.parent_sku != '' and not exists (select 1 from product p where p.sku = v.parent_sku)""",
    ),
    Rule(
        "kinds and states are known",
        """select sku || ' ' || kind || ' ' || status from product
            where kind not in ('physical', 'digital', 'service', 'subscription', 'bundle')
               or status not in ('draft', 'active', 'retired')""",
    ),
    Rule(
        "every product's version is that of its last change",
        """select p.sku || ': ' || p.version || ', last change ' || coalesce(c.version, 0)
             from product p left join (select product_id, max(version) as version from change group by product_id) c
               on c.product_id = p.id
            where p.version <> coalesce(c.version, 0)""",
        slow=True,
    ),
    Rule(
        "products know their moments to come",
        f"""select p.sku || ': ' || m.moment from product p join ({_MOMENTS}) m on m.product_id = p.id
            where m.moment > :now and p.status <> 'retired' and (p.due_at is null or p.due_at > m.moment)""",
        slow=True,
    ),
    Rule(
        "what feeds said is of a product",
        """select 'product ' || product_id from feed_record
            where not exists (select 1 from product p where p.id = product_id)""",
        slow=True,
    ),
    Rule(
        "changes belong to a product",
        """select 'change ' || id from change
            where not exists (select 1 from product p where p.id = product_id)
              and not exists (select 1 from removed_product p where p.id = product_id)""",
        slow=True,
    ),
)

# Components as rows; a text that is no list is what another check is for.
_PART = {
    "sqlite": "json_each(case when json_valid(p.components) then p.components else '[]' end)",
    "postgres": """jsonb_array_elements(case when pg_input_is_valid(p.components, 'json') and p.components like '[%'
                                             then cast(p.components as jsonb) else '[]' end)""",
}
_PARTS = "select p.sku as holder, part.value ->> 'sku' as sku from product p, {0} as part where p.components <> '[]'"
_BUNDLES = (
    Rule(
        "components are products",
        """select holder || ' holds ' || sku from ({0}) x
            where not exists (select 1 from product c where c.sku = x.sku)""",
        slow=True,
    ),
    Rule(
        "no bundle holds itself",
        """with recursive parts as ({0}),
                inside as (select holder, sku from parts
                           union select i.holder, parts.sku from inside i join parts on parts.holder = i.sku)
           select holder from inside where holder = sku""",
        slow=True,
    ),
)

_JSON = ("categories", "options", "attributes", "tags", "media", "components")
_IS_JSON = {"sqlite": "json_valid({0})", "postgres": "pg_input_is_valid({0}, 'json')"}


def check(settings: Settings, chains: tuple[Chain, ...], *, quick: bool = False) -> list[Finding]:
    """Look at each database; `quick` leaves out what reads every page, every change and every text.

    Raises what opening a database and checking its schema raise.
    """
    findings = []
    for chain, database in opened(settings, chains):
        migrations.check(database, chain)
        with database.read() as unit:
            findings += [
                _finding(chain, name, [text] if text else []) for name, text in problems(unit, thorough=not quick)
            ]
            findings += agreement(unit, quick=quick) if chain == "shop" else account_agreement(unit, quick=quick)
    return findings


def require_agreement(findings: list[Finding]) -> None:
    """Raise DatabasesDiffer (exit 6) unless every check passed."""
    if wrong := [finding.check for finding in findings if finding.state == "differs"]:
        raise DatabasesDiffer(count=len(wrong), checks=", ".join(wrong))


def agreement(unit: Unit, *, quick: bool = False) -> Iterator[Finding]:
    """What the shop's own rules say of its rows."""
    now = Clock().now()
    for rule in (*_PRODUCTS, *sealed_rules((*CUSTOMERS_SEALED, *PROVISIONING_SEALED))):
        if not (quick and rule.slow):
            yield _counted(unit, rule.check, rule.sql, now)
    for about in instance_rules(unit.dialect):
        if not (quick and about.slow) and ("pg_input_is_valid" not in about.sql or _can_tell_json(unit)):
            yield _counted(unit, about.check, about.sql, now)
    if not quick and _can_tell_json(unit):
        for rule in _BUNDLES:
            yield _counted(unit, rule.check, rule.sql.format(_PARTS.format(_PART[unit.dialect])), now)
        broken = " or ".join(f"not {_IS_JSON[unit.dialect].format(column)}" for column in _JSON)
        yield _counted(unit, "lists and attributes are JSON", f"select sku from product where {broken}", now)


def account_agreement(unit: Unit, *, quick: bool = False) -> Iterator[Finding]:
    """What the Authentication Server's rules say of its rows."""
    now = Clock().now()
    for rule in (*ACCOUNTS, *sealed_rules(AUTH_SEALED)):
        if not (quick and rule.slow):
            yield _counted(unit, rule.check, rule.sql, now, chain="auth")


def _can_tell_json(unit: Unit) -> bool:
    if unit.dialect == "sqlite":
        return True
    return bool(unit.value("select current_setting('server_version_num')::int >= 160000"))


def _counted(unit: Unit, name: str, sql: str, now: int, *, chain: Chain = "shop") -> Finding:
    parameters = {"now": now} if ":now" in sql else {}
    count = unit.value(f"select count(*) from ({sql}) x", **parameters)
    example = unit.value(f"{sql} limit 1", **parameters) if count else None
    return Finding(chain, name, "differs" if count else "ok", count, example)


def _finding(chain: Chain, name: str, wrong: list[str]) -> Finding:
    return Finding(chain, name, "differs" if wrong else "ok", len(wrong), wrong[0] if wrong else None)
