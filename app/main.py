"""HTTP entry point: wires settings, database, stages, errors and middleware into one ASGI app."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app import problem
from app.db import open_database
from app.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """Build the service for one set of settings; nothing is opened before the lifespan starts."""
    app = FastAPI(title="Palate", lifespan=lifespan, max_body_size=settings.max_body_bytes)
    app.state.settings = settings
    problem.install(app)
    return app


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open what the routes need, and close it when the server stops."""
    app.state.database = open_database(app.state.settings.database_url, app.state.settings.database_pool_size)
    yield
    await app.state.database.close()
