"""Both databases, for real: a SQLite file and a PostgreSQL (TEST_DATABASE_URL, or one started from a wheel)."""

import asyncio
import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from pathlib import Path

import hypothesis
import pytest
import structlog

from app.database import migrate
from app.database.engine import Database, open_database
from app.settings import Settings
from tests.postgres import keep_migrated, new_database, restore_migrated, throwaway_server

# Plain lines: the default draws tracebacks with every local variable, which takes seconds.
structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()])

# A law is tried on a few examples with every change, on many by `make laws`. A busy machine is no defect; and a change
# must pass or fail for its own sake: CI tries the same examples each time.
PROFILE = hypothesis.settings(
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
hypothesis.settings.register_profile("change", PROFILE, max_examples=15)
hypothesis.settings.register_profile("laws", PROFILE, max_examples=300)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "change"))


# Where most tests fit models, for seconds.
FITTING = (
    "tests/models",
    "tests/benchmarks",
    "tests/app/comparison",
    "tests/app/erasure",
    "tests/app/offline",
    "tests/app/replay",
    "tests/app/training",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by what it needs most: a browser, processes, a database, or nothing but Python."""
    for item in items:
        item.add_marker(need := need_of(item))
        if need == "browser":  # all in one process, with one server
            item.add_marker(pytest.mark.xdist_group(need))
        if any(item.path.is_relative_to(item.config.rootpath / folder) for folder in FITTING):
            item.add_marker("fit")
        if "postgresql" in item.name:
            item.add_marker("postgresql")


def need_of(item: pytest.Item) -> str:
    """Return what a test needs, by its fixtures and by what they and its file import."""
    fixtures = getattr(item, "fixturenames", ())
    if "browser" in fixtures:
        return "browser"
    definitions = getattr(item, "_fixtureinfo").name2fixturedefs.values()  # noqa: B009 - not public
    modules = {each.func.__module__ for named in definitions for each in named} | {getattr(item, "module").__name__}  # noqa: B009
    if any(starts_processes(name) for name in modules - {__name__}):
        return "process"
    return "database" if "database_url" in fixtures else "unit"


@cache
def starts_processes(module: str) -> bool:
    """Return whether a file of tests or fixtures uses what starts processes."""
    values = vars(sys.modules[module]).values() if module.startswith("tests.") else ()
    return any(value is subprocess or module_of(value) == "tests.processes" for value in values)


def module_of(value: object) -> object:
    """Return where a function or class comes from, or the name of a module."""
    return getattr(value, "__module__", None) or getattr(value, "__name__", None)


def pytest_collection_finish() -> None:
    """Let the collector pass over what stays until the end: all that was imported, and the tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a PostgreSQL server."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    with throwaway_server() as url:
        yield url


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database whose migrations have run, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "palate.db"
    asyncio.run(prepare(Settings(_env_file=None, database_url=f"sqlite:///{path}")))
    return path


@pytest.fixture(scope="session")
def migrated_database(postgres_server: str) -> Iterator[str]:
    """URL of a PostgreSQL database whose migrations have run, to be restored after each test."""
    with new_database(postgres_server) as url:
        asyncio.run(prepare(Settings(_env_file=None, database_url=url)))
        keep_migrated(url)
        yield url


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
    if is_migrated:
        yield (url := request.getfixturevalue("migrated_database"))
        restore_migrated(url)
        return
    with new_database(request.getfixturevalue("postgres_server")) as url:
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
