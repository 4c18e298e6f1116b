"""Scores of new items from those of items with similar content."""

import numpy as np
from scipy.sparse import csr_array

from app.recommendations.content.cold_start import NO_COLD_ITEMS, PRIOR, SHRINKAGE, find_cold_items


def features(*rows: list[float]) -> csr_array:
    return csr_array(np.array(rows, np.float32))


def test_the_score_lies_above_the_mean_by_a_part_of_what_the_neighbours_do() -> None:
    slots, counts = np.array([7, 9]), np.array([1e9, 1e9, 1e9])
    cold = find_cold_items(slots, features([1, 0], [0, 1]), features([1, 0], [0, 1], [0, 1]), counts)
    np.testing.assert_array_equal(cold.slots, slots)
    preference = np.array([7, 1, -2], np.float32)  # its mean is 2
    above, below = (7 - 2) / (1 + PRIOR), 2 * (-0.5 - 2) / (2 + PRIOR)
    expected = [2 + SHRINKAGE * above, 2 + below]  # what lies below the mean is not raised
    np.testing.assert_allclose(cold.scores(preference), expected, rtol=1e-5)


def test_rated_items_count_no_more_than_the_best_of_the_others() -> None:
    cold = find_cold_items(np.array([5]), features([1, 0]), features([1, 0], [0, 1], [0, 1]), np.full(3, 1e9))
    preference, rated = np.array([90, 2, 1], np.float32), np.array([0], np.int32)
    assert cold.scores(preference, rated)[0] < cold.scores(preference)[0]
    assert cold.scores(preference, rated)[0] <= preference.mean()


def test_faint_similarity_and_neighbours_with_few_ratings_count_little() -> None:
    preference = np.array([9, 0, 0], np.float32)
    known = features([1, 0], [0, 1], [0, 1])

    def above(cosine: float, ratings: float) -> float:
        cold = find_cold_items(np.array([5]), features([cosine, 0.0]), known, np.full(3, ratings))
        return float(cold.scores(preference)[0]) - 3

    assert above(1, 1e9) > above(0.5, 1e9) > above(0.1, 1e9) > 0
    assert above(1, 1e9) > above(1, 2) > above(1, 0.1) > 0


def test_new_items_that_are_similar_to_none_are_left_out() -> None:
    known, counts = features([1, 0, 0], [0, 0, 0]), np.array([5.0, 5.0])
    cold = find_cold_items(np.array([3, 4, 5]), features([0, 1, 0], [1, 0, 0], [0, 0, 0]), known, counts)
    assert cold.slots.tolist() == [4]
    for found in (find_cold_items(np.array([3]), features([1, 0, 0]), known[:0], counts[:0]), NO_COLD_ITEMS):
        assert len(found) == 0
        assert len(found.scores(np.array([1, 2], np.float32))) == 0
