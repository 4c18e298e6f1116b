"""The simulated interviews: the same rule for both orders, nothing asked twice."""

import numpy as np

from benchmarks.questions import NUM_ANSWERS, Telling, by_popularity, compare, interview, popularity_of, users_of
from models.core.interactions import Indices
from models.fit import Fit, FitOptions
from tests.models.helpers import split, tastes


def test_a_user_is_asked_until_he_has_given_five_answers_or_nothing_is_left() -> None:
    user = np.array([1, 2, 5, 7, 8, 9, 11], np.int32), np.arange(1, 8, dtype=np.float32)
    row, num_asked = interview(user, lambda _row: np.arange(12, dtype=np.int32))
    assert (row[0].tolist(), row[1].tolist(), num_asked) == ([1, 2, 5, 7, 8], [1, 2, 3, 4, 5], 9)
    row, num_asked = interview(user, lambda _row: np.array([0, 2, 3], np.int32))
    assert (row[0].tolist(), num_asked) == ([2], 3)


def test_the_next_question_goes_by_the_answers_so_far() -> None:
    seen = []

    def order(row: tuple[Indices, object]) -> Indices:
        seen.append(row[0].tolist())
        return np.array([9, 4, 6], np.int32) if len(row[0]) else np.array([4, 9], np.int32)

    row, num_asked = interview((np.array([4, 6], np.int32), np.array([5, 1], np.float32)), order)
    assert (row[0].tolist(), num_asked) == ([4, 6], 3)
    assert seen == [[], [4], [4, 6]]


def test_both_orders_are_judged_on_the_same_users() -> None:
    train, test = split(tastes())
    fit = Fit("linear", train, test, FitOptions(epochs=1, device="cpu"))
    for _ in fit:
        pass
    popularity = popularity_of(train)
    popular = by_popularity(popularity)
    assert "difference +0.0000 (+0.0000 .. +0.0000)" in compare(fit.best, test, (popular, popular))
    told = compare(fit.best, test, (popular, Telling(fit.best, popularity, 0.9)))
    assert "answered 5.00 and 5.00" in told
    assert all(len(interview(user, popular)[0][0]) == NUM_ANSWERS for user in users_of(test) if len(user[0]) >= 12)
