"""What the actions need that put events into the outbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shopctl.storage.unit import Unit

Publish = Callable[["Unit", str, str, Mapping[str, Any]], str]
"""Writes an event of a type about a subject, with a payload, in the unit; its id."""
