"""Which columns of customers are sealed."""

from __future__ import annotations

from shopctl.kernel.email import email_key
from shopctl.storage.sealing import SealedColumn

COLUMNS = (
    SealedColumn("customer", "id", "name"),
    SealedColumn("customer", "id", "email", "email_index", email_key),
    SealedColumn("customer", "id", "phone"),
    SealedColumn("customer_address", "id", "lines"),
    SealedColumn("customer_payment_method", "id", "token", "token_index"),
    SealedColumn("customer_payment_method", "id", "label"),
)
