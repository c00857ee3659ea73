"""The page's files, which lie in this package as they are."""

import mimetypes
from pathlib import Path

from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

PAGE = Path(__file__).resolve().parent / "page"  # a strict editable install is a folder of links

TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
}
"""What browsers must be told; systems may have other ideas."""


class _Files(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        answer.headers["Cache-Control"] = "no-cache"  # a new release has new files
        return answer


def page_route(folder: Path) -> Mount:
    """Return what serves the files of a folder, its index.html as the root."""
    for ending, type_ in TYPES.items():
        mimetypes.add_type(type_, ending)
    # An editable install is made of links.
    return Mount("/", _Files(directory=folder, html=True, follow_symlink=True))
