"""A user is not clean while an experiment serves a version that holds them."""

from datetime import UTC, datetime
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from app.registry import service
from app.registry.training_users import FILE
from app.settings import Settings
from models import checkpoint
from tests.app.erasure.conftest import rate
from tests.app.erasure.test_service import erase, follow, train
from tests.app.recommendations.helpers import row_values
from tests.app.training.conftest import Instance


def publish_without_users(instance: Instance, like: str, version: str) -> str:
    """Publish and activate a copy of a version that holds no users."""
    folder = instance.settings.model_store
    loaded = checkpoint.load(folder / like)
    tensors = {name: tensor[:0] for name, tensor in checkpoint.load_beside(folder / like, FILE).items()}
    checkpoint.save(folder / version, loaded.model, loaded.item_ids, {}, beside={FILE: tensors})

    def publish(session: Session) -> None:
        service.publish(session, activate=True, now=datetime.now(UTC), **row_values(version))

    instance.write(publish)
    return version


def start(client: TestClient, control: str, treatment: str) -> dict[str, Any]:
    answer = client.post("/v1/experiments", json={"name": "x", "control": control, "treatment": treatment})
    assert answer.status_code == 201, answer.text
    started: dict[str, Any] = answer.json()
    return started


def stop(client: TestClient, number: int) -> dict[str, Any]:
    stopped: dict[str, Any] = client.post(f"/v1/experiments/{number}/stop").raise_for_status().json()
    return stopped


def state(receipt: dict[str, Any]) -> tuple[Any, ...]:
    return receipt["state"], receipt["experiments"], receipt["clean_version"], receipt["clean_at"]


def test_a_user_is_clean_when_the_last_experiment_that_holds_them_is_stopped(
    instance: Instance, client: TestClient, settings: Settings
) -> None:
    rate(client)
    instance.start_worker()
    dirty = train(instance, "linear")
    clean, other = (publish_without_users(instance, dirty, name) for name in ("clean", "other"))
    before = start(client, other, dirty)["id"]
    stop(client, before)  # it was over when the user was erased

    receipt = erase(client)
    assert state(receipt) == ("clean", [], other, receipt["erased_at"])

    harmless = start(client, clean, other)["id"]
    assert state(follow(client, receipt)) == ("clean", [], other, receipt["erased_at"])
    stop(client, harmless)

    number = start(client, other, dirty)["id"]
    assert state(follow(client, receipt)) == ("pending", [number], None, None)
    newest = publish_without_users(instance, dirty, "newest")
    assert state(follow(client, receipt)) == ("pending", [number], None, None)
    stopped = stop(client, number)
    assert state(follow(client, receipt)) == ("clean", [], newest, stopped["stopped_at"])
