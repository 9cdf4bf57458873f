"""Saleor's channels: which price list a channel is, and what its publications say of a product's status.

A channel sells in one currency. The price list of a channel is `default` where the channel is the first of its currency
(`default-channel`, `channel-eur`, else by name), and the channel's own name where it is a further one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from shopctl.catalogue.feed import validate
from shopctl.catalogue.feed.row import DEFAULT_LIST
from shopctl.catalogue.feed.validate import Bad
from shopctl.kernel import clock

Channels = dict[str, dict[str, Any]]
"""Slug -> {"currency", "published", "published_at", "searchable", "available_for_purchase_at"}, as far as known."""


def price_lists(channels: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """(slug, currency) -> price list, for the channels of a product."""
    lists: dict[tuple[str, str], str] = {}
    taken: set[str] = set()
    for slug, currency in sorted(set(channels), key=_usual_first):
        lists[slug, currency] = slug if currency in taken else DEFAULT_LIST
        taken.add(currency)
    return lists


def _usual_first(channel: tuple[str, str]) -> tuple[bool, str]:
    slug, currency = channel
    return slug not in ("default-channel", usual(currency)), slug


def usual(currency: str) -> str:
    """The slug that a channel of this currency has where nothing else is known."""
    return f"channel-{currency.lower()}"


def listing(status: str, publish_at: str | None) -> dict[str, Any]:
    """What a channel says of a product in this state: what is to be published at a moment to come is published, too."""
    published = status == "active" or status == "draft" and publish_at is not None
    return {"published": published} | ({"published_at": publish_at} if publish_at else {})


def as_usual(given: Mapping[str, Any], priced: Iterable[tuple[str, str]]) -> Channels:
    """The channels of a product of this state that has prices in these channels and says nothing more of them.

    Such a product needs no attribute for them: its export has them from its state and its price lists.
    """
    expected = listing(given.get("status", ""), given.get("publish_at"))
    return {
        slug: {"currency": currency, **expected}
        for (slug, currency), price_list in price_lists(priced).items()
        if slug == (usual(currency) if price_list == DEFAULT_LIST else price_list)
    }


def state(channels: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The fields `status` and `publish_at`: active where some channel publishes it, from the first of their dates on.

    Nothing is said where no channel says whether it publishes.
    """
    known = [channel for channel in channels.values() if isinstance(channel.get("published"), bool)]
    if not known:
        return {}
    published = [channel for channel in known if channel["published"]]
    dates = [channel.get("published_at") or "" for channel in published]
    return {
        "status": "active" if published else "draft",
        "publish_at": min(dates) if dates and all(map(_is_time, dates)) else None,
    }


def moment(text: str) -> str:
    """A time as RFC 3339 has it in UTC; what is none stays as it is. Saleor writes `2022-05-13 00:00:00+00:00`."""
    try:
        shown = clock.show(validate.instant(text.strip().replace(" ", "T", 1), "published at"))
    except Bad:
        shown = text.strip()
    return shown or ""


def _is_time(text: str) -> bool:
    try:
        return validate.instant(text, "published at") is not None
    except Bad:
        return False
