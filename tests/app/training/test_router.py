"""Training runs over a real server, with a real worker where something has to happen."""

import json
import threading
from collections.abc import Iterator
from time import sleep
from typing import Any

import httpx2
import pytest
import uvicorn

from app.main import create_app
from app.settings import Settings
from tests.app.training.conftest import NUM_USERS, Instance


@pytest.fixture
def client(settings: Settings) -> Iterator[httpx2.Client]:
    """A client of a server that listens on a port of its own."""
    app = create_app(
        settings.model_copy(update={"poll_interval": Settings(_env_file=None, poll_interval=0.1).poll_interval})
    )
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=5))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        yield client
    server.should_exit = True
    thread.join()


def events_of(client: httpx2.Client, run_id: int, after: str | None = None) -> list[dict[str, Any]]:
    """Read a stream to its end."""
    found: list[dict[str, Any]] = [{}]
    headers = {"Last-Event-ID": after} if after else {}
    with client.stream("GET", f"/v1/training-runs/{run_id}/events", headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        for line in response.iter_lines():
            name, _, value = line.partition(": ")
            if name:
                found[-1][name] = json.loads(value) if name == "data" else value
            elif found[-1]:
                found.append({})
    return [event for event in found if "event" in event]


def test_a_requested_run_is_trained_to_its_end_and_its_version_is_served(
    instance: Instance, client: httpx2.Client
) -> None:
    asked = client.post("/v1/training-runs", json={"kind": "denoising", "epochs": 3, "seed": 7})
    assert asked.status_code == 202
    assert asked.json()["options"] == {"epochs": 3, "seed": 7}
    location = asked.headers["location"]
    instance.start_worker()

    events = events_of(client, asked.json()["id"])

    assert [event["event"] for event in events if event["event"] == "epoch"] == ["epoch"] * 3
    assert [event["data"]["epoch"] for event in events if event["event"] == "epoch"] == [1, 2, 3]
    assert events[0]["event"] == "state"
    assert (events[-1]["event"], events[-1]["data"]["state"]) == ("state", "succeeded")
    run = client.get(location).json()
    assert run["gate"]["activated"] is True
    assert [epoch["epoch"] for epoch in run["epochs"]] == [1, 2, 3]
    assert "ndcg@10" in run["epochs"][0]["metrics"]

    later = events_of(client, run["id"], after="2-running")
    assert [event["id"] for event in later] == ["3-running", "3-succeeded"]

    version = client.get(f"/v1/models/{run['version']}").json()
    assert (version["live"], version["run_id"], version["num_users"]) == (True, run["id"], NUM_USERS)
    assert client.get("/v1/models").json()["versions"] == [version]


def test_runs_are_listed_by_state_and_page_by_page(client: httpx2.Client) -> None:
    ids = [client.post("/v1/training-runs").json()["id"] for _ in range(3)]
    assert client.delete(f"/v1/training-runs/{ids[1]}").json()["state"] == "cancelled"
    assert events_of(client, ids[1])[-1]["data"]["state"] == "cancelled"

    page = client.get("/v1/training-runs", params={"state": "queued", "limit": 1}).json()
    following = client.get("/v1/training-runs", params={"state": "queued", "limit": 1, "cursor": page["next_cursor"]})

    assert [run["id"] for run in page["runs"]] == [ids[2]]
    assert [run["id"] for run in following.json()["runs"]] == [ids[0]]
    assert following.json()["next_cursor"] is None


def test_invalid_requests_are_refused_with_a_reason(client: httpx2.Client) -> None:
    for path in ("/v1/training-runs/1", "/v1/training-runs/1/events", f"/v1/training-runs/{2**70}"):
        assert client.get(path).json()["type"] == "/problems/run-not-found"
    assert client.delete("/v1/training-runs/1").status_code == 404
    run_id = client.post("/v1/training-runs").json()["id"]
    client.delete(f"/v1/training-runs/{run_id}")
    assert client.delete(f"/v1/training-runs/{run_id}").json()["type"] == "/problems/run-already-ended"
    refused = client.post("/v1/training-runs", json={"epochs": 0, "speed": 1}).json()
    assert [problem["field"] for problem in refused["errors"]] == ["/epochs", "/speed"]
    assert client.get("/v1/training-runs?cursor=bm8").json()["type"] == "/problems/invalid-cursor"
    assert client.get("/v1/models/none").json()["type"] == "/problems/version-not-found"
    assert client.post("/v1/models/none/activate").json()["type"] == "/problems/version-not-found"
