"""The real app with one more route that does nothing: what a request costs before Palate does anything."""

import uvicorn
from fastapi import Response

from app.main import create_app
from app.settings import Settings


async def empty() -> Response:
    """Answer with an empty object."""
    return Response(b"{}", media_type="application/json")


def main() -> None:
    """Serve with one worker, as `palate serve` does."""
    settings = Settings(_env_file=None)
    app = create_app(settings)
    app.add_api_route("/v1/empty", empty, include_in_schema=False)
    uvicorn.run(app, host=settings.host, port=settings.port, log_config=None, access_log=False)


if __name__ == "__main__":
    main()
