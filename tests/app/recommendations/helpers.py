"""Two groups of users with opposite tastes, models trained on them, and calls of the API."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np
from starlette.testclient import TestClient

from app.recommendations.tokens.recommendation_id import decode
from models import checkpoint
from models.core.interactions import Interactions, RatingScale
from models.fit import Fit, FitOptions
from tests.models.helpers import small

SCALE = RatingScale(minimum=1, maximum=5, step=0.5, like_threshold=4)
NUM_ITEMS = 12
ITEMS = [f"even {i}" if i % 2 == 0 else f"odd {i}" for i in range(NUM_ITEMS)]

Serve = Callable[[], AbstractContextManager[TestClient]]
Publish = Callable[..., str]


def camps(num_users: int = 60, num_items: int = NUM_ITEMS, seed: int = 0) -> Interactions:
    """Two camps of users: one likes the even items and dislikes the odd ones, the other the reverse."""
    generator = np.random.default_rng(seed)
    users, items = np.nonzero(generator.random((num_users, num_items)) < 0.6)
    values = np.where(users % 2 == items % 2, 5.0, 1.5)
    return Interactions.from_arrays(users, items, values, ITEMS[:num_items], scale=SCALE, num_users=num_users)


def train(kind: str, data: Interactions, seed: int = 0) -> Any:
    """Fit a model to every user."""
    no_users = Interactions(data.rows.take(np.arange(0)), data.item_ids, data.scale)
    config = small(kind) | {"linear": {"regularisation": 5.0}, "lowrank": {"regularisation": 0.005}}.get(kind, {})
    options = FitOptions(epochs=3, batch_size=16, learning_rate=0.01, seed=seed, device="cpu")
    fit = Fit(kind, data, no_users, options, config=config)
    for _ in fit:
        pass
    return fit.best


def save_version(
    store: Path,
    version: str,
    kind: str = "linear",
    *,
    num_items: int = NUM_ITEMS,
    seed: int = 0,
    metrics: dict[str, float] | None = None,
) -> None:
    """Write a version's folder, with the statistics and figures that the trainer writes."""
    model, data = trained_model(kind, num_items, seed)
    counts = np.bincount(data.rows.columns, minlength=num_items)
    sums = np.bincount(data.rows.columns, data.rows.values, num_items)
    statistics = {"counts": counts.tolist(), "sums": sums.tolist()}
    manifest = {"item_statistics": statistics, "metrics": metrics or {}}
    checkpoint.save(store / version, model, data.item_ids, manifest)


@cache
def trained_model(kind: str, num_items: int, seed: int) -> tuple[Any, Interactions]:
    """Fit a model to the two camps, once for all tests; return it with its data."""
    data = camps(num_items=num_items, seed=seed)
    return train(kind, data, seed), data


def row_values(version: str, kind: str = "linear") -> dict[str, Any]:
    """Return the values of a version's row."""
    numbers = dict.fromkeys(("watermark", "num_users", "num_items", "num_ratings", "num_bytes"), 0)
    return {"version": version, "kind": kind, "run_id": None, "metrics": {}, "gate": {}, **numbers}


def wait_for(condition: Callable[[], bool], seconds: float = 15) -> None:
    """Wait until something is so."""
    deadline = monotonic() + seconds
    while not condition():
        assert monotonic() < deadline, "waited in vain"
        sleep(0.02)


def wait_for_version(client: TestClient, version: str) -> None:
    """Wait until the app answers from a version."""
    wait_for(lambda: client.app.state.serving.status().loaded_version == version)  # type: ignore[attr-defined]


def add_items(client: TestClient, items: list[str] = ITEMS, **fields: Any) -> None:
    """Store items: category `even` or `odd`."""
    rows = [{"item_id": i, "title": i.title(), "categories": [i.split()[0]], **fields} for i in items]
    assert client.post("/v1/items", json=rows).status_code == 200


def rate(client: TestClient, user_id: str, ratings: dict[str, float]) -> dict[str, Any]:
    """Store ratings of one user."""
    rows = [{"user_id": user_id, "item_id": item_id, "value": value} for item_id, value in ratings.items()]
    response = client.post("/v1/ratings", json=rows)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def recommend(client: TestClient, user_id: str, **parameters: Any) -> dict[str, Any]:
    """Ask for a user's recommendations."""
    response = client.get(f"/v1/users/{user_id}/recommendations", params=parameters)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def without_id(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer without its id, which names the moment and so is never the same twice."""
    recommendation_id = decode(answer["recommendation_id"], "recommendation_id")
    assert [str(source) for source in recommendation_id.sources] == [item["source"] for item in answer["items"]]
    assert (recommendation_id.version, recommendation_id.revision) == (answer["model_version"], answer["revision"])
    return {name: value for name, value in answer.items() if name != "recommendation_id"}


def ids(answer: dict[str, Any]) -> list[str]:
    """List the items of an answer."""
    return [item["item_id"] for item in answer["items"]]
