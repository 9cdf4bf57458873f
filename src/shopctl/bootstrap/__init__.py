"""The composition root: settings in, services out, each built when it is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopctl.bootstrap.ground import KEY_SETTING
from shopctl.bootstrap.provisioning import ProvisioningServices

if TYPE_CHECKING:
    from shopctl.operations.resealing import Sealed
    from shopctl.storage.migrations import Chain


class Services(ProvisioningServices):
    """The systems of one shop."""

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
