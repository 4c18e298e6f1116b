"""`palate serve` with one more route that does nothing: what a request costs before Palate does anything."""

import json
import sys

from fastapi import FastAPI, Response

from app.launch import serve
from app.main import create_app
from app.settings import Settings


async def empty() -> Response:
    """Answer with an empty object."""
    return Response(b"{}", media_type="application/json")


def with_empty_route(settings: Settings) -> FastAPI:
    """Build the real app, middleware and all, and add the route."""
    app = create_app(settings)
    app.add_api_route("/v1/empty", empty, include_in_schema=False)
    return app


if __name__ == "__main__":
    setattr(serve, "create_app", with_empty_route)  # noqa: B010 - the server's own start, with our route
    sys.exit(serve.serve(Settings(_env_file=None, **json.loads(sys.argv[1]))))
