"""Many users at once get what each gets alone."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.app.recommendations.helpers import (
    ITEMS,
    Publish,
    add_items,
    ids,
    rate,
    recommend,
    wait_for_version,
    without_id,
)

USERS = {
    "ada": {"even 0": 5.0, "even 2": 5.0, "odd 1": 1.0},
    "grace": {"odd 1": 5.0, "even 2": 2.0},
    "everything": dict.fromkeys(ITEMS, 4.0),
    "unheard of things": {"odd 90": 5.0},
}
ASKED = [*USERS, "nobody", "ada"]


@pytest.fixture(params=["linear", "denoising", None])
def client_with_users(request: pytest.FixtureRequest, client: TestClient, publish_version: Publish) -> TestClient:
    """An app with users of every sort, with a model of each kind or none."""
    add_items(client)
    if request.param:
        wait_for_version(client, publish_version("v1", request.param))
    for user, ratings in USERS.items():
        rate(client, user, ratings)
    return client


def ask(client: TestClient, **body: Any) -> list[dict[str, Any]]:
    response = client.post("/v1/recommendations/batch", json=body)
    assert response.status_code == 200, response.text
    answers: list[dict[str, Any]] = response.json()["answers"]
    return answers


def rounded(value: Any) -> Any:
    """Scores of users folded in together and alone differ by rounding."""
    if isinstance(value, dict):
        return {name: rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return pytest.approx(value, abs=1e-5) if isinstance(value, float) else value


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"limit": 3, "include_rated": True},
        {"limit": 20, "category": ["odd"]},
        {"exclude_category": ["odd"]},
        {"category": ["nowhere"]},
        {"explain": True},
        {"diversity": 0.5, "exploration": 0.2, "block": ["even 4"]},
    ],
)
def test_a_batch_returns_what_single_requests_return(client_with_users: TestClient, options: dict[str, Any]) -> None:
    answers = ask(client_with_users, users=ASKED, **options)
    for user, answer in zip(ASKED, answers, strict=True):
        alone = recommend(client_with_users, user, **options)
        assert without_id(answer) == rounded(without_id(alone)), user


def test_a_rating_counts_in_the_next_batch(client: TestClient, publish_version: Publish) -> None:
    add_items(client)
    wait_for_version(client, publish_version())
    before = ask(client, users=["ada"])[0]
    written = rate(client, "ada", {"even 0": 5})
    after = ask(client, users=["ada"])[0]
    assert (before["reason"], after["reason"]) == ("unknown_user", None)
    assert after["revision"] == written["revision"]
    assert "even 0" not in ids(after)


def test_more_users_than_fit_one_pass_get_their_own_answers(
    client: TestClient, publish_version: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.recommendations.users.batch.MAX_SCORES", 3 * len(ITEMS))
    add_items(client)
    wait_for_version(client, publish_version("v1", "denoising"))
    for number in range(8):
        rate(client, f"u{number}", {ITEMS[number]: 5.0})
    users = [f"u{number}" for number in range(8)]
    for user, answer in zip(users, ask(client, users=users), strict=True):
        assert without_id(answer) == rounded(without_id(recommend(client, user)))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"users": []}, "/users"),
        ({"users": ["a"] * 1001}, "/users"),
        ({"users": ["a", ""]}, "/users/1"),
        ({"users": ["a"], "limit": 0}, "/limit"),
        ({"users": ["a"], "surprise": 1}, "/surprise"),
        ({}, "/users"),
    ],
)
def test_a_batch_that_is_wrong_names_the_field(client: TestClient, body: dict[str, Any], field: str) -> None:
    response = client.post("/v1/recommendations/batch", json=body)
    assert response.status_code == 422
    assert field in [error["field"] for error in response.json()["errors"]]
