"""Stored rules: shown as they were set, refused where they are wrong."""

from typing import Any

import pytest
from starlette.testclient import TestClient


def test_rules_are_returned_as_set_and_equal_rules_keep_the_revision(client: TestClient) -> None:
    empty: dict[str, Any] = {"block": [], "boost": [], "pin": [], "revision": None, "updated_at": None}
    assert client.get("/v1/rules").json() == empty
    rules = {"boost": [{"factor": 2.0, "attribute": [{"name": "x", "in": [True, 1]}]}], "pin": [{"item_id": "a"}]}
    first = client.put("/v1/rules", json=rules).json()
    assert client.put("/v1/rules", json=rules).json() == first == client.get("/v1/rules").json()
    assert {name: first[name] for name in ("block", "boost", "pin")} == {"block": [], **rules}
    assert client.put("/v1/rules", json={}).json()["revision"] > first["revision"]
    assert client.delete("/v1/rules").status_code == 204
    assert client.delete("/v1/rules").status_code == 204
    assert client.get("/v1/rules").json() == empty


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({"boost": [{"factor": 2}]}, "/boost/0"),
        ({"boost": [{"factor": 0, "item_id": ["a"]}]}, "/boost/0/factor"),
        ({"boost": [{"factor": "2", "item_id": ["a"]}]}, "/boost/0/factor"),
        ({"boost": [{"factor": True, "item_id": ["a"]}]}, "/boost/0/factor"),
        ({"pin": [{"item_id": "a"}, {"item_id": "a"}]}, "/pin"),
        ({"pin": [{"item_id": "a", "position": 1}, {"item_id": "b", "position": 1}]}, "/pin"),
        ({"pin": [{"item_id": "a", "position": 0}]}, "/pin/0/position"),
        ({"block": [""]}, "/block/0"),
        ({"blocked": []}, "/blocked"),
    ],
)
def test_wrong_rules_are_named(client: TestClient, rules: dict[str, Any], field: str) -> None:
    response = client.put("/v1/rules", json=rules)
    assert response.status_code == 422
    assert field in [error["field"] for error in response.json()["errors"]]
    guest = client.post("/v1/recommendations", json={"ratings": [], **rules})
    assert field in [error["field"] for error in guest.json()["errors"]]
