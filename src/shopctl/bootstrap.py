"""The composition root: settings in, services out, each built when it is first asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from shopctl.kernel.clock import Clock
from shopctl.storage.database import Database, open_database

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shopctl.audit.service import Audit
    from shopctl.auth.exporting import UserExportService
    from shopctl.auth.importing.service import UserImportService
    from shopctl.auth.keys import KeyService
    from shopctl.auth.logins import LoginService
    from shopctl.auth.personal_tokens import PersonalTokenService
    from shopctl.auth.roles import RoleService
    from shopctl.auth.second_factors import SecondFactorService
    from shopctl.auth.system import AuthSystem
    from shopctl.auth.tokens import TokenService
    from shopctl.auth.users import UserService
    from shopctl.auth.verifying import VerificationService
    from shopctl.catalogue.exporting import ExportService
    from shopctl.catalogue.importing.applying import ApplyService
    from shopctl.catalogue.importing.rollback import RollbackService
    from shopctl.catalogue.importing.service import ImportService
    from shopctl.catalogue.searching import SearchService
    from shopctl.catalogue.service import CatalogueService
    from shopctl.catalogue.stock import StockService
    from shopctl.customers.exporting import ExportService as CustomerExportService
    from shopctl.customers.importing import ImportService as CustomerImportService
    from shopctl.customers.service import CustomerService
    from shopctl.events.model import Subscriber
    from shopctl.events.service import EventService
    from shopctl.kernel.settings import Settings
    from shopctl.operations.resealing import Sealed
    from shopctl.storage.migrations import Chain
    from shopctl.storage.sealing import SealedColumn, Sealer
    from shopctl.workflow.answering import CallbackService
    from shopctl.workflow.callbacks import CallbackSigner


KEY_SETTING: dict[Chain, str] = {"shop": "customers.key_encryption_key", "auth": "auth.key_encryption_key"}
"""Which setting says where the key-encryption key of a database comes from."""


class Services:
    """The systems of one shop. `reason` says in the audit trail why something is done."""

    def __init__(self, settings: Settings, *, reason: str | None = None) -> None:
        self.settings = settings
        self.reason = reason
        self.actor: str | None = None
        self.clock = Clock()

    def act_as(self, actor: str) -> None:
        """Have both audit trails name this actor, instead of the operating system's user, from now on."""
        self.actor = actor
        for name in ("audit", "auth_audit"):
            if name in self.__dict__:
                self.__dict__[name].actor = actor

    @cached_property
    def database(self) -> Database:
        """The shop's database, its schema checked. Raises SchemaOutdated, SchemaNewer, DatabaseMissing and the like."""
        from shopctl.storage import migrations

        database = open_database(self.settings.database_url)
        migrations.check(database, "shop")
        return database

    @cached_property
    def audit(self) -> Audit:
        """The trail of who changed what in the shop's database."""
        from shopctl.audit.service import Audit

        key_file = self.settings.audit_key_file
        return Audit(self.database, key_file, reason=self.reason, actor=self.actor, clock=self.clock)

    @cached_property
    def catalogue(self) -> CatalogueService:
        """Products and prices: reads, edits, history."""
        from shopctl.catalogue.service import CatalogueService

        return CatalogueService(self.database, self.audit, self.clock, self.settings.default_currency)

    @cached_property
    def stock(self) -> StockService:
        """Stock and reservations."""
        from shopctl.catalogue.stock import StockService

        return StockService(self.database, self.audit, self.clock)

    @cached_property
    def imports(self) -> ImportService:
        """Feeds into the catalogue."""
        from shopctl.catalogue.importing.service import ImportService
        from shopctl.records.source import Limits

        settings = self.settings
        return ImportService(
            self.database,
            self.audit,
            self.clock,
            limits=Limits(
                record_bytes=settings.get("catalogue.feed.max_record_bytes"),
                field_characters=settings.get("catalogue.feed.max_field_bytes"),
                ratio=settings.get("catalogue.feed.max_unpacked_ratio"),
            ),
            currency=settings.default_currency,
            rejects_folder=str(settings.home / "rejects"),
            guards=settings.get("catalogue.guards"),
        )

    @cached_property
    def plans(self) -> ApplyService:
        """Plans of imports, carried out."""
        from shopctl.catalogue.importing.applying import ApplyService

        guards = self.settings.get("catalogue.guards")
        return ApplyService(self.database, self.audit, self.clock, guards=guards)

    @cached_property
    def rollbacks(self) -> RollbackService:
        """Imports, taken back."""
        from shopctl.catalogue.importing.rollback import RollbackService

        return RollbackService(self.database, self.audit, self.clock)

    @cached_property
    def exports(self) -> ExportService:
        """The catalogue into files."""
        from shopctl.catalogue.exporting import ExportService

        return ExportService(self.database, self.clock, self.settings.default_currency)

    @cached_property
    def search(self) -> SearchService:
        """Search over an index that follows the change log."""
        from shopctl.catalogue.searching import SearchService

        return SearchService(
            self.database,
            self.clock,
            engine=self.settings.search_engine,
            language=self.settings.get("search.language"),
            synonyms=self.settings.get("search.synonyms"),
            folder=self.settings.home / "index",
            currency=self.settings.default_currency,
        )

    @cached_property
    def customers(self) -> CustomerService:
        """Customers: contact, addresses, saved payment methods, erasing."""
        from shopctl.customers.service import CustomerService

        return CustomerService(self.database, self.audit, self.clock, self.shop_sealer, self._user_id)

    @cached_property
    def customer_imports(self) -> CustomerImportService:
        """Files of customers into the shop."""
        from shopctl.customers.importing import ImportService

        folder = str(self.settings.home / "rejects")
        return ImportService(
            self.database, self.audit, self.clock, self.shop_sealer, self._user_id, rejects_folder=folder
        )

    @cached_property
    def customer_exports(self) -> CustomerExportService:
        """Customers into files."""
        from shopctl.customers.exporting import ExportService

        return ExportService(self.database, self.shop_sealer)

    @cached_property
    def subscribers(self) -> Sequence[Subscriber]:
        """Who hears of events: the news that travels upwards, from the systems below to those above."""
        return ()

    @cached_property
    def events(self) -> EventService:
        """What happened, and its delivery to subscribers."""
        from shopctl.events.service import EventService

        return EventService(self.database, self.audit, self.clock, self.subscribers)

    @cached_property
    def callback_signer(self) -> CallbackSigner:
        """What signs the URLs by which other systems answer later, and reads them."""
        from shopctl.workflow.callback_keys import callback_key
        from shopctl.workflow.callbacks import CallbackSigner

        key = callback_key(self.settings.get("http.callback_key_file"))
        return CallbackSigner(key, self.settings.get("http.base_url"), self.clock)

    @cached_property
    def callbacks(self) -> CallbackService:
        """Answers that other systems bring later."""
        from shopctl.workflow.answering import CallbackService

        return CallbackService(self.database, self.clock)

    def _user_id(self, who: str) -> str:
        # Only a user who is not named by his id has the Authentication Database opened.
        return str(self.users.show(who)["user_id"])

    @cached_property
    def auth_database(self) -> Database:
        """The Authentication Database, its schema checked; nothing but the Authentication Server is handed it."""
        from shopctl.authdb.opening import open_auth_database

        return open_auth_database(self.settings.auth_database_url)

    @cached_property
    def auth_audit(self) -> Audit:
        """The trail of who changed what in the Authentication Database."""
        from shopctl.audit.service import Audit

        key_file = self.settings.audit_key_file
        return Audit(
            self.auth_database, key_file, system="auth", reason=self.reason, actor=self.actor, clock=self.clock
        )

    @cached_property
    def auth(self) -> AuthSystem:
        """The ground that the use cases of the Authentication Server stand on."""
        from shopctl.auth.system import AuthSystem, Policy

        settings = self.settings
        policy = Policy(
            issuer=settings.get("auth.issuer"),
            audience=settings.get("auth.audience"),
            algorithm=settings.get("auth.algorithm"),
            access_token_seconds=settings.get("auth.access_token_seconds"),
            refresh_token_seconds=settings.get("auth.refresh_token_seconds"),
            session_seconds=settings.get("auth.session_seconds"),
            key_rotation_days=settings.get("auth.key_rotation_days"),
            password_minimum=settings.get("auth.password.minimum"),
            password_minimum_with_second_factor=settings.get("auth.password.minimum_with_second_factor"),
            bcrypt_cost=settings.get("auth.password.bcrypt_cost"),
            throttle_attempts=settings.get("auth.throttle.attempts"),
            throttle_longest_wait=settings.get("auth.throttle.longest_wait_seconds"),
            shop_name=settings.base.name,
        )
        return AuthSystem(self.auth_database, self.auth_audit, self.clock, self.auth_sealer, policy)

    @cached_property
    def auth_sealer(self) -> Sealer:
        """What seals the columns of the Authentication Database."""
        from shopctl.authdb.sealed import COLUMNS

        return self._sealer("auth", COLUMNS)

    @cached_property
    def shop_sealer(self) -> Sealer:
        """What seals the columns of the shop's database."""
        from shopctl.customers.sealed import COLUMNS

        return self._sealer("shop", COLUMNS)

    def _sealer(self, chain: Chain, columns: Sequence[SealedColumn]) -> Sealer:
        from shopctl.storage.key_encryption import key_encryption_keys
        from shopctl.storage.sealing import Sealer

        source = self.settings.get(KEY_SETTING[chain])
        return Sealer(chain, columns, lambda: key_encryption_keys(source))

    def sealed(self, *chains: Chain) -> list[Sealed]:
        """The databases with sealed columns, to be resealed."""
        from shopctl.operations.resealing import Sealed

        parts = {
            "shop": lambda: (self.database, self.shop_sealer, self.audit),
            "auth": lambda: (self.auth_database, self.auth_sealer, self.auth_audit),
        }
        return [
            Sealed(chain, *parts[chain](), KEY_SETTING[chain], self.settings.get(KEY_SETTING[chain]))
            for chain in chains
        ]

    @cached_property
    def logins(self) -> LoginService:
        """Proofs of who somebody is."""
        from shopctl.auth.logins import LoginService

        return LoginService(self.auth)

    @cached_property
    def users(self) -> UserService:
        """People and services."""
        from shopctl.auth.users import UserService

        return UserService(self.auth, self.logins)

    @cached_property
    def second_factors(self) -> SecondFactorService:
        """One-time passwords and recovery codes."""
        from shopctl.auth.second_factors import SecondFactorService

        return SecondFactorService(self.auth)

    @cached_property
    def user_imports(self) -> UserImportService:
        """Users out of files."""
        from shopctl.auth.importing.service import UserImportService

        return UserImportService(self.auth, rejects_folder=str(self.settings.home / "rejects"))

    @cached_property
    def user_exports(self) -> UserExportService:
        """Users into files."""
        from shopctl.auth.exporting import UserExportService

        return UserExportService(self.auth)

    @cached_property
    def roles(self) -> RoleService:
        """Named sets of permissions."""
        from shopctl.auth.roles import RoleService

        return RoleService(self.auth)

    @cached_property
    def keys(self) -> KeyService:
        """Signing keys."""
        from shopctl.auth.keys import KeyService

        return KeyService(self.auth)

    @cached_property
    def tokens(self) -> TokenService:
        """Tokens, issued and revoked."""
        from shopctl.auth.tokens import TokenService

        return TokenService(self.auth, self.logins)

    @cached_property
    def personal_tokens(self) -> PersonalTokenService:
        """Tokens that users make for their programs."""
        from shopctl.auth.personal_tokens import PersonalTokenService

        return PersonalTokenService(self.auth)

    @cached_property
    def verification(self) -> VerificationService:
        """Tokens, verified."""
        from shopctl.auth.verifying import VerificationService

        return VerificationService(self.auth)

    def close(self) -> None:
        """Seal what was recorded, and let go of the connection."""
        built = self.__dict__
        try:
            for name in ("audit", "auth_audit"):
                if name in built:
                    built[name].finish()
        finally:
            for name in ("database", "auth_database"):
                if name in built:
                    built[name].close()
