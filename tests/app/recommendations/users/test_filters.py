"""Filters: what they let through, in a query and in a body alike."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from app.recommendations.catalogue.attribute_index import MAX_CHANGES
from app.recommendations.catalogue.index import Catalogue, CatalogueRow
from app.recommendations.request.attribute_values import key_of
from app.recommendations.request.filter_schemas import ConditionIn, FilterIn
from app.recommendations.request.options import Filter
from app.recommendations.request.query_syntax import read_condition
from tests.app.recommendations.helpers import Publish, add_items, ids, rate, recommend, wait_for_version

EARLY, LATE = "2026-01-01T00:00:00Z", "2026-01-01T12:00:00+11:00"  # an hour later
VALUES: list[Any] = [1, 1.0, 0, True, False, 2.5, "1", "", "b", EARLY, LATE, "2026", [1, "b"], [True], None, {"a": 1}]


def catalogue_of(attributes: Sequence[dict[str, Any]]) -> Catalogue:
    catalogue = Catalogue()
    rows = [CatalogueRow(n, f"i{n}", None, (), True, each) for n, each in enumerate(attributes)]
    catalogue.apply(rows, 1)
    return catalogue


def found(catalogue: Catalogue, *conditions: dict[str, Any]) -> list[int]:
    wanted = FilterIn.model_validate({"attribute": conditions}).filter()
    return np.flatnonzero(catalogue.allowed(wanted)).tolist()


def test_a_value_compares_with_its_own_kind_only() -> None:
    catalogue = catalogue_of([{"x": value} for value in VALUES])

    def values(**condition: Any) -> list[Any]:
        return [VALUES[place] for place in found(catalogue, {"name": "x", **condition})]

    assert values(eq=1) == [1, 1.0, [1, "b"]]
    assert [type(value) for value in values(eq=True)] == [bool, list]
    assert values(eq="1") == ["1"]
    assert values(eq="2026-01-01T01:00:00Z") == [LATE]
    assert values(**{"in": [0, "b"]}) == [0, "b", [1, "b"]]
    assert values(gte=1) == [1, 1.0, 2.5, [1, "b"]]
    assert values(gte=0.5, lte=1) == [1, 1.0, [1, "b"]]
    assert values(gte=EARLY) == [EARLY, LATE]
    assert values(lte=EARLY) == [EARLY]
    assert values(gte="2026") == ["b", EARLY, LATE, "2026", [1, "b"]]
    assert values(lte="") == [""]


def test_conditions_add_up_and_an_attribute_nobody_has_lets_nothing_through() -> None:
    catalogue = catalogue_of([{"year": 1990, "hd": True}, {"year": 2000, "hd": True}, {"year": 2000}, {}])
    assert found(catalogue, {"name": "year", "gte": 1995}, {"name": "hd", "eq": True}) == [1]
    assert found(catalogue, {"name": "nothing", "gte": 0}) == []


attributes = st.dictionaries(st.sampled_from(["x", "y"]), st.sampled_from(VALUES))


@given(before=st.lists(attributes, min_size=1, max_size=8), data=st.data())
def test_a_column_follows_every_change(before: list[dict[str, Any]], data: st.DataObject) -> None:
    catalogue = catalogue_of(before)
    operators: list[dict[str, Any]] = [{"gte": 1}, {"lte": "b"}, {"gte": EARLY}, {"in": [True, "1", 0]}, {"eq": 1}]
    conditions = [{"name": name, **operator} for name in "xy" for operator in operators]
    for condition in conditions:  # builds the columns
        found(catalogue, condition)
    now = list(before)
    for revision in range(2, data.draw(st.integers(2, 5))):
        changes = data.draw(st.dictionaries(st.integers(0, len(now)), attributes, max_size=4))
        rows = [CatalogueRow(n, f"i{n}", None, (), True, each) for n, each in sorted(changes.items())]
        catalogue.apply(rows, revision)
        for number, each in sorted(changes.items()):
            now[number:] = [each, *now[number + 1 :]]
    for condition in conditions:
        assert found(catalogue, condition) == found(catalogue_of(now), condition)


def test_many_changes_at_once_are_taken_over_too() -> None:
    catalogue = catalogue_of([{"x": 1}] * (MAX_CHANGES + 2))
    assert len(found(catalogue, {"name": "x", "eq": 1})) == MAX_CHANGES + 2
    catalogue.apply([CatalogueRow(n, f"i{n}", None, (), True, {"x": 2}) for n in range(MAX_CHANGES + 1)], 2)
    assert found(catalogue, {"name": "x", "eq": 1}) == [MAX_CHANGES + 1]


def test_filters_that_python_takes_for_equal_are_kept_apart() -> None:
    catalogue = catalogue_of([{"x": 1}, {"x": True}])
    assert found(catalogue, {"name": "x", "eq": 1}) == [0]
    assert found(catalogue, {"name": "x", "eq": True}) == [1]


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("year:gte:1990", {"name": "year", "gte": 1990}),
        ("year:lte:19.5", {"name": "year", "lte": 19.5}),
        ("hd:eq:true", {"name": "hd", "eq": True}),
        ("code:eq:007", {"name": "code", "eq": "007"}),
        ('code:eq:"1990"', {"name": "code", "eq": "1990"}),
        ("at:gte:2026-01-01T00:00:00Z", {"name": "at", "gte": "2026-01-01T00:00:00Z"}),
        ("url:eq:http://a:80/b", {"name": "url", "eq": "http://a:80/b"}),
        ("country:in:FR,DE,1", {"name": "country", "in": ["FR", "DE", 1]}),
        ('x:in:["a,b",1]', {"name": "x", "in": ["a,b", 1]}),
        ('"a:b":eq:c', {"name": "a:b", "eq": "c"}),
        ('{"name":"x","gte":1,"lte":2}', {"name": "x", "gte": 1, "lte": 2}),
        ("x:eq:", {"name": "x", "eq": ""}),
    ],
)
def test_short_text_says_what_the_object_says(short: str, long: dict[str, Any]) -> None:
    assert read_condition(short) == long
    said = [ConditionIn.model_validate(each).condition() for each in (read_condition(short), long)]
    assert said[0] == said[1]
    assert hash(Filter(conditions=(said[0],))) == hash(Filter(conditions=(said[1],)))


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        condition = read_condition(text)
    except ValueError:
        return
    assert text.startswith("{") or set(condition) <= {"name", "eq", "in", "gte", "lte"}


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000),
        ("1970-01-01t00:00:00.5z", 500_000),
        ("1970-01-01 01:00:00+01:00", 0),
        ("1970-01-01T00:00:00", None),
        ("1970-13-01T00:00:00Z", None),
        ("1970-01-01", None),
    ],
)
def test_times_are_told_from_other_text(text: str, moment: int | None) -> None:
    key = key_of(text)
    assert key.value == (text if moment is None else moment)


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


def test_a_filters_mask_is_made_once_for_the_catalogue_and_once_for_the_model(
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
