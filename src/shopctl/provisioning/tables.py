"""Where provisioning is stored: what each run is for."""

from __future__ import annotations

from sqlalchemy import Index
from sqlmodel import Field

from shopctl.storage.tables import ShopTable


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
