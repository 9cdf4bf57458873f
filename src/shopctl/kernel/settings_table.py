"""Every setting as one row of data: its name, kind, default, meaning, and whether it is a secret."""

from __future__ import annotations

from typing import NamedTuple

KINDS = ("text", "choice", "boolean", "integer", "size", "currency", "list", "path", "database", "url", "key")
"""What a value may be: a size is bytes (`4194304` or `"4 MiB"`), a database is a SQLite or PostgreSQL URL, a key is
where one comes from (`file:PATH`, `env:NAME`, …)."""


class Setting(NamedTuple):
    """One row of the table; `reserved` marks a name that is accepted but that this release reads nowhere."""

    name: str
    kind: str
    default: str | int | bool | tuple[str, ...] | None
    doc: str
    choices: tuple[str, ...] = ()
    minimum: int = 0
    secret: bool = False
    reserved: bool = False

    @property
    def environment(self) -> str:
        """The environment variable that sets it: `search.engine` is `SHOPCTL_SEARCH__ENGINE`."""
        return "SHOPCTL_" + self.name.upper().replace(".", "__")


SETTINGS: tuple[Setting, ...] = (
    Setting("database_url", "database", "sqlite:///.shopctl/shop.db", "The shop's database."),
    Setting("auth_database_url", "database", "sqlite:///.shopctl/auth.db", "The database of users and credentials."),
    Setting("search.engine", "choice", "tantivy", "The search engine.", choices=("tantivy", "whoosh")),
    Setting(
        "search.language",
        "choice",
        "english",
        "The language whose word endings search knows; none keeps words as they are.",
        choices=(
            "arabic",
            "danish",
            "dutch",
            "english",
            "finnish",
            "french",
            "german",
            "greek",
            "hungarian",
            "italian",
            "norwegian",
            "portuguese",
            "romanian",
            "russian",
            "spanish",
            "swedish",
            "tamil",
            "turkish",
            "none",
        ),
    ),
    Setting("search.synonyms", "path", None, "A file of other names of things; by default the one that comes along."),
    Setting("catalogue.default_currency", "currency", "USD", "The currency of a price that names none (ISO 4217)."),
    Setting("catalogue.mappings", "path", "mappings", "The folder that feed mappings are looked up in by name."),
    Setting(
        "catalogue.guards",
        "list",
        (),
        "Guards that every import keeps to, written as for --guard.",
    ),
    Setting("catalogue.feed.max_record_bytes", "size", 16 << 20, "The longest record a feed may hold.", minimum=1),
    Setting("catalogue.feed.max_field_bytes", "size", 4 << 20, "The longest single value a feed may hold.", minimum=1),
    Setting(
        "catalogue.feed.max_unpacked_ratio",
        "integer",
        200,
        "How many times larger than its packed form a compressed feed may become; more is taken for a bomb.",
        minimum=1,
    ),
    Setting(
        "auth.key_encryption_key",
        "key",
        "file:.shopctl/keys/auth.kek",
        "Where the key that seals the auth database comes from: file:PATH, env:NAME, keyring:SERVICE/NAME, or pkcs11:…"
        " and what other plugins bring.",
    ),
    Setting(
        "customers.key_encryption_key",
        "key",
        "file:.shopctl/keys/shop.kek",
        "Where the key that seals what is personal in the shop's database comes from; as for the auth database.",
    ),
    Setting("auth.issuer", "text", "urn:shopctl", "What tokens name as their issuer (RFC 9068)."),
    Setting("auth.audience", "text", "shopctl", "Who tokens are for, unless --audience says otherwise."),
    Setting(
        "auth.algorithm",
        "choice",
        "EdDSA",
        "How new signing keys sign.",
        choices=("EdDSA", "ES256", "RS256", "HS256"),
    ),
    Setting("auth.access_token_seconds", "integer", 900, "How long an access token is good.", minimum=1),
    Setting(
        "auth.refresh_token_seconds", "integer", 14 * 86400, "How long an unused refresh token is good.", minimum=1
    ),
    Setting(
        "auth.session_seconds",
        "integer",
        90 * 86400,
        "How long a login lasts, however often it is refreshed.",
        minimum=1,
    ),
    Setting(
        "auth.key_rotation_days",
        "integer",
        90,
        "How old the signing key gets before `key rotate --due` acts.",
        minimum=1,
    ),
    Setting(
        "auth.password.minimum",
        "integer",
        15,
        "The fewest characters of a password without a second factor.",
        minimum=15,
    ),
    Setting(
        "auth.password.minimum_with_second_factor",
        "integer",
        8,
        "The fewest characters of a password beside a second factor.",
        minimum=8,
    ),
    Setting("auth.password.bcrypt_cost", "integer", 12, "The cost of a password's hash, a power of two.", minimum=10),
    Setting(
        "auth.throttle.attempts",
        "integer",
        5,
        "Failed logins of an account from one source before it has to wait.",
        minimum=1,
    ),
    Setting("auth.throttle.longest_wait_seconds", "integer", 900, "The longest such wait.", minimum=1),
    Setting(
        "provisioning.templates",
        "path",
        "templates",
        "The folder of the shop's own templates, which go before those of the same name that come along.",
    ),
    Setting(
        "provisioning.downloads",
        "path",
        ".shopctl/downloads",
        "The folder of the digital goods that `serve` hands out to those who have a signed link.",
    ),
    Setting(
        "provisioning.inventory_url",
        "url",
        None,
        "The system that keeps the stock; by default the catalogue counts it.",
    ),
    Setting(
        "provisioning.inventory_token",
        "key",
        None,
        "Where the token that it asks for comes from: env:NAME, file:PATH or keyring:SERVICE/NAME.",
    ),
    Setting(
        "provisioning.fulfilment_url", "url", None, "The system that picks and ships; by default the shop does itself."
    ),
    Setting("provisioning.fulfilment_token", "key", None, "Where its token comes from."),
    Setting(
        "provisioning.fulfilment.by_hand",
        "boolean",
        False,
        "The shop's own shipments wait until `provision signal` says that they are picked, shipped and delivered.",
    ),
    Setting("audit.key_file", "path", ".shopctl/keys/audit.key", "The key that chains the audit trail, mode 0600."),
    Setting("backup.folder", "path", ".shopctl/backups", "Where backups are put, listed and pruned."),
    Setting(
        "backup.key_file",
        "path",
        ".shopctl/keys/backup.key",
        "The key that backups are encrypted under, mode 0600; a copy of it belongs elsewhere.",
    ),
    Setting("backup.pg_dump", "path", None, "The program pg_dump; by default the newest that is found."),
    Setting(
        "http.base_url",
        "url",
        "http://127.0.0.1:8000",
        "Where other systems reach `serve`, for the URLs that they are handed.",
    ),
    Setting(
        "log.level",
        "choice",
        "warning",
        "The least severe log line shown.",
        choices=("debug", "info", "warning", "error"),
    ),
    Setting("log.format", "choice", "text", "How a log line is written.", choices=("text", "json")),
    Setting("read_url", "database", None, "A streaming replica of the shop's database, for eventual reads."),
    Setting(
        "store.consistency",
        "choice",
        "strong",
        "Whether product instances are read from the shop's database, or from its replica (`read_url`), where everybody"
        " sees what he wrote himself and soon what others did.",
        choices=("strong", "eventual"),
    ),
    Setting(
        "store.indexed_attributes",
        "list",
        (),
        "Attributes of configurations, such as region or network.zone, that `instance index` makes an index for.",
    ),
    Setting("cli.require_login", "boolean", False, "Commands ask who is calling and what he may do."),
    Setting(
        "payments.gateway", "choice", "sandbox", "The payment gateway.", choices=("sandbox", "stripe"), reserved=True
    ),
    Setting("payments.stripe.api_key", "text", None, "The Stripe key.", secret=True, reserved=True),
    Setting("payments.stripe.api_base", "url", None, "Another address for Stripe's API.", reserved=True),
    Setting(
        "payments.stripe.webhook_secrets",
        "list",
        (),
        "The secrets that webhooks are signed with.",
        secret=True,
        reserved=True,
    ),
    Setting("mail.smtp_url", "url", None, "The mail server.", reserved=True),
    Setting("mail.from", "text", None, "The sender's address.", reserved=True),
    Setting(
        "network.allow_private",
        "list",
        (),
        "Hosts (also with a port), addresses and networks that outgoing calls may reach although they lie inside.",
    ),
)

BY_NAME: dict[str, Setting] = {setting.name: setting for setting in SETTINGS}
