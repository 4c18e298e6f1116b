"""The path of a rating, with real processes: POSTed, stored, trained, published, loaded, recommended."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import httpx2
import pytest

from app.settings import Settings
from tests.processes import palate, server, wait_until

NUM_USERS = 40
ITEMS = [f"even/{i}" if i % 2 == 0 else f"odd/{i}" for i in range(16)]


def camp_ratings(first: int, last: int) -> list[dict[str, Any]]:
    """Users of two camps; each leaves out a few items, so that there is something to recommend."""
    return [
        {"user_id": f"user {u}", "item_id": item, "value": 5 if i % 2 == u % 2 else 1.5}
        for u in range(first, last)
        for i, item in enumerate(ITEMS)
        if (u + i) % 5
    ]


def recommend(client: httpx2.Client, user_id: str, **parameters: Any) -> dict[str, Any]:
    response = client.get(f"/v1/users/{user_id}/recommendations", params=parameters)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in answer["items"]]


@pytest.fixture
def two_servers(settings: Settings, tmp_path: Path) -> Iterator[tuple[httpx2.Client, httpx2.Client]]:
    """Two API processes on one database and one model store."""
    with server(settings, tmp_path / "one.log") as one, server(settings, tmp_path / "two.log") as two:
        yield one, two


def test_a_rating_is_stored_trained_published_loaded_and_recommended(
    settings: Settings, tmp_path: Path, two_servers: tuple[httpx2.Client, httpx2.Client]
) -> None:
    one, two = two_servers
    assert recommend(one, "ada")["reason"] == "no_items"
    assert one.post("/v1/ratings", json=camp_ratings(0, NUM_USERS)).status_code == 200
    first_guess = recommend(two, "user 0", limit=20)
    assert first_guess["reason"] == "no_model"
    assert {item["source"] for item in first_guess["items"]} == {"popular"}

    with palate("worker", settings, tmp_path / "worker.log", PALATE_TRAIN_INTERVAL="3600"):
        started = one.post("/v1/training-runs", json={"kind": "linear"})
        assert started.status_code == 202
        run = started.headers["location"]
        wait_until(lambda: two.get(run).json()["state"] in {"succeeded", "failed"}, "the run ends")
        ended = two.get(run).json()
        assert ended["state"] == "succeeded", (ended, (tmp_path / "worker.log").read_text())
    for client in (one, two):
        wait_until(lambda c=client: recommend(c, "user 0")["model_version"] == ended["version"], "the model is loaded")

    # A newcomer's rating counts at once, in both processes, and so do its change and its removal.
    assert one.post("/v1/ratings", json=[{"user_id": "ada", "item_id": i, "value": 5} for i in ITEMS[:6:2]]).is_success
    for client in (two, one):
        answer = recommend(client, "ada", limit=5)
        assert answer["personalised"]
        assert sorted(ids(answer)) == sorted(ITEMS[6::2])
        assert {item["source"] for item in answer["items"]} == {"personal"}
    before = recommend(two, "ada", limit=20)
    assert two.put("/v1/users/ada/ratings/odd%2F1", json={"value": 5}).is_success
    assert "odd/1" not in ids(recommend(one, "ada", limit=20))
    assert one.delete("/v1/users/ada/ratings/odd%2F1").is_success
    assert recommend(two, "ada", limit=20)["items"] == before["items"]

    # An item switched off in one process is gone from the other's next answer.
    assert two.patch("/v1/items/even%2F14", json={"active": False}).is_success
    assert "even/14" not in ids(recommend(one, "ada", limit=20))
    ready = one.get("/health/ready").json()
    assert (ready["status"], ready["model_version"], ready["problem"]) == ("ok", ended["version"], None)


def test_no_answer_fails_while_versions_are_published_and_swapped(settings: Settings, tmp_path: Path) -> None:
    with (
        server(settings, tmp_path / "server.log") as client,
        palate("worker", settings, tmp_path / "worker.log", PALATE_TRAIN_INTERVAL="3600"),
    ):
        assert client.post("/v1/ratings", json=camp_ratings(0, NUM_USERS)).is_success
        versions = [train(client, kind) for kind in ("linear", "denoising")]
        wait_until(lambda: recommend(client, "user 0")["model_version"] is not None, "a model is loaded")
        stop, base_url = Event(), client.base_url
        with ThreadPoolExecutor(8) as pool:
            watching = [pool.submit(watch, str(base_url), stop) for _ in range(8)]
            for version in versions * 3:
                assert client.post(f"/v1/models/{version}/activate", json={"force": True}).is_success
                wait_until(lambda v=version: recommend(client, "user 0")["model_version"] == v, "it is loaded")
            stop.set()
            answers = [answer for watcher in watching for answer in watcher.result()]
    assert len(answers) > 100
    assert {answer["model_version"] for answer in answers} == set(versions)
    assert all(answer["personalised"] and answer["items"] for answer in answers)


def train(client: httpx2.Client, kind: str) -> str:
    """Train and give the version."""
    run = client.post("/v1/training-runs", json={"kind": kind, "epochs": 2, "cold": True}).headers["location"]
    wait_until(lambda: client.get(run).json()["finished_at"] is not None, "the run ends")
    ended = client.get(run).json()
    assert ended["state"] == "succeeded", ended
    return str(ended["version"])


def watch(base_url: str, stop: Event) -> list[dict[str, Any]]:
    """Ask again and again; any failure is raised."""
    seen: list[dict[str, Any]] = []
    with httpx2.Client(base_url=base_url, timeout=10) as client:
        while not stop.is_set():
            seen.append(recommend(client, f"user {len(seen) % NUM_USERS}", limit=3))
    return seen
