"""Twenty pages over HTTP while everything changes: no item twice, none passed over."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.database.engine import Database
from app.registry import store
from app.registry.service import remove_old
from app.settings import Settings
from models import checkpoint
from tests.app.recommendations.helpers import Publish, Serve, add_items, ids, rate, recommend, wait_for_version


@pytest.fixture
def trained(client: TestClient, publish_version: Publish) -> TestClient:
    """An app that serves a small model to a user with ratings."""
    add_items(client)
    wait_for_version(client, publish_version())
    rate(client, "ada", {"even 0": 5.0, "odd 1": 1.0})
    return client


def follow(client: TestClient, user_id: str, limit: int, **options: Any) -> list[dict[str, Any]]:
    """Read a list to its end."""
    pages = [recommend(client, user_id, limit=limit, **options)]
    while cursor := pages[-1]["next_cursor"]:
        pages.append(recommend(client, user_id, limit=limit, cursor=cursor, **options))
    return pages


@pytest.mark.parametrize("user_id", ["ada", "nobody"])
@pytest.mark.parametrize(
    "options", [{}, {"diversity": 0.5}, {"exploration": 0.3}, {"include_rated": True, "pin": "odd 5"}]
)
def test_a_list_ends_with_its_last_item(trained: TestClient, user_id: str, options: dict[str, Any]) -> None:
    whole = recommend(trained, user_id, limit=1000, **options)
    assert whole["next_cursor"] is None
    for limit in (1, 3, 5, 10, 12):
        pages = follow(trained, user_id, limit, **options)
        assert [item for page in pages for item in page["items"]] == whole["items"]
        assert all(len(page["items"]) == limit for page in pages[:-1])
        assert {page["reason"] for page in pages} == {whole["reason"]}


def test_later_pages_use_the_ratings_of_the_first(trained: TestClient) -> None:
    whole, first = recommend(trained, "ada", limit=1000), recommend(trained, "ada", limit=2)
    assert trained.delete("/v1/users/ada/ratings/even%200").status_code == 200
    rate(trained, "ada", {"odd 1": 5.0, "odd 3": 5.0})
    second = recommend(trained, "ada", limit=1000, cursor=first["next_cursor"])
    assert first["items"] + second["items"] == whole["items"]
    assert second["revision"] == first["revision"] < recommend(trained, "ada")["revision"]


def test_the_list_of_an_unknown_user_stays_the_same_after_their_first_rating(trained: TestClient) -> None:
    whole, first = recommend(trained, "bob", limit=1000), recommend(trained, "bob", limit=2)
    rate(trained, "bob", {ids(whole)[4]: 5.0})
    second = recommend(trained, "bob", limit=1000, cursor=first["next_cursor"])
    assert first["items"] + second["items"] == whole["items"]
    assert (second["reason"], second["revision"]) == ("unknown_user", None)


def test_a_list_begun_without_a_model_continues_without_one(client: TestClient, publish_version: Publish) -> None:
    add_items(client)
    rate(client, "ada", {"even 0": 5.0})
    whole, first = recommend(client, "ada", limit=1000), recommend(client, "ada", limit=2)
    wait_for_version(client, publish_version())
    second = recommend(client, "ada", limit=1000, cursor=first["next_cursor"])
    assert ids(first) + ids(second) == ids(whole)
    assert (second["model_version"], second["reason"]) == (None, "no_model")


def test_every_process_continues_a_list_of_a_model_it_never_served(
    trained: TestClient, serve: Serve, publish_version: Publish
) -> None:
    whole, first = recommend(trained, "ada", limit=1000), recommend(trained, "ada", limit=2)
    wait_for_version(trained, publish_version("v2", seed=1))
    with serve() as other:
        wait_for_version(other, "v2")
        second = recommend(other, "ada", limit=1000, cursor=first["next_cursor"])
        assert recommend(other, "ada")["model_version"] == "v2"
    assert (second["model_version"], first["items"] + second["items"]) == ("v1", whole["items"])


def test_a_cursor_of_a_removed_version_expires_with_an_explanation(
    trained: TestClient, serve: Serve, publish_version: Publish, settings: Settings, run_on_database: Callable[..., Any]
) -> None:
    cursor = recommend(trained, "ada", limit=2)["next_cursor"]
    for seed, version in enumerate(("v2", "v3"), 1):
        wait_for_version(trained, publish_version(version, seed=seed))

    async def clear(database: Database) -> None:
        for version in await database.write(remove_old, 1, datetime.now(UTC)):
            store.delete(settings.model_store, version)

    run_on_database(clear)
    assert recommend(trained, "ada", cursor=cursor)["model_version"] == "v1", "it is in this process's memory still"
    with serve() as other:
        wait_for_version(other, "v3")
        response = other.get("/v1/users/ada/recommendations", params={"cursor": cursor})
    assert (response.status_code, response.json()["type"]) == (410, "/problems/cursor-expired")
    assert "without `cursor`" in response.json()["detail"]


def test_a_cursor_of_a_damaged_version_expires(
    trained: TestClient, serve: Serve, publish_version: Publish, settings: Settings
) -> None:
    cursor = recommend(trained, "ada", limit=2)["next_cursor"]
    wait_for_version(trained, publish_version("v2", seed=1))
    (settings.model_store / "v1" / checkpoint.MANIFEST).unlink()
    with serve() as other:
        wait_for_version(other, "v2")
        assert other.get("/v1/users/ada/recommendations", params={"cursor": cursor}).status_code == 410


def test_a_cursor_of_another_list_is_refused(trained: TestClient) -> None:
    rate(trained, "bob", {"even 0": 5.0, "odd 1": 1.0})
    cursor = recommend(trained, "ada", limit=2)["next_cursor"]
    ratings = [{"item_id": "even 0", "value": 5.0}]
    guest = trained.post("/v1/recommendations", json={"ratings": ratings, "limit": 2}).json()["next_cursor"]
    wrong = [
        trained.get("/v1/users/bob/recommendations", params={"cursor": cursor}),
        trained.get("/v1/users/ada/recommendations", params={"cursor": cursor, "category": "even"}),
        trained.get("/v1/users/ada/recommendations", params={"cursor": guest}),
        trained.get("/v1/users/ada/recommendations", params={"cursor": ""}),
        trained.get("/v1/users/ada/recommendations", params={"cursor": "nonsense"}),
    ]
    for response in wrong:
        assert response.status_code == 422
        assert [error["field"] for error in response.json()["errors"]] == ["cursor"]
    for body in ({"ratings": ratings, "cursor": cursor}, {"ratings": [], "cursor": guest}):
        response = trained.post("/v1/recommendations", json=body)
        assert response.status_code == 422
        assert [error["field"] for error in response.json()["errors"]] == ["/cursor"]


def test_the_lists_of_a_batch_continue_as_lists_of_its_users(trained: TestClient) -> None:
    users = ["ada", "nobody"]
    answers = trained.post("/v1/recommendations/batch", json={"users": users, "limit": 2}).json()["answers"]
    for user, first in zip(users, answers, strict=True):
        second = recommend(trained, user, limit=1000, cursor=first["next_cursor"])
        assert ids(first) + ids(second) == ids(recommend(trained, user, limit=1000))


def test_the_cursor_of_a_deleted_user_expires_even_if_they_come_back(trained: TestClient) -> None:
    cursor = recommend(trained, "ada", limit=2)["next_cursor"]
    assert trained.delete("/v1/users/ada").status_code == 200
    for _ in range(2):
        response = trained.get("/v1/users/ada/recommendations", params={"cursor": cursor})
        assert (response.status_code, response.json()["type"]) == (410, "/problems/cursor-expired")
        rate(trained, "ada", {"even 2": 5.0})


def test_items_added_between_pages_do_not_displace_the_list(trained: TestClient) -> None:
    whole, first = recommend(trained, "nobody", limit=1000), recommend(trained, "nobody", limit=2)
    add_items(trained, [f"even later {number}" for number in range(200)])
    rest = recommend(trained, "nobody", limit=5, cursor=first["next_cursor"])
    assert ids(first) + ids(rest) == ids(whole)[:7]
    assert rest["next_cursor"]
