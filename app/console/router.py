"""The page at `/` and its files. Nothing comes from elsewhere, and it calls nothing but the public API."""

import html
import json
from pathlib import Path

from fastapi import APIRouter, Request, Response

from app.console.assets import HEADERS, fill_base, read_asset, send_asset
from app.kit.errors import RouteNotFound
from app.web.deps import SettingsDep

router = APIRouter(include_in_schema=False)
STATIC = Path(__file__).parent / "static"
PAGE = (STATIC / "page.html").read_text(encoding="utf-8")
ASSETS = {path.name: read_asset(path) for path in STATIC.iterdir() if path.suffix != ".html"}


@router.get("/")
async def get_page(request: Request, settings: SettingsDep) -> Response:
    """Return the page with the declared scale in it."""
    scale = {"min": settings.rating_min, "max": settings.rating_max, "step": settings.rating_step}
    page = fill_base(PAGE, request).replace("{{scale}}", html.escape(json.dumps(scale)))
    return Response(page, media_type="text/html", headers=HEADERS)


@router.get("/console/{name}")
async def get_asset(name: str, request: Request) -> Response:
    """Return a file of the page."""
    if (asset := ASSETS.get(name)) is None:
        raise RouteNotFound
    return send_asset(asset, request)
