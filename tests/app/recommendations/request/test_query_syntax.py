"""Conditions as a query writes them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.recommendations.request.filter_schemas import ConditionIn
from app.recommendations.request.options import Filter
from app.recommendations.request.query_syntax import read_condition


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
def test_a_short_text_means_the_same_as_its_object(short: str, long: dict[str, Any]) -> None:
    assert read_condition(short) == long
    conditions = [ConditionIn.model_validate(each).condition() for each in (read_condition(short), long)]
    assert conditions[0] == conditions[1]
    assert hash(Filter(conditions=(conditions[0],))) == hash(Filter(conditions=(conditions[1],)))


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        condition = read_condition(text)
    except ValueError:
        return
    assert text.startswith("{") or set(condition) <= {"name", "eq", "in", "gte", "lte"}
