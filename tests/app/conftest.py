"""The real app, served in this process."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from app.settings import Settings
from tests.app.building import build_app


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """A client of the real app on a migrated, empty database."""
    with TestClient(build_app(settings), base_url="http://localhost") as client:
        yield client
