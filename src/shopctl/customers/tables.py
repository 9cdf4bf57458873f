"""Where customers are stored, in the shop's database; columns marked sealed hold what `storage.sealing` wrote.

An erased customer keeps its id and dates, which purchases name; everything personal is gone.
"""

from __future__ import annotations

from sqlmodel import Field

from shopctl.storage.tables import ShopTable


class Customer(ShopTable, table=True):
    """Somebody who buys."""

    id: str = Field(primary_key=True)  # cus_…, or what the caller calls him
    state: str  # active, erased
    name: str | None = None  # sealed
    email: str | None = None  # sealed
    email_index: str | None = Field(default=None, unique=True)
    phone: str | None = None  # sealed
    language: str | None = None  # BCP 47
    country: str | None = None  # ISO 3166-1 alpha-2
    user_id: str | None = Field(default=None, unique=True)  # whose own it is
    version: int
    created_at: int
    updated_at: int


class CustomerAddress(ShopTable, table=True):
    """Where something is sent, or billed."""

    __tablename__ = "customer_address"

    id: str = Field(primary_key=True)  # adr_…
    customer_id: str = Field(index=True, foreign_key="customer.id", ondelete="CASCADE")
    kind: str  # shipping, billing
    lines: str  # sealed: JSON of name, company, street, city, region, postal_code
    country: str | None = None
    is_default: int
    created_at: int


class CustomerPaymentMethod(ShopTable, table=True):
    """A payment method that a gateway keeps: its token, never a card number."""

    __tablename__ = "customer_payment_method"

    id: str = Field(primary_key=True)  # cpm_…
    customer_id: str = Field(index=True, foreign_key="customer.id", ondelete="CASCADE")
    gateway: str
    token: str  # sealed
    token_index: str = Field(unique=True)
    kind: str  # card, debit, wallet, bank_transfer
    label: str | None = None  # sealed: such as `Visa ending in 4242`
    expires: str | None = None  # 2029-04
    is_default: int
    created_at: int
