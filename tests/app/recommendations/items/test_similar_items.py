"""Similar items: by the model, by attributes, with filters; in every state of model and catalogue."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.app.recommendations.helpers import ITEMS, Publish, add_items, ids, wait_for_version

FILMS: list[dict[str, Any]] = [
    {"item_id": "alien", "title": "Alien", "categories": ["Sci-Fi", "Horror"], "attributes": {"year": 1979}},
    {
        "item_id": "aliens",
        "title": "Alien II: Aliens",
        "categories": ["Sci-Fi", "Action"],
        "attributes": {"year": 1986},
    },
    {"item_id": "solaris", "title": "Solaris", "categories": ["Sci-Fi", "Drama"], "attributes": {"year": 1972}},
    {"item_id": "clueless", "title": "Clueless", "categories": ["Comedy"], "attributes": {"year": 1995}},
    {"item_id": "emma", "title": "Emma", "categories": ["Comedy", "Romance"], "attributes": {"year": 1996}},
    {"item_id": "bare"},
    {"item_id": "bare too"},
]


def similar(client: TestClient, item_id: str, **parameters: Any) -> dict[str, Any]:
    response = client.get(f"/v1/items/{item_id}/similar", params=parameters)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


@pytest.fixture
def trained(client: TestClient, publish_version: Publish) -> TestClient:
    """An app with items and a model."""
    add_items(client, title=None, categories=[])
    wait_for_version(client, publish_version(kind="lowrank"))
    return client


def test_without_a_model_items_are_similar_by_their_content(client: TestClient) -> None:
    client.post("/v1/items", json=FILMS)
    answer = similar(client, "alien")
    assert answer["model_version"] is None
    assert ids(answer)[:2] == ["aliens", "solaris"]
    assert "clueless" not in ids(answer)[:2]
    assert {item["source"] for item in answer["items"]} == {"attributes"}
    assert ids(similar(client, "clueless"))[0] == "emma"
    assert similar(client, "bare")["items"] == []


def test_items_that_the_same_users_like_are_similar(trained: TestClient) -> None:
    answer = similar(trained, "even%204", limit=5)
    assert answer["model_version"] == "v1"
    assert {item.split()[0] for item in ids(answer)} == {"even"}
    assert "even 4" not in ids(answer)
    assert {item["source"] for item in answer["items"]} == {"similar"}
    scores = [item["similarity"] for item in answer["items"]]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] <= scores[0] <= 1


def test_an_item_the_model_does_not_know_is_similar_by_its_attributes(trained: TestClient) -> None:
    for number in (2, 4):
        trained.patch(f"/v1/items/even%20{number}", json={"categories": ["Western"]})
    trained.put("/v1/items/fresh", json={"title": "Quite another", "categories": ["Western"]})
    answer = similar(trained, "fresh")
    assert set(ids(answer)) == {"even 2", "even 4"}
    assert {item["source"] for item in answer["items"]} == {"attributes"}


def test_a_mixed_answer_names_the_source_of_each_item(trained: TestClient) -> None:
    trained.patch("/v1/items/even%202", json={"categories": ["Western"]})
    trained.put("/v1/items/fresh", json={"categories": ["Western"]})
    sources = {item["item_id"]: item["source"] for item in similar(trained, "even%202", limit=20)["items"]}
    assert sources["fresh"] == "attributes"
    assert sources["even 4"] == "similar"


def test_a_change_of_content_counts_in_the_next_answer(client: TestClient) -> None:
    client.post("/v1/items", json=FILMS)
    assert "bare" not in ids(similar(client, "alien"))
    client.patch("/v1/items/bare", json={"title": "Alien", "categories": ["Horror", "Sci-Fi"]})
    assert ids(similar(client, "alien"))[0] == "bare"
    client.delete("/v1/items/aliens")
    client.patch("/v1/items/bare", json={"active": False})
    assert not {"bare", "aliens"} & set(ids(similar(client, "alien")))
    assert ids(similar(client, "bare"))[0] == "alien"  # what is sold out has something like it


def test_filters_and_blocks_hold_for_similar_items(client: TestClient) -> None:
    client.post("/v1/items", json=FILMS)
    assert ids(similar(client, "alien", category="Drama")) == ["solaris"]
    assert "aliens" not in ids(similar(client, "alien", exclude_category="Action"))
    assert "aliens" not in ids(similar(client, "alien", block="aliens"))
    assert len(similar(client, "alien", limit=1)["items"]) == 1


def test_rules_hold_for_similar_items(client: TestClient) -> None:
    client.post("/v1/items", json=FILMS)
    plain = ids(similar(client, "alien"))
    assert plain[:2] == ["aliens", "solaris"]
    assert ids(similar(client, "alien", boost="3:item:solaris"))[:2] == ["solaris", "aliens"]
    assert ids(similar(client, "alien", boost="1:item:solaris")) == plain
    pinned = similar(client, "alien", pin=["bare", "alien", "solaris"])["items"]
    assert [(item["item_id"], item["source"]) for item in pinned[:3]] == [
        ("bare", "pinned"),
        ("solaris", "pinned"),
        ("aliens", "attributes"),
    ]
    assert (pinned[0]["similarity"], pinned[1]["similarity"] > 0) == (None, True)
    assert client.put("/v1/rules", json={"block": ["aliens"], "pin": [{"item_id": "emma"}]}).status_code == 200
    assert ids(similar(client, "alien"))[:2] == ["emma", "solaris"]
    assert "aliens" not in ids(similar(client, "alien", limit=20, exploration=0.5, diversity=0.5))
    new = [item for item in similar(client, "solaris", exploration=1)["items"] if item["source"] == "new"]
    assert {item["similarity"] for item in new} == {None}
    assert not {"aliens", "solaris", "emma"} & {item["item_id"] for item in new}


def test_a_large_catalogue_is_updated_item_by_item(client: TestClient) -> None:
    rows = [{"item_id": f"i{n}", "title": f"Part {n % 50}", "categories": [f"c{n % 40}"]} for n in range(800)]
    client.post("/v1/items", json=rows)
    assert "i203" in ids(similar(client, "i3"))
    client.put("/v1/items/late", json={"title": "Part 3", "categories": ["c3"]})
    assert "late" in ids(similar(client, "i3"))
    client.put("/v1/items/late", json={"title": "Part 7", "categories": ["c8"]})
    assert "late" not in ids(similar(client, "i3"))
    assert similar(client, "late")["items"]


def test_an_item_that_does_not_exist_or_was_deleted_is_not_found(trained: TestClient) -> None:
    trained.delete("/v1/items/even%200")
    for item_id in ("nowhere", "even%200"):
        response = trained.get(f"/v1/items/{item_id}/similar")
        assert (response.status_code, response.json()["type"].rsplit("/")[-1]) == (404, "item-not-found")
    trained.put("/v1/items/even%200", json={"title": "Back"})
    assert "even 0" not in ids(similar(trained, "even%200"))


def test_items_named_popular_and_new_have_similar_items(client: TestClient) -> None:
    client.post("/v1/items", json=[{**FILMS[0], "item_id": "popular"}, {**FILMS[0], "item_id": "new"}, *FILMS])
    assert "new" in ids(similar(client, "popular"))


def test_every_kind_of_model_finds_similar_items(client: TestClient, publish_version: Publish) -> None:
    add_items(client, categories=[])
    for number, kind in enumerate(("linear", "denoising", "lowrank")):
        wait_for_version(client, publish_version(f"v{number}", kind))
        answer = similar(client, "odd%203", limit=len(ITEMS))
        assert answer["model_version"] == f"v{number}"
        assert answer["items"][0]["item_id"].startswith("odd")
