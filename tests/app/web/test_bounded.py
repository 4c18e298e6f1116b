"""Bodies with more mistakes than anyone wants to read."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.kit.validation import MAX_FIELDS

WIDE = {f"unknown{n}": 0 for n in range(3_000)}
WIDEST = {f"u{n}": 0 for n in range(130_000)}


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/v1/recommendations", {"ratings": [], **WIDE}, "has 3,001 fields"),
        ("/v1/recommendations", {"ratings": [WIDE]}, "/ratings/0"),
        ("/v1/recommendations", {"ratings": [], **WIDEST}, "more than 120,000 values"),
        ("/v1/ratings", WIDEST, "more than 120,000 values"),
        ("/v1/events", [{"t": 0}] * 130_000, "more than 120,000 values"),
        ("/v1/events", [{"t": 0}] * 2_000, "2000 rows"),
    ],
)
def test_a_body_with_too_many_mistakes_is_refused_as_a_whole(
    plain: TestClient, path: str, body: Any, said: str
) -> None:
    answer = plain.post(path, json=body)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert len(answer.json()["errors"]) == 1


def test_of_a_long_list_the_first_mistakes_are_named_with_their_places(plain: TestClient) -> None:
    ratings = [{"item_id": f"i{n}", "value": 3} for n in range(3_000)]
    ratings[250]["value"] = ratings[251]["value"] = "high"
    ratings[1_900]["value"] = "low"
    errors = plain.post("/v1/recommendations", json={"ratings": ratings}).json()["errors"]
    assert [error["field"] for error in errors] == ["/ratings/250/value", "/ratings/251/value"]


def test_of_a_row_a_few_unknown_fields_are_named_and_each_row_is(plain: TestClient) -> None:
    wrong = {"user_id": "ada", "item_id": "alien", "value": 3, **{f"u{n}": 0 for n in range(100)}}
    answer = plain.post("/v1/ratings", json=[wrong, {"user_id": "ada", "item_id": "alien", "value": 3}]).json()
    assert json.dumps(answer).count("is not known here") == 5


def test_a_long_list_that_is_right_is_answered(plain: TestClient) -> None:
    ratings = [{"item_id": f"i{n}", "value": 3} for n in range(10_000)]
    assert plain.post("/v1/recommendations", json={"ratings": ratings}).status_code == 200
    assert plain.post("/v1/recommendations", json={"ratings": [*ratings, *ratings]}).status_code == 422
    assert MAX_FIELDS == 20
