"""Versions are loaded and replaced while answers continue; a damaged one is refused."""

import gc
import os
import weakref
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from app.main import create_app
from app.recommendations.state import loader
from app.recommendations.state.model_cache import ModelCache
from app.recommendations.state.serving import Serving
from app.registry.repository import serving_versions
from app.settings import Settings
from app.tables import Activation, ActivationCause
from models import checkpoint
from models.checkpoint import Loaded
from tests.app.recommendations.helpers import (
    ITEMS,
    Publish,
    Serve,
    add_items,
    ids,
    rate,
    recommend,
    save_version,
    wait_for,
    wait_for_version,
    without_id,
)


def serving(client: TestClient) -> Serving:
    state: Any = client.app.state  # type: ignore[attr-defined]
    loaded: Serving = state.serving
    return loaded


def cut_short(folder: Path) -> None:
    weights = folder / "weights.safetensors"
    os.truncate(weights, weights.stat().st_size // 2)


def alter(folder: Path) -> None:
    weights = folder / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-3] ^= 1
    weights.write_bytes(content)


def lose_weights(folder: Path) -> None:
    (folder / "weights.safetensors").unlink()


def lose_manifest(folder: Path) -> None:
    (folder / "model.json").unlink()


def garble_manifest(folder: Path) -> None:
    (folder / "model.json").write_text("{")


DAMAGES = [cut_short, alter, lose_weights, lose_manifest, garble_manifest]


