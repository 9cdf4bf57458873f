"""What another system answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; header names are in lower case, the body is unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str  # that answered, after redirects

    def json(self) -> Any:
        """The body as JSON. Raises ValueError for anything else."""
        try:
            return json.loads(self.body)
        except RecursionError:
            raise ValueError("nested too deep") from None

    @property
    def retry_after(self) -> float | None:
        """The seconds that Retry-After names, as a number or as a date (RFC 9110, section 10.2.3); at most a day."""
        text = self.headers.get("retry-after", "").strip()
        if not text:
            return None
        if text.isascii() and text.isdigit():
            return min(float(text[:9]), DAY)
        from datetime import UTC, datetime
        from email.utils import parsedate_to_datetime

        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
        return min(max(0.0, seconds), DAY)
