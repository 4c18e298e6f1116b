"""Filters: which items meet them, in a query and in a body."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.app.recommendations.helpers import Publish, add_items, ids, rate, recommend, wait_for_version


def test_filters_hold_for_users_and_guests_and_in_every_fallback(client: TestClient) -> None:
    add_items(client, ["a 1", "a 2", "b 3", "b 4"])
    for name, fields in {
        "a 1": {"attributes": {"year": 1990, "tags": ["x", "y"]}},
        "a 2": {"attributes": {"year": 2000}, "categories": ["a", "both"]},
        "b 3": {"attributes": {"year": 2010, "tags": "y"}, "categories": ["b", "both"]},
    }.items():
        assert client.patch(f"/v1/items/{name}", json=fields).status_code == 200
    rate(client, "ada", {"b 4": 5})

    def asked(query: Any, body: Any) -> set[str]:
        guest = client.post("/v1/recommendations", json={"ratings": [], **body})
        assert guest.status_code == 200, guest.text
        answers = [ids(guest.json()), ids(recommend(client, "ada", **query)), ids(recommend(client, "nobody", **query))]
        assert answers[0] == answers[2]
        assert set(answers[1]) == set(answers[0]) - {"b 4"}
        return set(answers[0])

    assert asked({"category_all": ["a", "both"]}, {"category_all": ["a", "both"]}) == {"a 2"}
    year = {"attribute": [{"name": "year", "gte": 1995}, {"name": "year", "lte": 2005}]}
    assert asked({"attribute": ["year:gte:1995", "year:lte:2005"]}, year) == {"a 2"}
    assert asked({"attribute": "tags:eq:y"}, {"attribute": [{"name": "tags", "eq": "y"}]}) == {"a 1", "b 3"}
    assert asked({"block": ["a 1", "unheard of"]}, {"block": ["a 1", "unheard of"]}) == {"a 2", "b 3", "b 4"}
    assert client.patch("/v1/items/a 1", json={"attributes": {"year": 2000}}).status_code == 200
    assert asked({"attribute": ["year:gte:1995", "year:lte:2005"]}, year) == {"a 1", "a 2"}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("attribute=year", "attribute"),
        ("attribute=year:above:3", "attribute"),
        ("attribute=year:gte:true", "attribute.0"),
        ("attribute={", "attribute"),
        ('attribute={"name":"x"}', "attribute.0"),
        ("attribute=x:eq:1" + "&attribute=x:eq:1" * 20, "attribute"),
        ("category_all=", "category_all.0"),
        ("block=", "block.0"),
    ],
)
def test_a_wrong_filter_in_a_query_is_named(client: TestClient, query: str, field: str) -> None:
    response = client.get(f"/v1/users/ada/recommendations?{query}")
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]


@pytest.mark.parametrize(
    ("condition", "field"),
    [
        ({"name": "x"}, "/attribute/0"),
        ({"name": "x", "eq": 1, "gte": 2}, "/attribute/0"),
        ({"name": "x", "eq": None}, "/attribute/0/eq"),
        ({"name": "x", "eq": {}}, "/attribute/0/eq"),
        ({"name": "x", "gte": 1, "lte": "b"}, "/attribute/0"),
        ({"name": "x", "in": []}, "/attribute/0/in"),
        ({"name": "x", "in": [[]]}, "/attribute/0/in/0"),
        ({"name": "", "eq": 1}, "/attribute/0/name"),
        ({"name": "x", "equals": 1}, "/attribute/0/equals"),
        ("x:eq:1", "/attribute/0"),
    ],
)
def test_a_wrong_filter_in_a_body_is_named(client: TestClient, condition: Any, field: str) -> None:
    response = client.post("/v1/recommendations", json={"ratings": [], "attribute": [condition]})
    assert response.status_code == 422
    assert field in [error["field"] for error in response.json()["errors"]]


def test_a_filters_mask_is_computed_once_for_the_catalogue_and_once_for_the_model(
    client: TestClient, publish_version: Publish
) -> None:
    add_items(client)
    wait_for_version(client, publish_version())
    rate(client, "ada", {"even 0": 5})
    asked = {"attribute": "year:gte:1990", "limit": 20}
    assert ids(recommend(client, "ada", **asked)) == []
    live, catalogue = client.app.state.serving.live, client.app.state.serving.catalogue  # type: ignore[attr-defined]
    masks = dict(live._filtered)
    assert recommend(client, "ada", **asked)["reason"] == "no_items"
    assert dict(live._filtered) == masks
    assert len(catalogue._filters) == 1
    for item, year in {"even 2": 1995, "even 4": 1985, "even 6": 2000}.items():
        client.patch(f"/v1/items/{item}", json={"attributes": {"year": year}})
    assert sorted(ids(recommend(client, "ada", **asked))) == ["even 2", "even 6"]
    assert len(live._filtered) == len(catalogue._filters) == 1