def publish_damaged(
    settings: Settings,
    publish_version: Publish,
    version: str,
    *,
    damage: Callable[[Path], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Publish a version whose files are damaged before any process can load it."""
    whole = checkpoint.save

    def save(folder: Path, *args: Any) -> None:
        whole(folder, *args)
        damage(folder)

    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "save", save)
        publish_version(version)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_version_is_refused_and_the_loaded_one_keeps_serving(
    client: TestClient,
    settings: Settings,
    publish_version: Publish,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[Path], None],
) -> None:
    add_items(client)
    rate(client, "ada", {"even 0": 5})
    wait_for_version(client, publish_version("v1"))
    before = recommend(client, "ada")
    publish_damaged(settings, publish_version, "v2", damage=damage, monkeypatch=monkeypatch)
    wait_for(lambda: "v2 is refused" in (serving(client).status().problem or ""))
    status = serving(client).status()
    assert (status.loaded_version, status.live_version) == ("v1", "v2")
    assert without_id(recommend(client, "ada")) == without_id(before)
    ready = client.get("/health/ready").json()
    assert (ready["status"], ready["model_version"], ready["live_version"]) == ("degraded", "v1", "v2")
    assert "refused" in ready["problem"]
    assert "/" not in ready["problem"]  # no path of this machine
    figures = client.get("/metrics").text.splitlines()
    assert "palate_models_refused 1.0" in figures
    assert "palate_models_degraded 1.0" in figures
    assert "palate_model_load_failures_total 0.0" not in figures


def test_a_refused_version_that_is_activated_again_at_once_is_no_less_refused(
    client: TestClient,
    settings: Settings,
    publish_version: Publish,
    run_on_database: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def activate_again(session: Session) -> None:
        session.add(Activation(version="v2", activated_at=datetime.now(UTC), cause=ActivationCause.GATE))

    add_items(client)
    wait_for_version(client, publish_version("v1"))
    publish_damaged(settings, publish_version, "v2", damage=cut_short, monkeypatch=monkeypatch)
    wait_for(lambda: "v2 is refused" in (serving(client).status().problem or ""))
    assert client.post("/v1/models/v1/activate").status_code == 200
    wait_for(lambda: serving(client).status().problem is None)
    assert "palate_models_refused 0.0" in client.get("/metrics").text.splitlines()
    run_on_database(lambda database: database.write(activate_again))
    wait_for(lambda: "v2 is refused" in (serving(client).status().problem or ""))
    assert "palate_models_refused 1.0" in client.get("/metrics").text.splitlines()


def test_a_refused_version_is_loaded_once_its_files_are_repaired(
    client: TestClient, settings: Settings, publish_version: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_items(client)
    publish_damaged(settings, publish_version, "v1", damage=cut_short, monkeypatch=monkeypatch)
    wait_for(lambda: "v1 is refused" in (serving(client).status().problem or ""))
    folder = settings.model_store / "v1"
    folder.rename(settings.model_store / "broken")
    save_version(settings.model_store, "v1")
    wait_for_version(client, "v1")
    wait_for(lambda: serving(client).status().problem is None)


def test_a_refused_version_is_not_read_again_at_every_poll(
    client: TestClient, settings: Settings, publish_version: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[Path] = []

    def load(folder: Path) -> Loaded:
        reads.append(folder)
        return checkpoint.load(folder)

    monkeypatch.setattr(loader, "load", load)
    publish_damaged(settings, publish_version, "v1", damage=alter, monkeypatch=monkeypatch)
    wait_for(lambda: "v1 is refused" in (serving(client).status().problem or ""))
    looks = counted(serving(client), monkeypatch)
    wait_for(lambda: len(looks) >= 5)
    assert len(reads) == 1


def counted(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Count the looks for what serves."""
    looks: list[object] = []
    read = serving.database.read

    async def counting(work: Any, *args: Any) -> Any:
        if work is serving_versions:
            looks.append(work)
        return await read(work, *args)

    monkeypatch.setattr(serving.database, "read", counting)
    return looks


def test_a_process_that_starts_with_a_damaged_version_loads_the_one_before(
    serve: Serve, settings: Settings, publish_version: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_version("v1")
    publish_damaged(settings, publish_version, "v2", damage=alter, monkeypatch=monkeypatch)
    with serve() as client:
        add_items(client)
        rate(client, "ada", {"even 0": 5})
        wait_for_version(client, "v1")
        assert recommend(client, "ada")["personalised"]
        assert "v2 is refused" in (serving(client).status().problem or "")


def test_files_truncated_after_loading_do_no_harm(
    client: TestClient, settings: Settings, publish_version: Publish
) -> None:
    add_items(client)
    rate(client, "ada", {"even 0": 5})
    wait_for_version(client, publish_version("v1"))
    before = recommend(client, "ada", limit=20)
    os.truncate(settings.model_store / "v1" / "weights.safetensors", 0)
    assert without_id(recommend(client, "ada", limit=20)) == without_id(before)
    assert "weights.safetensors" not in Path("/proc/self/maps").read_text()


def test_the_memory_of_the_previous_model_is_freed_when_no_cursor_needs_it(
    client: TestClient, publish_version: Publish
) -> None:
    serving(client).model_cache = ModelCache(kept_s=0.0)  # as if it had not been used for ten minutes
    add_items(client)
    rate(client, "ada", {"even 0": 5})
    wait_for_version(client, publish_version("v1"))
    recommend(client, "ada")
    live = serving(client).live
    assert live is not None
    old = weakref.ref(live.model)
    del live
    wait_for_version(client, publish_version("v2", "denoising"))
    recommend(client, "ada")
    serving(client).model_cache.drop_unused()
    gc.collect()
    assert old() is None


def test_a_version_with_more_items_is_swapped_in_without_a_restart(
    client: TestClient, publish_version: Publish
) -> None:
    add_items(client)
    rate(client, "ada", {"even 0": 5})
    wait_for_version(client, publish_version("v1", num_items=6))
    few = recommend(client, "ada", limit=20)
    assert sum(item["source"] == "personal" for item in few["items"]) == 5
    assert {item["source"] for item in few["items"]} <= {"personal", "attributes", "new"}
    wait_for_version(client, publish_version("v2"))
    all_items = recommend(client, "ada", limit=20)
    assert [item["source"] for item in all_items["items"]] == ["personal"] * (len(ITEMS) - 1)
    assert sorted(ids(few)) == sorted(ids(all_items))


def test_items_that_enter_the_catalogue_after_the_model_are_recommended_then(
    client: TestClient, publish_version: Publish
) -> None:
    wait_for_version(client, publish_version("v1"))
    assert recommend(client, "ada")["items"] == []
    add_items(client, ["even 0", "even 2", "even 90"])
    rate(client, "ada", {"even 0": 5})
    answer = recommend(client, "ada")
    assert [(item["item_id"], item["source"]) for item in answer["items"]] == [
        ("even 2", "personal"),
        ("even 90", "attributes"),  # like the other two, whose ratings the model has counted
    ]


def test_statistics_that_were_not_published_are_counted(
    client: TestClient, settings: Settings, publish_version: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_items(client, ["even 0", "odd 1"])
    rate(client, "bob", {"odd 1": 4})
    whole = checkpoint.save
    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "save", lambda folder, model, items, _manifest: whole(folder, model, items, {}))
        publish_version("v1")
    wait_for_version(client, "v1")
    answer = recommend(client, "nobody")
    assert [(i["item_id"], i["source"], i["predicted_rating"]) for i in answer["items"]] == [
        ("odd 1", "popular", 4.0),
        ("even 0", "new", None),
    ]


def test_before_the_first_version_readiness_reports_none(client: TestClient) -> None:
    wait_for(lambda: serving(client).status().problem == "no model has been published yet")
    assert serving(client).status().loaded_at is None


def test_missing_tables_are_waited_for_without_tracebacks(settings: Settings, tmp_path: Path) -> None:
    unmigrated = settings.model_copy(update={"database_url": f"sqlite:///{tmp_path}/unmigrated.db"})
    with capture_logs() as logged, TestClient(create_app(unmigrated), base_url="http://localhost"):
        wait_for(lambda: sum(entry["event"] == "loader_waits_for_database" for entry in logged) > 1)
    assert {entry["log_level"] for entry in logged} == {"warning"}


def test_a_model_too_slow_for_the_event_loop_returns_the_same_from_its_thread(
    serve: Serve, client: TestClient, publish_version: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_items(client)
    rate(client, "ada", {"even 0": 5, "odd 3": 2})
    wait_for_version(client, publish_version("v1"))
    monkeypatch.setattr(loader, "INLINE_S", 0.0)
    with serve() as threaded:
        wait_for_version(threaded, "v1")
        live = serving(threaded).live
        assert live is not None
        assert not live.is_quick
        assert without_id(recommend(threaded, "ada", limit=20)) == without_id(recommend(client, "ada", limit=20))
