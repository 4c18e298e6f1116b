"""The page at `/` and its files. Nothing comes from elsewhere, and it calls nothing but the public API."""

import html
import json
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from fastapi import APIRouter, Request, Response

from app.kit.errors import RouteNotFound
from app.web.deps import SettingsDep

router = APIRouter(include_in_schema=False)
STATIC = Path(__file__).parent / "static"
MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'; img-src 'self'; style-src 'self'; script-src"
    " 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Asset(NamedTuple):
    """A file of the page."""

    body: bytes
    media_type: str
    etag: str


def read_asset(path: Path) -> Asset:
    """Read a file; its tag changes with its content."""
    body = path.read_bytes()
    return Asset(body, MEDIA_TYPES[path.suffix], f'"{sha256(body).hexdigest()[:32]}"')


PAGE = (STATIC / "page.html").read_text(encoding="utf-8")
ASSETS = {path.name: read_asset(path) for path in STATIC.iterdir() if path.suffix != ".html"}


@router.get("/")
async def get_page(request: Request, settings: SettingsDep) -> Response:
    """Return the page with the declared scale in it. Its links begin with a proxy's prefix, or where it is."""
    base = f"{prefix}/" if (prefix := request.scope.get("root_path")) else ""
    scale = {"min": settings.rating_min, "max": settings.rating_max, "step": settings.rating_step}
    page = PAGE.replace("{{scale}}", html.escape(json.dumps(scale))).replace("{{base}}", html.escape(base))
    return Response(page, media_type="text/html", headers=HEADERS)


@router.get("/console/{name}")
async def get_asset(name: str, request: Request) -> Response:
    """Return a file of the page, or 304 if the browser has it."""
    asset = ASSETS.get(name)
    if asset is None:
        raise RouteNotFound
    headers = {**HEADERS, "ETag": asset.etag}
    if request.headers.get("if-none-match") == asset.etag:
        return Response(status_code=304, headers=headers)
    return Response(asset.body, media_type=asset.media_type, headers=headers)
