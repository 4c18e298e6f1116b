"""The app on SQLite, where which database it is does not matter."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.settings import Settings
from tests.app.building import build_app


@pytest.fixture
def open_app(migrated_file: Path, tmp_path: Path) -> Iterator[Callable[..., TestClient]]:
    """Open the app with settings, as asked from 127.0.0.1."""
    with ExitStack() as opened:

        def open_with(client: str = "127.0.0.1", **options: Any) -> TestClient:
            shutil.copy(migrated_file, tmp_path / "palate.db")
            settings = Settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/palate.db", **options)
            return opened.enter_context(
                TestClient(build_app(settings), client=(client, 50_000), base_url="http://localhost")
            )

        yield open_with


@pytest.fixture
def plain(open_app: Callable[..., TestClient]) -> TestClient:
    """A client of the app with the settings it has by itself."""
    return open_app()
