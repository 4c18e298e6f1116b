"""Scores of new items from those of items with similar content."""

import numpy as np
from scipy.sparse import csr_array

from app.recommendations.content.cold_start import CAUTION, NONE, PRIOR, cold_items


def traits(*rows: list[float]) -> csr_array:
    return csr_array(np.array(rows, np.float32))


def test_the_score_is_a_part_of_what_the_neighbours_lie_above_the_mean() -> None:
    slots, counts = np.array([7, 9]), np.array([1e9, 1e9, 1e9])
    cold = cold_items(slots, traits([1, 0], [0, 1]), traits([1, 0], [0, 1], [0, 1]), counts)
    np.testing.assert_array_equal(cold.slots, slots)
    preference = np.array([7, 1, -2], np.float32)  # its mean is 2
    firm = [1 / (1 + PRIOR), 2 / (2 + PRIOR)]
    expected = [2 + CAUTION * firm[0] * (7 - 2), 2 + firm[1] * (-0.5 - 2)]  # what lies below the mean is not raised
    np.testing.assert_allclose(cold.scores(preference), expected, rtol=1e-5)


def test_what_was_rated_counts_no_more_than_the_best_of_the_rest() -> None:
    cold = cold_items(np.array([5]), traits([1, 0]), traits([1, 0], [0, 1], [0, 1]), np.full(3, 1e9))
    preference, rated = np.array([90, 2, 1], np.float32), np.array([0], np.int32)
    assert cold.scores(preference, rated)[0] < cold.scores(preference)[0]
    assert cold.scores(preference, rated)[0] <= preference.mean()


def test_faint_likeness_and_neighbours_with_few_ratings_say_little() -> None:
    preference = np.array([9, 0, 0], np.float32)
    known = traits([1, 0], [0, 1], [0, 1])

    def above(cosine: float, ratings: float) -> float:
        row = [cosine, 0.0]
        return float(cold_items(np.array([5]), traits(row), known, np.full(3, ratings)).scores(preference)[0]) - 3

    assert above(1, 1e9) > above(0.5, 1e9) > above(0.1, 1e9) > 0
    assert above(1, 1e9) > above(1, 2) > above(1, 0.1) > 0


def test_new_items_that_are_like_none_are_left_out() -> None:
    known, counts = traits([1, 0, 0], [0, 0, 0]), np.array([5.0, 5.0])
    cold = cold_items(np.array([3, 4, 5]), traits([0, 1, 0], [1, 0, 0], [0, 0, 0]), known, counts)
    assert cold.slots.tolist() == [4]
    for found in (cold_items(np.array([3]), traits([1, 0, 0]), known[:0], counts[:0]), NONE):
        assert len(found) == 0
        assert len(found.scores(np.array([1, 2], np.float32))) == 0
