"""Where provisioning is stored, in the shop's database."""

from __future__ import annotations

from sqlalchemy import Index
from sqlmodel import Field

from shopctl.storage.tables import ShopTable


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
