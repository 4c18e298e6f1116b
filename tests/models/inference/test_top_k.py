"""The items with the best scores."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.inference.top_k import top_k

SCORES = st.lists(st.integers(-3, 3), min_size=1, max_size=30)


@given(SCORES, st.integers(0, 40), st.sets(st.integers(0, 29)))
def test_the_list_is_the_head_of_a_full_sort(scores: list[int], k: int, excluded: set[int]) -> None:
    gone = sorted(column for column in excluded if column < len(scores))
    ranked = sorted(set(range(len(scores))) - set(gone), key=lambda column: (-scores[column], column))
    preference = np.array(scores, np.float32)
    assert top_k(preference, k, np.array(gone, np.int64)).tolist() == ranked[:k]
    mask = np.zeros(len(scores), bool)
    mask[gone] = True
    assert top_k(preference, k, mask).tolist() == ranked[:k]


def test_top_k_does_not_change_the_scores() -> None:
    scores = np.array([1, 2, 3], np.float32)
    top_k(scores, 2, np.array([2]))
    np.testing.assert_array_equal(scores, [1, 2, 3])


def test_nan_ranks_last_but_is_in_the_list() -> None:
    assert top_k(np.array([np.nan, 1, 2], np.float32), 3).tolist() == [2, 1, 0]
