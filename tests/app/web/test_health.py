"""Readiness tells what is wrong: the database, its tables, the model."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import asyncpg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.database import migrate
from app.database.engine import Database, open_database
from app.main import create_app
from app.settings import Settings
from tests.app.building import build_app
from tests.app.recommendations.helpers import wait_for
from tests.relay import Relay, relay

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
RunOnDatabase = Callable[[Callable[[Database], Awaitable[object]]], object]


@pytest.fixture
def without_tables(client: TestClient, run_on_database: RunOnDatabase) -> Iterator[TestClient]:
    """A client whose database is as it was before any migration, until the end of the test."""
    run_on_database(lambda database: database.write(migrate.downgrade, "base"))
    yield client
    run_on_database(lambda database: database.write(migrate.upgrade))


def test_without_a_model_it_is_ready_but_degraded(client: TestClient) -> None:
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["status"], body["database"], body["migrations"]) == ("degraded", "ok", "ok")
    assert body["model_version"] is None
    assert body["problem"]


def test_missing_tables_make_it_unready_and_calls_say_what_to_run(without_tables: TestClient) -> None:
    answer = without_tables.get("/health/ready")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["migrations"] == "missing"
    refused = without_tables.get("/v1/items/anything")
    assert refused.status_code == 503
    assert refused.json()["type"] == "/problems/schema-outdated"
    assert "palate migrate" in refused.json()["detail"]


def test_a_lost_database_makes_it_unready_but_alive(client: TestClient) -> None:
    client.app.state.database = open_database("postgresql://nobody@127.0.0.1:1/nothing")  # type: ignore[attr-defined]
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["database"] == "unreachable"
    assert client.get("/health/live").json() == {"status": "ok"}
    refused = client.get("/v1/items/anything")
    assert refused.status_code == 503
    assert refused.headers["retry-after"]


def relayed_app(settings: Settings, link: Relay) -> FastAPI:
    """Build the app on a database behind a relay."""
    return build_app(settings.model_copy(update={"database_url": link.url}))


@on_postgresql
def test_a_database_that_answers_nothing_makes_it_unready(settings: Settings) -> None:
    with (
        relay(settings.database_url) as link,
        TestClient(relayed_app(settings, link), base_url="http://localhost") as client,
    ):
        assert client.get("/health/ready").status_code == 200
        link.freeze()
        answer = client.get("/health/ready")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        found = answer.json()
        assert (found["status"], found["database"], found["migrations"]) == ("unavailable", "slow", "unknown")
        assert found["problem"] == "the database answers nothing"
        refused = client.get("/v1/items/anything")
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/database-silent")
        link.thaw()
        wait_for(lambda: client.get("/health/ready").status_code == 200)


@on_postgresql
def test_a_database_in_which_something_is_locked_is_slow_and_keeps_no_server_from_being_ready(
    client: TestClient, settings: Settings
) -> None:
    with locked_table(settings.database_url, "alembic_version"):
        answer = client.get("/health/ready")
        assert answer.status_code == 200
        assert (answer.json()["status"], answer.json()["database"]) == ("degraded", "slow")
        assert "the database is slow" in answer.json()["problem"]
        assert client.get("/v1/items/anything").status_code == 404
    assert client.get("/health/ready").json()["database"] == "ok"


@contextmanager
def locked_table(url: str, table: str) -> Iterator[None]:
    """Keep everybody from reading a table."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(url))
        runner.run(connection.execute(f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
        try:
            yield
        finally:
            runner.run(connection.close())


def test_a_server_starts_without_its_database_and_stays_closed(settings: Settings) -> None:
    lost = settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/nothing"})
    with TestClient(create_app(lost), base_url="http://localhost") as client:
        assert client.get("/health/live").status_code == 200
        assert client.get("/health/ready").status_code == 503
        refused = client.get("/v1/items/anything")
        assert refused.status_code == 503
        assert refused.json()["type"] == "/problems/database-unavailable"
