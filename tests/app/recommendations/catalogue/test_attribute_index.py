"""Conditions on attributes: which items meet them, however the catalogue changes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.recommendations.catalogue.attribute_index import MAX_CHANGES
from app.recommendations.catalogue.index import Catalogue, CatalogueRow
from app.recommendations.request.filter_schemas import FilterIn

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


def test_every_condition_must_hold_and_no_item_has_an_unknown_attribute() -> None:
    catalogue = catalogue_of([{"year": 1990, "hd": True}, {"year": 2000, "hd": True}, {"year": 2000}, {}])
    assert found(catalogue, {"name": "year", "gte": 1995}, {"name": "hd", "eq": True}) == [1]
    assert found(catalogue, {"name": "nothing", "gte": 0}) == []


attributes = st.dictionaries(st.sampled_from(["x", "y"]), st.sampled_from(VALUES))


@given(before=st.lists(attributes, min_size=1, max_size=8), data=st.data())
def test_an_index_follows_every_change(before: list[dict[str, Any]], data: st.DataObject) -> None:
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


def test_many_changes_at_once_rebuild_the_index() -> None:
    catalogue = catalogue_of([{"x": 1}] * (MAX_CHANGES + 2))
    assert len(found(catalogue, {"name": "x", "eq": 1})) == MAX_CHANGES + 2
    catalogue.apply([CatalogueRow(n, f"i{n}", None, (), True, {"x": 2}) for n in range(MAX_CHANGES + 1)], 2)
    assert found(catalogue, {"name": "x", "eq": 1}) == [MAX_CHANGES + 1]


def test_filters_that_python_considers_equal_are_distinguished() -> None:
    catalogue = catalogue_of([{"x": 1}, {"x": True}])
    assert found(catalogue, {"name": "x", "eq": 1}) == [0]
    assert found(catalogue, {"name": "x", "eq": True}) == [1]
