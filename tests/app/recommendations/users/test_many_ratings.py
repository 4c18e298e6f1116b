"""All that one person ever rated goes into one request, on every route that takes a guest's ratings."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from app.settings import MAX_GUEST_RATINGS, Settings

RATINGS = [{"item_id": f"film {number}", "value": 4} for number in range(MAX_GUEST_RATINGS)]
ROUTES: dict[str, dict[str, Any]] = {
    "/v1/recommendations": {"ratings": RATINGS},
    "/v1/questions": {"ratings": RATINGS},
    "/v1/predictions": {"ratings": RATINGS, "item_ids": ["film 1"]},
    "/v1/users/ada/what-if": {"set": RATINGS},
    "/v1/users/ada/merge": {"ratings": RATINGS},
}


@pytest.fixture(scope="module")
def guests(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of the app on SQLite: which database it is does not matter here."""
    database = tmp_path_factory.mktemp("guests") / "palate.db"
    shutil.copy(migrated_file, database)
    with TestClient(
        create_app(Settings(_env_file=None, database_url=f"sqlite:///{database}")), base_url="http://localhost"
    ) as client:
        yield client


@pytest.mark.parametrize("path", ROUTES)
def test_ten_thousand_ratings_are_taken(guests: TestClient, path: str) -> None:
    answer = guests.post(path, json=ROUTES[path])
    assert answer.status_code == 200
    if path.endswith("/merge"):
        assert answer.json()["counts"]["created"] == MAX_GUEST_RATINGS


def test_an_answer_to_ten_thousand_ratings_is_made_again(guests: TestClient) -> None:
    made = guests.post("/v1/recommendations", json={"ratings": RATINGS}).json()["recommendation_id"]
    answer = guests.post("/v1/replays", json={"recommendation_id": made, "ratings": RATINGS})
    assert answer.json()["identical"]


@pytest.mark.parametrize("path", ROUTES)
def test_more_are_refused_by_name(guests: TestClient, path: str) -> None:
    field = "set" if "set" in ROUTES[path] else "ratings"
    answer = guests.post(path, json=ROUTES[path] | {field: [*RATINGS, RATINGS[0]]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == f"/{field}"
