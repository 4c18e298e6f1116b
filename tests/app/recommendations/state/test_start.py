"""From its first answer on a server says what it will say a minute later."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.database.engine import open_database
from app.keys.ring import KeyRing
from app.ratings.conflict import RatingRow
from app.ratings.service import set_ratings
from app.recommendations.state import loader, serving
from app.settings import Settings
from tests.app.recommendations.helpers import (
    ITEMS,
    Publish,
    Serve,
    add_items,
    rate,
    recommend,
    wait_for,
)
from tests.processes import palate, wait_for_port


@pytest.fixture
def slow_version(settings: Settings, publish_version: Publish) -> Callable[[], object]:
    """Publish a version that cannot be loaded before the returned function is called."""
    manifest = settings.model_store / publish_version("v1") / "model.json"
    content = manifest.read_text()
    manifest.unlink()
    os.mkfifo(manifest)  # whoever reads it waits until someone writes
    return lambda: manifest.write_text(content)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_first_answer_of_a_server_comes_from_the_model(
    settings: Settings, run_on_database: Callable[..., Any], slow_version: Callable[[], object], tmp_path: Path
) -> None:
    ratings = [RatingRow(f"user {n % 3}", item, 5, None) for n, item in enumerate(ITEMS)]
    run_on_database(lambda database: database.write(set_ratings, ratings, 1))
    with palate("serve", settings, tmp_path / "log") as process, ThreadPoolExecutor(1) as pool:
        url = f"http://127.0.0.1:{wait_for_port(process, tmp_path / 'log')}"
        first = pool.submit(httpx2.get, f"{url}/v1/users/user 0/recommendations", timeout=60)
        unready = httpx2.get(f"{url}/health/ready", timeout=60)
        slow_version()
        answer = first.result().json()
    assert unready.status_code == 503
    assert (answer["model_version"], answer["personalised"]) == ("v1", True)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_while_models_are_loaded_the_server_is_not_ready_and_recommends_nothing(
    serve: Serve, slow_version: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "LOADING_WAIT_S", 0.05)
    monkeypatch.setattr(loader, "START_WAIT_S", 0.05)
    with serve() as client:
        add_items(client)
        rate(client, "ada", {"even 0": 5})
        ready, refused = client.get("/health/ready"), client.get("/v1/users/ada/recommendations")
        slow_version()
        wait_for(lambda: client.get("/health/ready").status_code == 200)
        assert recommend(client, "ada")["model_version"] == "v1"
    assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")
    assert "v1 is being loaded" in ready.json()["problem"]
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/model-loading")
    assert refused.headers["retry-after"] == "1"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_server_that_does_not_know_its_keys_is_not_ready(serve: Serve, settings: Settings) -> None:
    with serve() as client:
        state: Any = client.app.state  # type: ignore[attr-defined]
        lost = open_database("postgresql://nobody@127.0.0.1:1/nothing")
        state.keys = KeyRing(lost, settings.host, settings.poll_interval)
        ready = client.get("/health/ready")
        assert ready.status_code == 503
        assert "keys" in ready.json()["problem"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_server_whose_only_version_is_damaged_is_degraded_at_once(
    serve: Serve, settings: Settings, publish_version: Publish
) -> None:
    publish_version("v1")
    (settings.model_store / "v1" / "model.json").write_text("{")
    with serve() as client:
        ready = client.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert "v1 is refused" in ready.json()["problem"]
