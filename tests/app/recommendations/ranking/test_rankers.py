"""How boosts move scores."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.recommendations.ranking.rankers import boost

scores = st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=12)


def place(values: Any, number: int) -> int:
    return int(np.flatnonzero(np.argsort(-values, kind="stable") == number)[0])


@given(scores=scores, number=st.integers(0, 11), factors=st.lists(st.floats(0.001, 1_000), min_size=2, max_size=2))
def test_an_items_place_is_monotone_in_its_factor(scores: list[float], number: int, factors: list[float]) -> None:
    values, number = np.array(scores, np.float32), number % len(scores)
    low, high = sorted(factors)

    def after(factor: float) -> int:
        each = np.ones(len(values))
        each[number] = factor
        return place(boost(values, each), number)

    assert after(1.0) == place(values, number)
    assert after(high) <= after(low)
    assert after(1000.0) <= place(values, number) <= after(0.001)


@given(scores=scores, factor=st.floats(0.001, 1_000), which=st.integers(0, 2**12 - 1))
def test_a_group_moves_against_the_others_and_keeps_its_own_order(
    scores: list[float], factor: float, which: int
) -> None:
    values = np.array(scores, np.float32)
    group = np.array([bool(which >> number & 1) for number in range(len(values))])
    after = boost(values, np.where(group, factor, 1.0))
    assert after.dtype == np.float32
    assert (after[~group] == values[~group]).all()
    assert (np.diff(after[group][np.argsort(values[group], kind="stable")]) >= 0).all()
    assert (after >= values).all() if factor >= 1 else (after <= values).all()
