"""The catalogue that comes with shopctl: some 500 products of a shop for hosting, software, hardware and services."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def catalogue() -> Iterator[Path]:
    """The bundled catalogue as an NDJSON file in the generic format, one product a line, UTF-8."""
    from importlib.resources import as_file, files  # costs more than most commands do altogether

    with as_file(files(__name__) / "catalogue.ndjson") as path:
        yield path
