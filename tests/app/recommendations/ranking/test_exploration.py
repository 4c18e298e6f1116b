"""Which places new items get, and which items are drawn."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.recommendations.ranking.exploration import draw, noise, spread_evenly


@given(share=st.floats(0, 1), seed=st.integers(0, 2**64), limit=st.integers(0, 200))
def test_every_prefix_of_a_list_has_its_share_of_new_items(share: float, seed: int, limit: int) -> None:
    places = spread_evenly(share, seed, limit)
    for count in range(limit + 1):
        assert abs(sum(places[:count]) - share * count) < 1 + 1e-9
    assert spread_evenly(share, seed, limit + 7)[:limit] == places


@given(seed=st.integers(0, 2**64), count=st.integers(0, 60), most=st.integers(1, 60), later=st.integers(0, 5))
def test_a_draw_does_not_depend_on_how_many_are_drawn_nor_on_items_that_come_later(
    seed: int, count: int, most: int, later: int
) -> None:
    slots = np.arange(count, dtype=np.int64)
    everything = draw(slots, seed, None, count + 1).tolist()
    assert sorted(everything) == slots.tolist()
    assert draw(slots, seed, None, most).tolist() == everything[:most]
    more = draw(np.arange(count + later, dtype=np.int64), seed, None, count + later + 1).tolist()
    assert [slot for slot in more if slot < count] == everything


def test_noise_is_uniform_and_independent_between_seeds() -> None:
    numbers = np.arange(20_000, dtype=np.int64)
    first, second = noise(numbers, 1), noise(numbers, 2)
    assert abs(first.mean() - 0.5) < 0.01
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.03
    assert 0 < min(first.min(), second.min()) < max(first.max(), second.max()) < 1


def test_boosted_items_are_drawn_more_often() -> None:
    factors = np.array([1.0, 3.0])
    firsts = [draw(np.arange(2), seed, factors, 2)[0] for seed in range(4_000)]
    assert abs(np.mean(firsts) - 0.75) < 0.03
