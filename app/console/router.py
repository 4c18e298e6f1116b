"""The page at `/`: see Palate work. It is one file without outside assets and calls nothing but the public API."""

import json
from pathlib import Path

from fastapi import APIRouter, Response

from app.deps import SettingsDep

router = APIRouter(include_in_schema=False)
PAGE = (Path(__file__).parent / "page.html").read_text()
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; script-src"
    " 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-cache",
}


@router.get("/")
async def get_page(settings: SettingsDep) -> Response:
    """Give the page with the declared scale in it."""
    scale = {"min": settings.rating_min, "max": settings.rating_max, "step": settings.rating_step}
    return Response(PAGE.replace("{{scale}}", json.dumps(scale)), media_type="text/html", headers=HEADERS)
