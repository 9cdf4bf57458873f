"""Where provisioning is stored: what each run is for, licence keys that steps hand out, and shipments."""

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


class Shipment(ShopTable, table=True):
    """A parcel that the shop sends itself; where to stands, sealed, with the customer."""

    __table_args__ = (Index("ix_shipment_run_id", "run_id"),)

    id: str = Field(primary_key=True)  # shp_…
    key: str = Field(unique=True)  # of the call that ordered it
    run_id: str
    reference: str  # the step of the run that ordered it, whatever its attempt
    instance_id: str | None = None
    sku: str
    quantity: int
    state: str  # picking | picked | shipped | delivered | lost | cancelled | returned
    carrier: str | None = None
    tracking: str | None = None
    created_at: int
    picked_at: int | None = None
    shipped_at: int | None = None
    ended_at: int | None = None
