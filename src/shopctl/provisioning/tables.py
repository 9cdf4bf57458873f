"""Where provisioning is stored: what each run is for, and the licence keys that steps hand out."""

from __future__ import annotations

from sqlalchemy import Index, text
from sqlmodel import Field

from shopctl.storage.tables import ShopTable

_CLAIMED = text("state = 'claimed'")


class ProvisioningRun(ShopTable, table=True):
    """What a workflow run provisions, for lists; the run itself is the workflow's."""

    __tablename__ = "provisioning_run"
    __table_args__ = (
        Index("ix_provisioning_run_customer_id", "customer_id"),
        Index("ix_provisioning_run_sku", "sku"),
        Index("ix_provisioning_run_instance_id", "instance_id"),
    )

    run_id: str = Field(primary_key=True)
    template: str
    operation: str  # start | modify | suspend | resume | terminate | upgrade
    sku: str
    customer_id: str
    instance_id: str
    quantity: int
    created_at: int


class LicenceKey(ShopTable, table=True):
    """A licence key to be sold; it belongs to one step of one run once that has claimed it."""

    __tablename__ = "licence_key"
    __table_args__ = (
        Index("ix_licence_key_pool_state_id", "pool", "state", "id"),
        # A step holds one key, however often it is performed.
        Index(
            "uq_licence_key_run_id_step",
            "run_id",
            "step",
            unique=True,
            sqlite_where=_CLAIMED,
            postgresql_where=_CLAIMED,
        ),
    )

    id: str = Field(primary_key=True)  # lic_…
    pool: str
    state: str  # free, claimed, burned
    key: str  # sealed
    key_index: str = Field(unique=True)  # no key is sold twice, from no two pools either
    run_id: str | None = None
    step: str | None = None
    claimed_at: int | None = None
    added_at: int
