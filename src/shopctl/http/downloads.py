"""GET and HEAD /downloads/{path}: digital goods, opened by links that were signed for one file and a time."""

from __future__ import annotations

import stat
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse

from shopctl.bootstrap import Services
from shopctl.http.errors import NothingHere
from shopctl.http.shops import opened, with_shop

router = APIRouter()


@router.api_route("/downloads/{path:path}", methods=["GET", "HEAD"], response_class=FileResponse)
async def fetch(request: Request, path: str, expires: str = "", signature: str = "") -> FileResponse:
    """The file, as an attachment, or the part of it that Range asks for (RFC 9110, section 14).

    404 for a link that was not signed here as well as for a file that is not there, 410 for one that is over.
    """

    def allowed(services: Services) -> Path:
        found = opened(services).downloads.allowed(path, expires, signature)
        return file_below(services.settings.get("provisioning.downloads"), found)

    file = await with_shop(request, allowed)
    return FileResponse(file, filename=path.rpartition("/")[2], content_disposition_type="attachment")


def file_below(folder: Path, path: str) -> Path:
    """The regular file of that path, wherever inside of the folder its links lead. Raises NothingHere."""
    try:
        root = folder.resolve(strict=True)
        file = (root / path).resolve(strict=True)
        if file.is_relative_to(root) and stat.S_ISREG(file.stat().st_mode):
            file.open("rb").close()  # what cannot be read is not there either
            return file
    except (OSError, RuntimeError, ValueError):  # a circle of links, a name too long
        pass
    raise NothingHere()
