"""Items over HTTP."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

ALIEN = {"title": "Alien", "categories": ["Horror"], "active": True, "attributes": {"year": 1979, "odd": 1.7e308}}


def test_an_item_put_is_returned_and_putting_the_same_again_keeps_its_revision(client: TestClient) -> None:
    first = client.put("/v1/items/a%2Fb", json=ALIEN).json()
    assert {name: first[name] for name in ALIEN} == ALIEN
    assert first["item_id"] == "a/b"
    assert client.put("/v1/items/a%2Fb", json=ALIEN).json() == first == client.get("/v1/items/a%2Fb").json()
    changed = client.put("/v1/items/a%2Fb", json={"title": "Aliens"}).json()
    assert (changed["categories"], changed["attributes"], changed["revision"]) == ([], {}, first["revision"] + 1)
    assert changed["created_at"] == first["created_at"]


def test_a_patch_changes_only_what_is_sent(client: TestClient) -> None:
    client.put("/v1/items/x", json=ALIEN)
    assert client.patch("/v1/items/x", json={"active": False}).json()["title"] == "Alien"
    patched = client.patch("/v1/items/x", json={"title": None}).json()
    assert (patched["title"], patched["active"], patched["categories"]) == (None, False, ["Horror"])
    assert client.patch("/v1/items/nowhere", json={}).status_code == 404


def test_every_item_of_a_batch_has_its_result(client: TestClient) -> None:
    client.put("/v1/items/x", json=ALIEN)
    rows: list[Any] = [{"item_id": "x"} | ALIEN, {"item_id": "y"}, {"item_id": "y", "title": "Y"}, {"title": "none"}]
    answer = client.post("/v1/items", json=rows).json()
    assert [row["status"] for row in answer["results"]] == ["unchanged", "created", "updated", "refused"]
    assert answer["counts"] == {"created": 1, "updated": 1, "unchanged": 1, "refused": 1}
    assert answer["results"][3]["errors"] == [{"field": "/3/item_id", "detail": "is missing: add it"}]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": "a\0b"}, "/title"),
        ({"categories": [""]}, "/categories/0"),
        ({"categories": "Horror"}, "/categories"),
        ({"active": "yes"}, "/active"),
        ({"attributes": {"k": "x" * 16_385}}, "/attributes"),
        ({"attributes": {"k": 2**63}}, "/attributes"),
        ({"attributes": {"k\0": 1}}, "/attributes"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_what_cannot_be_kept_is_refused_naming_the_field(client: TestClient, fields: Any, field: str) -> None:
    for answer in (client.put("/v1/items/x", json=fields), client.post("/v1/items", json={"item_id": "x"} | fields)):
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert client.get("/v1/items/x").status_code == 404


def test_a_walk_over_the_pages_shows_every_item_once(client: TestClient) -> None:
    client.post("/v1/items", json=[{"item_id": f"i{n:02}"} for n in range(25)])
    client.delete("/v1/items/i07")
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 10}
    while True:
        page = client.get("/v1/items", params=query).json()
        seen += [item["item_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == [f"i{n:02}" for n in range(25) if n != 7]


def test_an_item_removed_is_gone_with_its_ratings_and_put_again_is_new(client: TestClient) -> None:
    client.put("/v1/items/x", json=ALIEN)
    client.post("/v1/ratings", json=[{"user_id": f"u{n}", "item_id": "x", "value": 3} for n in range(3)])
    removed = client.delete("/v1/items/x").json()
    assert "the item again" in removed.pop("later")
    assert removed == {"item_id": "x", "num_ratings_removed": 3, "revision": 6}
    assert client.get("/v1/items/x").status_code == client.delete("/v1/items/x").status_code == 404
    assert client.get("/v1/users/u0/ratings").json()["ratings"] == []
    assert client.put("/v1/items/x", json={}).json()["attributes"] == {}


@pytest.mark.parametrize(("before", "after"), [(1, True), (False, 0), (2, 2.0)])
def test_an_attribute_that_changes_only_its_kind_is_stored(client: TestClient, before: Any, after: Any) -> None:
    client.put("/v1/items/x", json={"attributes": {"a": [before]}})
    client.put("/v1/items/x", json={"attributes": {"a": [after]}})
    assert f'"attributes":{{"a":[{json.dumps(after)}]}}' in client.get("/v1/items/x").text
