"""The figures of the database that /metrics adds to those of the process."""

from fastapi.testclient import TestClient

from app.database.engine import open_database
from app.settings import Settings


def figures(client: TestClient) -> dict[str, float]:
    """Read /metrics as Prometheus does."""
    lines = client.get("/metrics").text.splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def test_metrics_follow_what_is_stored(client: TestClient) -> None:
    before = figures(client)
    assert before["palate_database_up"] == 1
    assert before["palate_rating_changes_total"] == 0
    client.post("/v1/ratings", json=[{"user_id": "ada", "item_id": item, "value": 3} for item in ("a", "b")])
    client.put("/v1/items/b", json={"active": False})
    client.post("/v1/training-runs")
    after = figures(client)
    assert after["palate_rating_changes_total"] == 2
    assert after["palate_items_active"] == 1
    assert after['palate_training_runs{state="queued"}'] == 1
    assert after['palate_training_runs{state="failed"}'] == 0


def test_a_lost_database_only_removes_its_own_metrics(client: TestClient, settings: Settings) -> None:
    gone = open_database("postgresql://nobody@127.0.0.1:1/nothing")
    client.app.state.database = gone  # type: ignore[attr-defined]
    found = figures(client)
    assert found["palate_database_up"] == 0
    assert "palate_rating_changes_total" not in found
    assert found["palate_requests_in_flight"] == 1
