"""An app whose answers are reported on."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from app.database.engine import Database
from app.tables import Event
from tests.app.recommendations.fixtures import client as client
from tests.app.recommendations.fixtures import publish_version as publish_version
from tests.app.recommendations.fixtures import serve as serve
from tests.app.recommendations.fixtures import settings as settings
from tests.app.recommendations.helpers import Publish, add_items, rate, wait_for_version

Stored = Callable[[], list[Event]]


@pytest.fixture
def trained(client: TestClient, publish_version: Publish) -> TestClient:
    """An app with a model, and a user with ratings."""
    add_items(client)
    wait_for_version(client, publish_version("v1"))
    rate(client, "ada", {"even 0": 5.0, "odd 1": 1.0})
    return client


@pytest.fixture
def stored(run_on_database: Callable[..., Any]) -> Stored:
    """Read what is stored, in the order of position and type."""

    def rows(session: Session) -> list[Event]:
        return list(session.scalars(select(Event).order_by(Event.answered_at_us, Event.position, Event.type)))

    async def read(database: Database) -> list[Event]:
        return await database.read(rows)

    return lambda: list(run_on_database(read))


def report(client: TestClient, *events: dict[str, Any]) -> dict[str, Any]:
    """Post events."""
    response = client.post("/v1/events", json=list(events))
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body
