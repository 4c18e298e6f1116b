"""Files of a page: read once, and sent again only when they have changed."""

import html
from hashlib import sha256
from importlib.resources.abc import Traversable
from pathlib import PurePath
from typing import NamedTuple

from fastapi import Request, Response

MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'; img-src 'self'; style-src 'self'; script-src"
    " 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Asset(NamedTuple):
    """A file of a page."""

    body: bytes
    media_type: str
    etag: str


def read_asset(file: Traversable) -> Asset:
    """Read a file; its tag changes with its content."""
    body = file.read_bytes()
    return Asset(body, MEDIA_TYPES[PurePath(file.name).suffix], f'"{sha256(body).hexdigest()[:32]}"')


def send_asset(asset: Asset, request: Request) -> Response:
    """Answer with a file, or 304 if the browser has it."""
    headers = {**HEADERS, "ETag": asset.etag}
    if request.headers.get("if-none-match") == asset.etag:
        return Response(status_code=304, headers=headers)
    return Response(asset.body, media_type=asset.media_type, headers=headers)


def fill_base(page: str, request: Request) -> str:
    """Let the links of a page begin with a proxy's prefix, or where the page is."""
    base = f"{prefix}/" if (prefix := request.scope.get("root_path")) else ""
    return page.replace("{{base}}", html.escape(base))
