"""HTTP entry point: wires settings, database, stages, errors and middleware into one ASGI app."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from app.catalogue import router as catalogue
from app.catalogue.service import ItemWriter
from app.console import documentation
from app.console import router as console
from app.database.engine import open_database
from app.database.limits import server_limits
from app.erasure import router as erasure
from app.experiments import router as experiments
from app.feedback import router as feedback
from app.feedback.reports import router as reports
from app.feedback.router import EventWriter
from app.keep_out.service import KeepOut
from app.keys.ring import KeyRing
from app.kit.batching import Batcher
from app.middleware import Operations
from app.openapi import complete
from app.ratings import router as ratings
from app.ratings.merge import router as merge
from app.ratings.service import RatingWriter
from app.recommendations.elicitation import router as elicitation
from app.recommendations.items import router as items
from app.recommendations.predictions import router as predictions
from app.recommendations.rules import router as rules
from app.recommendations.similar_users import router as similar_users
from app.recommendations.state.loader import ModelFigures, open_serving
from app.recommendations.users import router as recommendations
from app.recommendations.what_if import router as what_if
from app.registry import router as registry
from app.replay import router as replay
from app.replay.service import Replayer
from app.settings import Settings
from app.training import router as training
from app.training.streams import Streams
from app.transfer import router as transfer
from app.unfinished import keep_finishing
from app.web import health, metrics, problem
from app.web.callers.cors import cross_origin
from app.web.figures import DatabaseFigures, DiskFigures, watch_loop
from app.web.metrics import Metrics
from app.web.paths import EncodedSlashes


class Palate(FastAPI):
    """FastAPI with `Operations` outside all its own middleware, so that every response passes it."""

    def build_middleware_stack(self) -> ASGIApp:
        """Put `Operations` around everything, and around it CORS, so that a browser may read refusals too."""
        settings: Settings = self.state.settings
        operations = Operations(super().build_middleware_stack(), settings)
        return cross_origin(operations, settings.cors_origins) if settings.cors_origins else operations

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, with what all calls have in common."""
        document = super().openapi()  # the same each time
        return document if "securitySchemes" in document["components"] else complete(document)


def create_app(settings: Settings) -> FastAPI:
    """Build the service for one set of settings; nothing is opened before the lifespan starts."""
    app = Palate(
        title="Palate",
        description="Learns taste with autoencoders: POST ratings, GET recommendations.",
        version=version("palate"),
        lifespan=lifespan,
        max_body_size=settings.max_body_bytes,
        docs_url=None,  # app.console.documentation is there
        redoc_url=None,
        redirect_slashes=False,  # a redirect goes wherever the Host header says
    )
    app.state.settings = settings
    app.state.metrics = Metrics()
    app.state.stopping = asyncio.Event()  # set as soon as the server is told to stop
    app.state.transfers = asyncio.Semaphore(transfer.MAX_TRANSFERS)
    problem.install(app)
    app.add_middleware(EncodedSlashes)
    # Routes are tried in turn, so the busiest come first. Lists of items come before the catalogue, whose route would
    # take `popular` and `new` for ids.
    for stage in (recommendations, ratings, health, metrics, merge, items, catalogue, training, registry, erasure):
        app.include_router(stage.router)
    for stage in (
        transfer,
        similar_users,
        predictions,
        what_if,
        elicitation,
        rules,
        experiments,
        feedback,
        reports,
        replay,
        console,
        documentation,
    ):
        app.include_router(stage.router)
    return app


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open what the routes need, and close it when the server stops. A server starts without its database too."""
    settings: Settings = app.state.settings
    async with AsyncExitStack() as stack:
        limits = server_limits(settings.database_lock_timeout.total_seconds())
        database = open_database(settings.database_url, settings.database_pool_size, limits)
        stack.push_async_callback(database.close)
        keys = KeyRing(database, settings.host, settings.poll_interval)
        app.state.database, app.state.keys = database, keys
        app.state.writer = RatingWriter(database, KeepOut.of(settings))
        stack.push_async_callback(app.state.writer.close)
        app.state.item_writer = ItemWriter(database, KeepOut.of(settings))
        stack.push_async_callback(app.state.item_writer.close)
        app.state.events = EventWriter(database)
        stack.push_async_callback(app.state.events.close)
        app.state.streams = Streams(database, settings.poll_interval, settings.max_streams)
        await keys.refresh()
        await stack.enter_async_context(background(keys.keep_fresh()))
        await stack.enter_async_context(background(keep_finishing(database)))
        app.state.serving = await stack.enter_async_context(open_serving(database, settings))
        registry: CollectorRegistry = app.state.metrics.registry
        await stack.enter_async_context(background(watch_loop(app.state.metrics.loop_lag)))
        state = app.state
        writers: dict[str, Batcher[Any, Any]] = {
            "ratings": state.writer,
            "items": state.item_writer,
            "events": state.events,
        }
        for figures in (DatabaseFigures(database, writers), DiskFigures(settings), ModelFigures(app.state.serving)):
            registry.register(figures)
            stack.callback(registry.unregister, figures)
        app.state.replayer = Replayer(app.state.serving)
        yield


@asynccontextmanager
async def background(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run a task beside the requests, and cancel it when the server stops."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
