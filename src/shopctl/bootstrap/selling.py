"""Products and customers, wired."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from shopctl.bootstrap.auth import AuthServices

if TYPE_CHECKING:
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


class SellingServices(AuthServices):
    """The catalogue, its stock and its feeds, and customers."""

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
