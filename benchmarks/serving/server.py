"""`palate serve` with one more route that does nothing: what a request costs before Palate does anything."""

import sys
from typing import cast

from fastapi import FastAPI, Response

from app import serve
from app.settings import Settings

create_app = serve.create_app


async def empty() -> Response:
    """Answer with an empty object."""
    return Response(b"{}", media_type="application/json")


def with_empty_route(settings: Settings) -> FastAPI:
    """Build the real app, middleware and all, and add the route."""
    app = create_app(settings)
    app.add_api_route("/v1/empty", empty, include_in_schema=False)
    return cast("FastAPI", app)


if __name__ == "__main__":
    serve.create_app = with_empty_route  # type: ignore[assignment]
    sys.exit(serve.serve(Settings(_env_file=None)))
