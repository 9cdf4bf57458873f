"""Publishing and retiring: what each makes of a product, now or at a moment to come."""

from __future__ import annotations

from shopctl.catalogue.errors import EndsBeforeItBegins, InvalidTransition
from shopctl.catalogue.model import Product, may
from shopctl.kernel import clock
from shopctl.kernel.clock import Instant


def published(product: Product, at: Instant | None, now: Instant) -> Product:
    """The product made visible, from `at` on where that is to come; unchanged when it is visible already.

    A retired one comes back, without the retirement that lies behind it. Raises InvalidTransition for scheduling a
    product that is visible, EndsBeforeItBegins when it is to be retired before.
    """
    status, later = product.status_at(now), at is not None and at > now
    if not may("schedule" if later else "publish", status):
        if later:
            raise InvalidTransition(sku=product.sku, status=status)
        return product
    retire_at = product.retire_at if product.retire_at is not None and product.retire_at > now else None
    if not later:
        return product._replace(status="active", publish_at=None, retire_at=retire_at)
    scheduled = product._replace(status="draft", publish_at=at, retire_at=retire_at)
    check_schedule(scheduled)
    return scheduled


def retired(product: Product, at: Instant | None, now: Instant) -> Product:
    """The product taken out of sight, from `at` on where that is to come; unchanged when it is retired already.

    Raises EndsBeforeItBegins when it is to be published only after that.
    """
    if not may("retire", product.status_at(now)):
        return product
    if at is None or at <= now:
        return product._replace(status="retired", publish_at=None, retire_at=None)
    scheduled = product._replace(retire_at=at)
    check_schedule(scheduled)
    return scheduled


def check_schedule(product: Product) -> None:
    """Raise EndsBeforeItBegins for a product that is never visible between its two moments."""
    if product.publish_at is not None and product.retire_at is not None and product.retire_at <= product.publish_at:
        raise EndsBeforeItBegins(
            sku=product.sku, publish_at=clock.show(product.publish_at), retire_at=clock.show(product.retire_at)
        )
