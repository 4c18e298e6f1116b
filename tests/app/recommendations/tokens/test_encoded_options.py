"""Options survive being encoded."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.recommendations.request.options import Options
from app.recommendations.request.query import RecommendationQuery
from app.recommendations.tokens.recommendation_id import decode_options, encode_options
from tests.app.recommendations.tokens.strategies import texts

scalars = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts | st.booleans()
scalars |= st.just("2026-11-23T10:15:00.25+01:00")
conditions = st.fixed_dictionaries({"name": texts}).flatmap(
    lambda named: st.one_of(
        scalars.map(lambda value: {**named, "eq": value}),
        st.lists(scalars, min_size=1, max_size=4).map(lambda values: {**named, "in": values}),
        st.integers().map(lambda value: {**named, "gte": value}),
        st.floats(allow_nan=False, allow_infinity=False).map(lambda value: {**named, "lte": value}),
    )
)
lists = st.lists(texts, max_size=3)
boosts = st.fixed_dictionaries(
    {"factor": st.floats(0.01, 100), "attribute": st.lists(conditions, min_size=1, max_size=2)},
    optional={"item_id": st.lists(texts, min_size=1, max_size=2), "category": st.lists(texts, min_size=1, max_size=2)},
)
queries = st.fixed_dictionaries(
    {},
    optional={
        "limit": st.integers(1, 100),
        "include_rated": st.booleans(),
        "category": lists,
        "category_all": lists,
        "exclude_category": lists,
        "attribute": st.lists(conditions, max_size=3),
        "block": lists,
        "boost": st.lists(boosts, max_size=2),
        "pin": texts.flatmap(
            lambda item: st.sampled_from([[], [{"item_id": item}], [{"item_id": item, "position": 3}]])
        ),
        "diversity": st.floats(0, 1),
        "exploration": st.floats(0, 1),
        "rotation": st.floats(0, 1),
        "rotation_hours": st.floats(0.1, 100),
        "explain": st.booleans(),
        "explain_ratings": st.integers(1, 20),
    },
)


@given(queries)
def test_options_survive_encoding(query: dict[str, Any]) -> None:
    options = RecommendationQuery.model_validate(query).options()
    again = decode_options(encode_options(options))
    assert again == options


def test_default_options_take_no_bytes() -> None:
    assert encode_options(Options()) == b""
    assert encode_options(Options(limit=11)) != b""


@given(st.binary(min_size=1, max_size=50))
def test_other_bytes_are_a_value_error(code: bytes) -> None:
    with pytest.raises(ValueError, match=r"Error -\d|validation error|JSON"):
        decode_options(code)
