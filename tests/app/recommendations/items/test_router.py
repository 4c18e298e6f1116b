"""Popular and new items: their order, their age, their filters, and items whose ids are `popular` and `new`."""

from time import monotonic
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.kit import refreshing
from app.recommendations.state.popularity import DECAYED_PRIOR_WEIGHT
from tests.app.recommendations.helpers import ITEMS, add_items, ids, rate

FIRST, A_YEAR_LATER = "2020-01-01T00:00:00Z", "2020-12-31T00:00:00Z"


def get_list(client: TestClient, name: str, **parameters: Any) -> dict[str, Any]:
    response = client.get(f"/v1/items/{name}", params=parameters)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def post(client: TestClient, rows: list[tuple[str, str, float, str]]) -> None:
    names = ("user_id", "item_id", "value", "rated_at")
    assert client.post("/v1/ratings", json=[dict(zip(names, row, strict=True)) for row in rows]).status_code == 200


def test_many_good_ratings_come_before_one_perfect_one_and_bad_ones_last(client: TestClient) -> None:
    add_items(client, ["even 0", "odd 1", "even 2", "odd 3"])
    for user in "abcdefgh":
        rate(client, user, {"even 0": 4.5, "odd 1": 1.5})
    rate(client, "i", {"even 2": 5})
    items = get_list(client, "popular")["items"]
    assert [item["item_id"] for item in items] == ["even 0", "even 2", "odd 1", "odd 3"]
    assert [item["predicted_rating"] for item in items] == [4.5, 5, 1.5, None]
    assert [item["source"] for item in items] == ["popular"] * 3 + ["new"]


def test_the_score_is_the_decayed_mean_shrunk_to_the_mean_of_all_ratings(client: TestClient) -> None:
    add_items(client, ["even 0", "odd 1"])
    rows = [("a", "even 0", 5.0, A_YEAR_LATER), ("b", "even 0", 2.0, FIRST), ("a", "odd 1", 3.0, A_YEAR_LATER)]
    post(client, rows)
    items = {item["item_id"]: item for item in get_list(client, "popular", half_life_days=365)["items"]}
    weight, total = 1.5, 5 + 0.5 * 2  # a rating that is a half-life older than the newest counts half
    overall = (total + 3) / (weight + 1)
    assert items["even 0"]["predicted_rating"] == pytest.approx(total / weight, abs=1e-4)
    prior = DECAYED_PRIOR_WEIGHT
    assert items["even 0"]["score"] == pytest.approx((total + prior * overall) / (weight + prior), abs=1e-5)


def test_a_short_half_life_discounts_old_ratings(client: TestClient) -> None:
    add_items(client, ["even 0", "odd 1"])
    rows = [(user, "even 0", 5.0, FIRST) for user in "abcdefgh"]
    post(client, [*rows, *((user, "odd 1", 4.0, A_YEAR_LATER) for user in "abc"), ("z", "even 0", 1.0, A_YEAR_LATER)])
    assert ids(get_list(client, "popular", half_life_days=3650)) == ["even 0", "odd 1"]
    assert ids(get_list(client, "popular", half_life_days=7)) == ["odd 1", "even 0"]


def test_ratings_of_another_century_are_no_error(client: TestClient) -> None:
    add_items(client, ["even 0", "odd 1"])
    post(client, [("a", "even 0", 5.0, "1870-01-01T00:00:00Z"), ("a", "odd 1", 4.0, A_YEAR_LATER)])
    items = {item["item_id"]: item for item in get_list(client, "popular", half_life_days=7)["items"]}
    assert (items["even 0"]["predicted_rating"], items["odd 1"]["predicted_rating"]) == (5, 4)
    assert items["even 0"]["score"] == pytest.approx(4)


def test_popular_items_are_counted_again_after_some_seconds_but_not_before(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_items(client, ["even 0", "odd 1"])
    rate(client, "a", {"even 0": 4})
    first = get_list(client, "popular")
    rate(client, "b", {"odd 1": 5})
    assert get_list(client, "popular")["counted_at"] == first["counted_at"]
    monkeypatch.setattr(refreshing, "monotonic", lambda: monotonic() + 3600)
    assert ids(get_list(client, "popular")) == ["odd 1", "even 0"]
    rate(client, "b", {"odd 1": 1})
    monkeypatch.setattr(refreshing, "monotonic", lambda: monotonic() + 7200)
    assert ids(get_list(client, "popular")) == ["even 0", "odd 1"]


def test_new_items_come_newest_first_rated_or_not(client: TestClient) -> None:
    add_items(client, ["even 0", "odd 1"])
    rate(client, "a", {"even 0": 5, "never announced": 2})
    assert ids(get_list(client, "new")) == ["never announced", "odd 1", "even 0"]
    assert [(i["source"], i["score"]) for i in get_list(client, "new", limit=1)["items"]] == [("new", None)]


@pytest.mark.parametrize("name", ["popular", "new"])
def test_filters_hold_for_popular_and_new_items_and_inactive_ones_are_left_out(client: TestClient, name: str) -> None:
    add_items(client)
    rate(client, "a", dict.fromkeys(ITEMS[:6], 4.0))
    assert {i.split()[0] for i in ids(get_list(client, name, limit=20, category="odd"))} == {"odd"}
    assert {i.split()[0] for i in ids(get_list(client, name, limit=20, exclude_category="odd"))} == {"even"}
    client.patch("/v1/items/even%200", json={"active": False})
    client.delete("/v1/items/odd%2011")
    left = ids(get_list(client, name, limit=20))
    assert set(left) == set(ITEMS) - {"even 0", "odd 11"}
    assert len(get_list(client, name, limit=3)["items"]) == 3


@pytest.mark.parametrize("name", ["popular", "new"])
def test_an_empty_catalogue_has_no_popular_and_no_new_items(client: TestClient, name: str) -> None:
    assert get_list(client, name)["items"] == []


def test_items_may_be_called_popular_and_new(client: TestClient) -> None:
    for name in ("popular", "new"):
        assert client.put(f"/v1/items/{name}", json={"title": name.title()}).json()["item_id"] == name
        assert "item_id" not in client.get(f"/v1/items/{name}").json()
        found = client.get("/v1/items", params={"item_id": name}).json()
        assert [(item["item_id"], item["title"]) for item in found["items"]] == [(name, name.title())]
        assert client.patch(f"/v1/items/{name}", json={"title": None}).json()["title"] is None
    assert client.delete("/v1/items/new").status_code == 200
    both = client.get("/v1/items", params={"item_id": ["new", "popular", "nowhere"]}).json()
    assert [item["item_id"] for item in both["items"]] == ["popular"]


@pytest.mark.parametrize("query", ["half_life_days=8", "half_life_days=soon", "limit=0", "category="])
def test_a_wrong_parameter_is_named(client: TestClient, query: str) -> None:
    response = client.get(f"/v1/items/popular?{query}")
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"].startswith(query.split("=")[0])
