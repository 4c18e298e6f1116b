"""Exploration and diversity of answers."""

from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from app.recommendations.content.cold_start import ColdItems
from app.recommendations.ranking.diversity import vectors_of
from tests.app.recommendations.helpers import Publish, add_items, ids, rate, recommend, wait_for_version, without_id

NEW = [f"even {number}" for number in range(100, 130)]


@pytest.fixture
def trained(client: TestClient, publish_version: Publish) -> TestClient:
    """An app that serves a model, with items the model does not know."""
    add_items(client)
    wait_for_version(client, publish_version())
    add_items(client, NEW)
    rate(client, "ada", {"even 0": 5, "odd 1": 1})
    return client


def new_places(answer: dict[str, Any]) -> list[int]:
    return [place for place, item in enumerate(answer["items"]) if item["source"] == "new"]


@pytest.mark.parametrize("user", ["ada", "nobody"])
def test_new_items_get_their_share_and_the_others_keep_their_order(trained: TestClient, user: str) -> None:
    plain = recommend(trained, user, limit=10)
    assert new_places(plain) == []
    answer = recommend(trained, user, limit=10, exploration=0.3)
    assert len(new_places(answer)) == 3
    kept = [item for item in answer["items"] if item["source"] != "new"]
    assert kept == plain["items"][:7]
    assert all(item["item_id"] in NEW for item in answer["items"] if item["source"] == "new")
    assert without_id(recommend(trained, user, limit=10, exploration=0.3)) == without_id(answer)


def test_all_places_may_be_for_new_items(trained: TestClient) -> None:
    answer = recommend(trained, "ada", limit=10, exploration=1)
    assert new_places(answer) == list(range(10))
    assert ids(answer) != sorted(ids(answer), reverse=True)


def test_exploration_draws_differ_between_users_and_after_a_rating(trained: TestClient) -> None:
    def draws(user: str) -> list[str]:
        return ids(recommend(trained, user, exploration=1))

    rate(trained, "bob", {"even 0": 5, "odd 1": 1})
    first = draws("ada")
    assert draws("ada") == first
    assert len({tuple(draws(user)) for user in ("ada", "bob", "nobody", "no other")}) == 4
    rate(trained, "ada", {"even 2": 5})
    assert draws("ada") != first


def test_a_guest_with_the_same_ratings_gets_the_same_new_items(trained: TestClient) -> None:
    body = {"ratings": [{"item_id": "even 0", "value": 5}], "exploration": 0.5}
    answer = trained.post("/v1/recommendations", json=body).json()
    assert len(new_places(answer)) == 5
    assert without_id(trained.post("/v1/recommendations", json=body).json()) == without_id(answer)


def test_explored_items_respect_filters_and_blocks(trained: TestClient) -> None:
    answer = recommend(trained, "ada", limit=20, exploration=1, block=NEW[:20])
    assert set(ids(answer)[:10]) == set(NEW[20:])
    assert not set(ids(recommend(trained, "ada", limit=20, exploration=1, category="odd"))) & set(NEW)


def test_a_boost_makes_a_new_item_more_likely(trained: TestClient) -> None:
    assert ids(recommend(trained, "ada", exploration=1, boost="1000:item:even 117"))[0] == "even 117"
    assert "even 117" not in ids(recommend(trained, "ada", exploration=1, boost="0.001:item:even 117"))


def test_diversity_adds_dissimilar_items_and_zero_keeps_the_plain_list(trained: TestClient) -> None:
    plain = recommend(trained, "ada", limit=8)
    assert without_id(recommend(trained, "ada", limit=8, diversity=0)) == without_id(plain)
    diverse = recommend(trained, "ada", limit=8, diversity=1)
    assert ids(diverse)[0] == ids(plain)[0]
    assert [item.split()[0] for item in ids(plain)[:3]] == ["even"] * 3
    assert "odd" in {item.split()[0] for item in ids(diverse)[:3]}
    assert {item["source"] for item in diverse["items"]} == {"personal"}
    for path in ("/v1/items/popular", "/v1/items/new", "/v1/users/nobody/recommendations"):
        answer = trained.get(path, params={"diversity": 1, "limit": 42})
        assert answer.status_code == 200
        assert sorted(ids(answer.json())) == sorted(ids(trained.get(path, params={"limit": 42}).json()))


def test_a_new_items_vector_is_that_of_its_neighbours(trained: TestClient) -> None:
    recommend(trained, "ada")  # takes the new items up
    catalogue = trained.app.state.serving.catalogue  # type: ignore[attr-defined]
    live = trained.app.state.serving.live  # type: ignore[attr-defined]
    live.fit_to(catalogue)
    like_even_0, like_odd_1, unlike = (catalogue.slot_of_external_id[item] for item in NEW[:3])
    cold = ColdItems(
        np.array([like_even_0, like_odd_1]),
        np.array([[0, 0], [1, 1]], np.int32),
        np.full((2, 2), 0.5, np.float32),
        np.ones(2, np.float32),
    )
    vectors = live.model.item_vectors()
    live.cold = cold
    found = vectors_of(live, vectors, np.array([0, like_odd_1, unlike, like_even_0]))
    np.testing.assert_allclose(found, [vectors[0], vectors[1], 0 * vectors[0], vectors[0]], atol=1e-6)


@pytest.mark.parametrize("user", ["ada", "nobody"])
def test_pages_of_a_reranked_list_join_to_the_whole(trained: TestClient, user: str) -> None:
    asked = {
        "exploration": 0.3,
        "diversity": 0.5,
        "pin": ['{"item_id":"odd 5","position":7}', "even 102"],
        "boost": "2:category:odd",
        "block": "even 103",
    }
    whole = ids(recommend(trained, user, limit=40, **asked))
    assert (whole[0], whole[6]) == ("even 102", "odd 5")
    pages, cursor = list[str](), None
    while page := recommend(trained, user, limit=6, **asked, **({"cursor": cursor} if cursor else {})):
        pages += ids(page)
        if (cursor := page["next_cursor"]) is None:
            break
    assert pages[:40] == whole
    assert len(set(pages)) == len(pages) == 12 + len(NEW) - 1 - (2 if user == "ada" else 0)


@pytest.mark.parametrize("query", ["diversity=1.1", "diversity=-0.1", "exploration=2", "exploration=some"])
def test_shares_out_of_range_are_refused(client: TestClient, query: str) -> None:
    response = client.get(f"/v1/users/ada/recommendations?{query}")
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [query.split("=")[0]]
