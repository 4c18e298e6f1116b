"""The real app, sooner: its routes are built once for each process of the tests."""

from functools import cache

from fastapi import APIRouter, FastAPI

from app.main import create_app
from app.settings import Settings


def build_app(settings: Settings) -> FastAPI:
    """Build the app. FastAPI takes 40 ms to build the routes at the first request; they hold nothing of the app."""
    app = create_app(settings)
    app.router = router(settings.max_body_bytes)
    return app


@cache
def router(max_body_bytes: int) -> APIRouter:
    """Return the router of an app, which knows of all settings only this one."""
    return create_app(Settings(_env_file=None, max_body_bytes=max_body_bytes)).router
