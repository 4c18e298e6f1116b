"""The figures of the database that /metrics adds to those of the process."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from time import sleep

from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from app.database.engine import Database, open_database
from app.kit.disk import free_bytes
from app.registry.service import publish
from app.settings import Settings
from app.web.figures import TICK_S, watch_loop
from app.web.metrics import Metrics
from tests.app.recommendations.helpers import row_values


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


def test_metrics_show_the_connections_the_waits_and_the_queues(client: TestClient) -> None:
    before = figures(client)
    client.post("/v1/ratings", json={"user_id": "ada", "item_id": "alien", "value": 3})
    after = figures(client)
    assert after['palate_database_connections{kind="write"}'] >= 1
    assert after['palate_database_connections_used{kind="write"}'] == 0
    assert after["palate_lock_waits_total"] > before["palate_lock_waits_total"]
    assert after["palate_lock_wait_seconds_total"] > before["palate_lock_wait_seconds_total"]
    assert after['palate_writers_waiting{queue="ratings"}'] == after['palate_writers_waiting{queue="events"}'] == 0


def test_metrics_count_each_call_that_the_database_failed(client: TestClient) -> None:
    assert figures(client)['palate_database_failures_total{error="database-unavailable"}'] == 0
    state = client.app.state  # type: ignore[attr-defined]
    gone = open_database("postgresql://nobody@127.0.0.1:1/nothing")
    gone.trouble = state.database.trouble
    state.database = gone
    assert client.get("/v1/items/anything").status_code == 503
    after = figures(client)
    assert after['palate_database_failures_total{error="database-unavailable"}'] >= 1
    assert after['palate_database_failures_total{error="database-busy"}'] == 0


def test_metrics_show_what_is_left_on_the_disks(client: TestClient, settings: Settings) -> None:
    found, left = figures(client), free_bytes(settings.model_store)
    assert 0.5 * left < found["palate_model_store_free_bytes"] < 2 * left  # others write, too
    assert ("palate_database_free_bytes" in found) == settings.database_url.startswith("sqlite")


def test_what_is_left_is_known_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "not" / "there") > 0


def test_metrics_count_the_versions_that_the_gate_refused(
    client: TestClient, run_on_database: Callable[[Callable[[Database], Awaitable[object]]], object]
) -> None:
    def store(session: Session) -> None:
        for version, activated in (("good", True), ("bad", False), ("worse", False)):
            values = row_values(version, "linear") | {"gate": {"activated": activated, "reason": "so"}}
            publish(session, activate=activated, now=datetime.now(UTC), **values)

    assert figures(client)["palate_models_refused_by_gate"] == 0
    run_on_database(lambda database: database.write(store))
    assert figures(client)["palate_models_refused_by_gate"] == 2


def test_a_loop_that_stood_still_has_that_much_lag() -> None:
    metrics = Metrics()

    async def stand_still() -> None:
        watching = asyncio.create_task(watch_loop(metrics.loop_lag))
        await asyncio.sleep(0)
        sleep(TICK_S + 0.2)  # noqa: ASYNC251 - what must not happen
        await asyncio.sleep(TICK_S / 10)  # what was due is done
        assert (metrics.registry.get_sample_value("palate_event_loop_lag_seconds_sum") or 0) >= 0.2
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching

    asyncio.run(stand_still())
