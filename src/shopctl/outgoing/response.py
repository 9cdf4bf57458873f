"""What another system answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
