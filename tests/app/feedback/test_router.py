"""What is recorded of an answer, and what is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from starlette.testclient import TestClient

from app.kit.times import from_us, now_us
from app.recommendations.request.enums import Source
from app.recommendations.tokens import codec
from app.recommendations.tokens.recommendation_id import (
    PURPOSE,
    ListType,
    RecommendationId,
    decode,
    encode_sources,
)
from tests.app.feedback.conftest import Stored, report
from tests.app.recommendations.helpers import ids, rate, recommend
from tests.app.recommendations.tokens.strategies import recommendation_ids

BATCH = "/v1/recommendations/batch"


def name_of(answer: dict[str, Any]) -> str:
    name: str = answer["recommendation_id"]
    return name


def test_an_impression_has_position_source_version_and_user(trained: TestClient, stored: Stored) -> None:
    answer = recommend(trained, "ada", limit=4)
    written = report(trained, {"recommendation_id": name_of(answer), "type": "impression"})
    assert written["counts"] == {"recorded": 1, "unchanged": 0, "refused": 0}
    assert written["results"] == [
        {"index": 0, "type": "impression", "item_id": None, "status": "recorded", "num_items": 4}
    ]
    rows = stored()
    assert [row.position for row in rows] == [1, 2, 3, 4]
    assert [row.source for row in rows] == [item["source"] for item in answer["items"]]
    assert {(row.list, row.version, row.type, row.experiment) for row in rows} == {("user", "v1", "impression", 0)}
    assert {row.user_id for row in rows} == {1}
    assert [row.item_id for row in rows] == decode(name_of(answer), "id").items


def test_positions_count_from_the_first_page(trained: TestClient, stored: Stored) -> None:
    first = recommend(trained, "ada", limit=3)
    second = recommend(trained, "ada", limit=4, cursor=first["next_cursor"])
    report(trained, {"recommendation_id": name_of(second), "type": "click", "item_id": ids(second)[2]})
    assert [row.position for row in stored()] == [6]


def test_the_same_event_again_changes_nothing(trained: TestClient, stored: Stored) -> None:
    name = name_of(answer := recommend(trained, "ada", limit=2))
    one = {"recommendation_id": name, "type": "click", "item_id": ids(answer)[1]}
    shown = {"recommendation_id": name, "type": "impression"}
    first = report(
        trained, one, shown, {**one, "at": datetime.now(UTC).isoformat()}, {**shown, "item_id": one["item_id"]}
    )
    assert [(row["status"], row["num_items"]) for row in first["results"]] == [
        ("recorded", 1),
        ("recorded", 2),
        ("unchanged", 0),
        ("unchanged", 0),
    ]
    before = [(row.position, row.type, row.occurred_at_us) for row in stored()]
    again = report(trained, shown, one)
    assert again["counts"] == {"recorded": 0, "unchanged": 2, "refused": 0}
    assert [(row.position, row.type, row.occurred_at_us) for row in stored()] == before
    assert len(before) == 3


def test_bad_rows_are_refused_by_field_and_the_good_ones_recorded(trained: TestClient, stored: Stored) -> None:
    name = name_of(answer := recommend(trained, "ada", limit=2))
    other = ids(recommend(trained, "ada", limit=5))[4]
    good = {"recommendation_id": name, "type": "purchase", "item_id": ids(answer)[0], "value": 12.5}
    late = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    early = (from_us(decode(name, "id").at_us) - timedelta(hours=1)).isoformat()
    bad: list[tuple[Any, str]] = [
        ({**good, "item_id": other}, "/1/item_id"),
        ({**good, "item_id": "unknown item"}, "/2/item_id"),
        ({"recommendation_id": name, "type": "click"}, "/3/item_id"),
        ({**good, "recommendation_id": name[:-9] + "AAAAAAAAA"}, "/4/recommendation_id"),
        ({**good, "type": "seen"}, "/5/type"),
        ({**good, "at": late}, "/6/at"),
        ({**good, "at": early}, "/7/at"),
        ({**good, "type": "impression", "value": 1}, "/8/value"),
        ({**good, "surprise": 1}, "/9/surprise"),
        (7, "/10"),
    ]
    written = report(trained, good, *(row for row, _ in bad))
    assert written["counts"] == {"recorded": 1, "unchanged": 0, "refused": len(bad)}
    assert [row["errors"][0]["field"] for row in written["results"][1:]] == [field for _, field in bad]
    assert all(row["errors"][0]["detail"] for row in written["results"][1:])
    assert [(row.type, row.value, row.position) for row in stored()] == [("purchase", 12.5, 1)]


@pytest.mark.parametrize(
    ("old", "new"), [("shown", "impression"), ("clicked", "click"), ("rated", "rating"), ("bought", "purchase")]
)
def test_an_old_type_is_refused_with_its_new_name(trained: TestClient, stored: Stored, old: str, new: str) -> None:
    answer = recommend(trained, "ada", limit=1)
    event = {"recommendation_id": name_of(answer), "type": old, "item_id": ids(answer)[0]}
    response = trained.post("/v1/events", json=event)
    assert (response.status_code, response.headers["content-type"]) == (422, "application/problem+json")
    assert f"/type: `{old}` is now `{new}`" in response.json()["detail"]
    assert response.json()["errors"][0]["field"] == "/type"
    assert stored() == []


def test_a_request_without_one_good_row_is_an_error(client: TestClient) -> None:
    response = client.post("/v1/events", json={"recommendation_id": "abc", "type": "impression"})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "/recommendation_id")


def new_items_id(items: list[int], subject: int = 0) -> str:
    """Return the id of a list of new items, made now."""
    answer = RecommendationId(
        list_type=ListType.NEW,
        version=None,
        catalogue_revision=0,
        at_us=now_us(),
        num_slots=0,
        items=items,
        source_codes=encode_sources([Source.NEW] * len(items)),
        subject=subject,
    )
    return codec.encode(answer, PURPOSE)


def test_an_id_of_another_server_is_refused(trained: TestClient) -> None:
    response = trained.post("/v1/events", json={"recommendation_id": new_items_id([10**6]), "type": "impression"})
    assert response.status_code == 422
    assert "another server" in response.json()["detail"]


def test_every_kind_of_answer_takes_events(trained: TestClient, stored: Stored) -> None:
    guest = trained.post("/v1/recommendations", json={"ratings": [{"item_id": "even 0", "value": 5}], "limit": 1})
    answers = [
        guest.json(),
        *trained.post(BATCH, json={"users": ["ada", "unknown"], "limit": 1}).json()["answers"],
        trained.get("/v1/items/popular?limit=1").json(),
        trained.get("/v1/items/new?limit=1").json(),
        trained.get("/v1/items/even%200/similar?limit=1").json(),
    ]
    report(trained, *({"recommendation_id": name_of(answer), "type": "impression"} for answer in answers))
    found = [(row.list, row.user_id, row.version) for row in stored()]
    assert found == [
        ("guest", None, "v1"),
        ("user", 1, "v1"),
        ("user", None, "v1"),
        ("popular", None, "v1"),
        ("new", None, "v1"),
        ("similar", None, "v1"),
    ]


def test_an_impression_of_an_answer_without_items_records_nothing(trained: TestClient, stored: Stored) -> None:
    answer = recommend(trained, "ada", category="nowhere")
    written = report(trained, {"recommendation_id": name_of(answer), "type": "impression"})
    assert (answer["items"], written["counts"]) == ([], {"recorded": 0, "unchanged": 1, "refused": 0})
    assert stored() == []


def test_a_deleted_item_still_belongs_to_its_answer(trained: TestClient, stored: Stored) -> None:
    answer = recommend(trained, "ada", limit=2)
    assert trained.delete(f"/v1/items/{ids(answer)[0]}").status_code == 200
    event = {"recommendation_id": name_of(answer), "type": "click", "item_id": ids(answer)[0]}
    assert report(trained, event)["counts"]["recorded"] == 1


def test_events_of_an_erased_user_are_deleted_and_later_ones_have_no_user(trained: TestClient, stored: Stored) -> None:
    answer = recommend(trained, "ada", limit=3)
    shown = {"recommendation_id": name_of(answer), "type": "impression"}
    report(trained, shown)
    receipt = trained.delete("/v1/users/ada").json()
    assert receipt["removed"]["events"] == 3
    assert stored() == []
    assert report(trained, shown)["counts"]["recorded"] == 1
    assert [row.user_id for row in stored()] == [None] * 3


def test_a_merge_moves_the_events(trained: TestClient, stored: Stored) -> None:
    rate(trained, "guest 7", {"even 4": 5.0})
    report(trained, {"recommendation_id": name_of(recommend(trained, "guest 7", limit=1)), "type": "impression"})
    assert [row.user_id for row in stored()] == [2]
    assert trained.post("/v1/users/ada/merge", json={"from_user_id": "guest 7"}).status_code == 200
    assert [row.user_id for row in stored()] == [1]


def test_one_event_takes_a_long_list_and_a_request_has_a_maximum_of_rows(trained: TestClient) -> None:
    events = [{"recommendation_id": new_items_id([1] * 1000, subject=n), "type": "impression"} for n in range(22)]
    written = report(trained, *events)
    assert written["counts"] == {"recorded": 20, "unchanged": 0, "refused": 2}
    assert written["results"][20]["errors"][0]["field"] == "/20"


def test_events_are_counted_for_prometheus(trained: TestClient) -> None:
    answer = recommend(trained, "ada", limit=3)
    for _ in range(2):
        report(trained, {"recommendation_id": name_of(answer), "type": "impression"})
    assert 'palate_events_total{type="impression"} 3.0' in trained.get("/metrics").text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    recommendation_ids(),
    st.lists(st.integers(1, 2**62) | st.integers(1, 12), max_size=3),
    st.sampled_from(["impression", "click"]),
)
def test_no_recommendation_id_causes_a_server_error(
    trained: TestClient, identity: RecommendationId, items: list[int], kind: str
) -> None:
    forged = replace(identity, items=items, source_codes=encode_sources([Source.NEW] * len(items)))
    event: dict[str, Any] = {"recommendation_id": codec.encode(forged, PURPOSE), "type": kind}
    if kind == "click":
        event["item_id"] = "even 2"
    response = trained.post("/v1/events", json=event)
    assert response.status_code in {200, 422}, response.text
    sources = encode_sources([Source.NEW] * 2)
    for later in (identity, replace(identity, at_us=now_us(), items=[1, 2], source_codes=sources)):
        name = codec.encode(later, PURPOSE)
        assert trained.post("/v1/events", json={"recommendation_id": name, "type": "impression"}).status_code in {
            200,
            422,
        }
