"""The composition root: settings in, services out, each built when it is first asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from shopctl.kernel.clock import Clock
from shopctl.storage.database import Database, open_database

if TYPE_CHECKING:
    from shopctl.audit.service import Audit
    from shopctl.catalogue.exporting import ExportService
    from shopctl.catalogue.importing.applying import ApplyService
    from shopctl.catalogue.importing.rollback import RollbackService
    from shopctl.catalogue.importing.service import ImportService
    from shopctl.catalogue.searching import SearchService
    from shopctl.catalogue.service import CatalogueService
    from shopctl.catalogue.stock import StockService
    from shopctl.kernel.settings import Settings


class Services:
    """The systems of one shop. `reason` says in the audit trail why something is done."""

    def __init__(self, settings: Settings, *, reason: str | None = None) -> None:
        self.settings = settings
        self.reason = reason
        self.clock = Clock()

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

        return Audit(self.database, self.settings.audit_key_file, reason=self.reason, clock=self.clock)

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
        from shopctl.catalogue.feed.row import Limits
        from shopctl.catalogue.importing.service import ImportService

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
            folder=self.settings.home / "index",
            currency=self.settings.default_currency,
        )

    def close(self) -> None:
        """Seal what was recorded, and let go of the connection."""
        built = self.__dict__
        try:
            if "audit" in built:
                self.audit.finish()
        finally:
            if "database" in built:
                self.database.close()
