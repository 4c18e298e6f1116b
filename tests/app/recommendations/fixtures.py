"""The real app, served in this process, and versions published to it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.database.engine import Database
from app.registry.service import publish
from app.settings import Settings
from tests.app.building import build_app
from tests.app.recommendations.helpers import Publish, Serve, row_values, save_version


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings of an instance that notices a new version at once."""
    return settings.model_copy(update={"poll_interval": timedelta(milliseconds=50)})


@pytest.fixture
def publish_version(settings: Settings, run_on_database: Callable[..., Any]) -> Publish:
    """Train, write and activate a version as the trainer does: folder first, row last."""

    def published(version: str = "v1", kind: str = "linear", **options: Any) -> str:
        save_version(settings.model_store, version, kind, **options)

        def store(session: Session) -> None:
            publish(session, activate=True, now=datetime.now(UTC), **row_values(version, kind))

        async def add(database: Database) -> None:
            await database.write(store)

        run_on_database(add)
        return version

    return published


@pytest.fixture
def serve(settings: Settings) -> Serve:
    """Start the app; each call is another API process's worth of state."""

    @contextmanager
    def served() -> Iterator[TestClient]:
        with TestClient(build_app(settings), raise_server_exceptions=False, base_url="http://localhost") as client:
            yield client

    return served


@pytest.fixture
def client(serve: Serve) -> Iterator[TestClient]:
    """One running app."""
    with serve() as client:
        yield client
