"""The page at `/docs`: Swagger UI, from files of a package, so that nothing comes from elsewhere."""

from importlib import resources
from pathlib import Path

from fastapi import APIRouter, Request, Response

from app.console.assets import HEADERS, fill_base, read_asset, send_asset
from app.kit.errors import RouteNotFound

router = APIRouter(include_in_schema=False)
OURS = Path(__file__).parent / "swagger"
THEIRS = resources.files("fastapi_swagger.resources")
PAGE = (OURS / "page.html").read_text(encoding="utf-8")
ASSETS = {
    file.name: read_asset(file)
    for file in (OURS / "start.js", THEIRS / "swagger-ui-bundle.js", THEIRS / "swagger-ui.css")
}
# Swagger UI draws its icons from data.
POLICY = HEADERS["Content-Security-Policy"].replace("img-src 'self'", "img-src 'self' data:")


@router.get("/docs")
async def get_documentation(request: Request) -> Response:
    """Return the page on which calls can be tried, with a key."""
    return Response(
        fill_base(PAGE, request), media_type="text/html", headers=HEADERS | {"Content-Security-Policy": POLICY}
    )


@router.get("/docs/{name}")
async def get_documentation_asset(name: str, request: Request) -> Response:
    """Return a file of the page."""
    if (asset := ASSETS.get(name)) is None:
        raise RouteNotFound
    return send_asset(asset, request)
