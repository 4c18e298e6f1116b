"""An instance with a user who will be erased: ada, whose ratings are trained on."""

from collections.abc import Iterator

import pytest
import torch
from fastapi.testclient import TestClient

from app.settings import Settings
from tests.app.training.conftest import NUM_USERS, Instance, store_ratings

ADA = "ada.lovelace+née@example.org"
ADA_URL = "/v1/users/ada.lovelace%2Bn%C3%A9e%40example.org"
NUM_RATED = 12


def rate(client: TestClient, user_id: str = ADA) -> None:
    """Rate some items as the users of one group do; one rating is changed, one removed."""
    rows = [{"user_id": user_id, "item_id": f"item-{i}", "value": 5 if i % 3 == 0 else 1.5} for i in range(NUM_RATED)]
    assert client.post("/v1/ratings", json=rows).json()["counts"]["created"] == NUM_RATED
    assert client.post("/v1/ratings", json={**rows[0], "value": 4.5}).json()["counts"]["updated"] == 1
    assert client.post("/v1/ratings", json={**rows[0], "item_id": "item-20"}).is_success


@pytest.fixture
def instance(settings: Settings) -> Iterator[Instance]:
    """Users of three tastes."""
    torch.set_num_threads(1)
    instance = Instance(settings)
    instance.write(store_ratings, NUM_USERS)
    yield instance
    instance.close()


@pytest.fixture
def empty(settings: Settings) -> Iterator[Instance]:
    """An instance without users."""
    instance = Instance(settings)
    yield instance
    instance.close()
