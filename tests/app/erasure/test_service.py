"""Erasing a user: their rows, the models that hold them, and the receipt."""

from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.erasure import service
from app.kit.times import now_us
from app.registry.training_users import FILE
from app.tables import Base
from tests.app.erasure.conftest import ADA, ADA_URL, NUM_RATED, rate
from tests.app.training.conftest import NUM_USERS, Instance


def train(instance: Instance, kind: str, **options: Any) -> str:
    """Train a version."""
    run = instance.wait_for_end(instance.request(kind, **options)).run
    assert run.error is None
    return str(run.version)


def erase(client: TestClient, url: str = ADA_URL) -> dict[str, Any]:
    answer = client.delete(url)
    assert answer.status_code == 200, answer.text
    receipt: dict[str, Any] = answer.json()
    assert "a new user" in receipt.pop("later")
    return receipt


def follow(client: TestClient, receipt: dict[str, Any]) -> dict[str, Any]:
    answer = client.get(f"/v1/erasures/{receipt['erasure_id']}")
    assert answer.status_code == 200, answer.text
    now: dict[str, Any] = answer.json()
    return now


@pytest.mark.parametrize(
    ("kind", "goes_on"),
    [("linear", "hyper-parameters of {}"), ("denoising", "warm from {}")],
    ids=["linear", "denoising"],
)
def test_a_receipt_is_pending_until_a_version_without_the_user_is_live(
    instance: Instance, client: TestClient, kind: str, goes_on: str
) -> None:
    rate(client)
    instance.start_worker(keep_versions=1)
    versions = [train(instance, kind, epochs=3), train(instance, kind, epochs=8)]
    assert client.get(f"/v1/models/{versions[1]}").json()["gate"]["start"] == goes_on.format(versions[0])

    receipt = erase(client)

    assert receipt["state"] == "pending"
    assert receipt["removed"] == {"users": 1, "ratings": NUM_RATED + 1, "rating_changes": NUM_RATED + 2, "events": 0}
    assert [(row["version"], row["part"]) for row in receipt["versions"]] == [(v, "trained") for v in versions[::-1]]
    assert receipt["live_version_holds"]
    assert (receipt["clean_version"], receipt["clean_at"], receipt["purged_at"]) == (None, None, None)
    assert follow(client, receipt) == receipt

    clean = train(instance, kind, epochs=3)
    version = client.post(f"/v1/models/{clean}/activate", json={"force": True}).json()

    assert version["gate"]["start"] == f"cold, because {versions[1]} holds a user who was erased"
    assert version["watermark"] >= receipt["revision"]
    now = follow(client, receipt)
    assert (now["state"], now["clean_version"], now["live_version_holds"]) == ("clean", clean, False)
    assert datetime.fromisoformat(now["clean_at"]) == datetime.fromisoformat(version["activated_at"])

    assert [client.get(f"/v1/models/{name}").json()["num_erased"] for name in (versions[1], clean)] == [1, 0]

    # A version that holds the user goes live again; then it is removed, and with it all that held the user.
    assert client.post(f"/v1/models/{versions[1]}/activate").is_success
    assert follow(client, receipt)["state"] == "pending"
    assert client.post(f"/v1/models/{clean}/activate").is_success
    last = train(instance, kind, epochs=3)
    assert client.post(f"/v1/models/{last}/activate", json={"force": True}).is_success
    train(instance, kind, epochs=3)
    now = instance.wait_until(lambda: (found := follow(client, receipt))["purged_at"] and found)
    assert (now["state"], now["clean_version"]) == ("purged", clean)
    assert now["purged_at"] == max(row["removed_at"] for row in now["versions"])


def test_an_unknown_user_is_not_erased(client: TestClient) -> None:
    rate(client)
    erase(client)
    for url in (ADA_URL, "/v1/users/unknown"):
        answer = client.delete(url)
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/user-not-found")
        assert "GET /v1/erasures/" in answer.json()["detail"]
    unknown = client.get("/v1/erasures/0")
    assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/erasure-not-found")


def test_the_same_id_is_a_new_user_under_a_new_number(client: TestClient) -> None:
    rate(client)
    first = erase(client)
    assert (first["state"], first["versions"], first["clean_version"]) == ("purged", [], None)

    again = {"user_id": ADA, "item_id": "item-20", "value": 2}
    assert client.post("/v1/ratings", json=again).json()["counts"]["created"] == 1  # a tombstone would call it stale

    (rating,) = client.get(f"{ADA_URL}/ratings").json()["ratings"]
    assert (rating["item_id"], rating["value"]) == ("item-20", 2)
    assert rating["revision"] > first["revision"]
    second = erase(client)
    assert second["user_number"] > first["user_number"]
    assert second["removed"] == {"users": 1, "ratings": 1, "rating_changes": 1, "events": 0}


def test_a_version_with_damaged_files_counts_as_one_that_holds_the_user(instance: Instance, client: TestClient) -> None:
    rate(client)
    instance.start_worker()
    version = train(instance, "linear")
    holders = instance.settings.model_store / version / FILE
    holders.write_bytes(holders.read_bytes()[:10])

    receipt = erase(client)

    assert receipt["state"] == "pending"
    assert [(row["version"], row["part"]) for row in receipt["versions"]] == [(version, "unknown")]


def test_a_user_who_was_erased_and_came_again_meanwhile_is_found_by_their_new_number(
    instance: Instance, client: TestClient
) -> None:
    rate(client)
    instance.start_worker()
    version = train(instance, "linear")
    of_another = service.RolesRead(number=NUM_USERS, roles={version: None})

    receipt = instance.write(service.erase, ADA, of_another, model_store=instance.settings.model_store, now_us=now_us())

    assert receipt.erasure.user_number == NUM_USERS + 1
    assert [(row.version, part) for row, part in receipt.versions] == [(version, "trained")]


def test_every_column_that_refers_to_a_user_is_known_to_erasure() -> None:
    """Columns that refer to users: `user_id`, by number, which are swept; the receipt's own; and counts."""
    columns = [column for table in Base.metadata.sorted_tables for column in table.c if "user" in column.name]
    swept = [column for column in columns if column.name == "user_id"]
    assert {column.table.name for column in swept} >= {"ratings", "rating_changes"}
    assert {column.type.python_type for column in swept} == {int}
    others = {str(column) for column in columns if column.name != "user_id"}
    assert others == {"erasures.user_number", "model_versions.num_users"}
