"""A list that names one thing twice is answered, or refused with 422: never an error of ours."""

from typing import Any

from starlette.testclient import TestClient

from tests.app.recommendations.helpers import Publish, add_items, rate, wait_for_version

RATED: dict[str, Any] = {"item_id": "even 0", "value": 5}
RATING = RATED | {"user_id": "ada"}
TWICE = ["even 0", "even 0"]
PIN = {"item_id": "even 0", "position": 1}
BOOST = {"factor": 2, "category": ["even", "even"]}
IN_LISTS = ("block=even%200", "pin=even%200:1", "category=even", "category_all=even", "exclude_category=even")
CALLS: list[tuple[str, str, Any]] = [
    ("POST", "/v1/ratings", [RATING] * 2),
    ("POST", "/v1/items", [{"item_id": "even 0", "categories": ["even", "even"]}] * 2),
    ("POST", "/v1/users/ada/merge", {"ratings": [RATED] * 2}),
    ("POST", "/v1/users/ada/what-if", {"remove": TWICE}),
    ("POST", "/v1/users/ada/what-if", {"set": [RATED] * 2}),
    ("POST", "/v1/predictions", {"ratings": [RATED], "item_ids": TWICE}),
    ("POST", "/v1/predictions", {"ratings": [RATED] * 2, "item_ids": ["even 2"]}),
    ("POST", "/v1/questions", {"ratings": [RATED] * 2}),
    ("POST", "/v1/recommendations", {"ratings": [RATED] * 2}),
    ("POST", "/v1/recommendations", {"ratings": [RATED], "block": TWICE, "boost": [BOOST] * 2}),
    ("POST", "/v1/recommendations", {"ratings": [RATED], "pin": [PIN] * 2}),
    ("POST", "/v1/recommendations/batch", {"users": ["ada", "ada"], "block": TWICE}),
    ("PUT", "/v1/rules", {"block": TWICE, "boost": [BOOST] * 2}),
    ("PUT", "/v1/rules", {"pin": [PIN] * 2}),
    ("GET", "/v1/items?item_id=even%200&item_id=even%200", None),
    ("GET", "/v1/users/ada/predictions?item_id=even%200&item_id=even%200", None),
    ("GET", "/v1/reports?by=source&by=source", None),
    *(("GET", f"/v1/users/ada/recommendations?{each}&{each}", None) for each in IN_LISTS),
]


def test_no_list_that_repeats_is_an_error_of_ours(client: TestClient, publish_version: Publish) -> None:
    add_items(client)
    wait_for_version(client, publish_version("v1", "linear"))
    rate(client, "ada", {"even 0": 5.0, "odd 1": 1.0})
    answers = {(method, url, str(body)): client.request(method, url, json=body) for method, url, body in CALLS}
    failed = {call: answer.text for call, answer in answers.items() if answer.status_code not in (200, 422)}
    assert failed == {}
