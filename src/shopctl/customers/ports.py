"""What customers need from outside."""

from __future__ import annotations

from typing import Protocol


class Users(Protocol):
    """Knows the users, whom another system keeps."""

    def __call__(self, who: str, /) -> str:
        """The id of the user with this name, address or id. Raises what names the one who is not there."""
        ...
