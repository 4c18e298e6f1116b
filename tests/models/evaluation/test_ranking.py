"""Evaluation of models: tiny rankings with figures known by eye."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from models.core.interactions import Interactions, Rows, Values
from models.evaluation.ranking import Popularity, evaluate, holdout, paired_difference, rating_error
from models.fit import Fit, FitOptions
from tests.models.helpers import STARS, row, split, tastes


def scorer(*scores: float) -> Callable[[Rows], Values]:
    """Score the same for everyone."""
    return lambda rows: np.tile(np.array(scores, np.float32), (len(rows), 1))


def figures(*scores: float, given: Rows, targets: Rows) -> dict[str, float]:
    judged = evaluate(scorer(*scores), given, targets, STARS)
    return {name: float(values[0]) for name, values in judged.metrics.items()}


def test_a_target_at_rank_two_has_the_gain_of_rank_two() -> None:
    found = figures(5, 4, 3, 2, given=row(), targets=row((1, 5.0)))
    assert found["ndcg@10"] == pytest.approx(1 / np.log2(3))
    assert found["recall@20"] == 1


def test_given_items_are_not_ranked() -> None:
    assert figures(5, 4, 3, 2, given=row((0, 1.0)), targets=row((1, 5.0)))["ndcg@10"] == 1


def test_disliked_targets_do_not_count() -> None:
    judged = evaluate(scorer(3, 2, 1), row(), row((0, 1.0)), STARS)
    assert len(judged.users) == 0
    assert judged.summary()["ndcg@10"] == (0, 0)


def test_a_constant_scorer_puts_its_target_last() -> None:
    scores = [1.0] * 40
    found = figures(*scores, given=row(), targets=row((0, 5.0)))
    assert found["recall@20"] == 0
    assert found["ndcg@100"] == pytest.approx(1 / np.log2(41))


@pytest.mark.parametrize("score", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_ranks_last(score: float) -> None:
    scores = [score] + [0.0] * 29
    assert figures(*scores, given=row(), targets=row((0, 5.0)))["ndcg@100"] == pytest.approx(1 / np.log2(31))


def test_tied_targets_have_distinct_ranks() -> None:
    found = figures(1, 1, 0, 0, given=row(), targets=row((0, 5.0), (1, 5.0)))
    assert found["ndcg@10"] == pytest.approx(1)


def test_recall_is_of_those_that_could_be_found() -> None:
    scores = list(range(100, 0, -1))
    targets = row(*[(column, 5.0) for column in range(0, 60, 2)])
    found = figures(*[float(score) for score in scores], given=row(), targets=targets)
    assert found["recall@20"] == pytest.approx(10 / 20)
    assert found["recall@50"] == pytest.approx(25 / 30)


def by_the_book(scores: np.ndarray, given: set[int], targets: set[int], k: int) -> float:
    """NDCG@k as a loop over the list, the targets behind whatever ties with them."""
    ranked = sorted(set(range(len(scores))) - given, key=lambda item: (-scores[item], item in targets))
    gains = [1 / np.log2(place + 2) for place, item in enumerate(ranked[:k]) if item in targets]
    return float(sum(gains) / sum(1 / np.log2(place + 2) for place in range(min(k, len(targets)))))


@for_all(st.data())
def test_ndcg_is_what_a_plain_loop_gives(data: st.DataObject) -> None:
    num_items = data.draw(st.integers(2, 30))
    scores = data.draw(st.lists(st.integers(0, 6), min_size=num_items, max_size=num_items))
    items = data.draw(st.permutations(range(num_items)))
    num_targets = data.draw(st.integers(1, num_items))
    targets, given = set(items[:num_targets]), set(items[num_targets : num_targets + 5])
    found = figures(
        *map(float, scores), given=row(*[(i, 3.0) for i in sorted(given)]), targets=row(*[(i, 4.0) for i in targets])
    )
    assert found["ndcg@10"] == pytest.approx(by_the_book(np.array(scores), given, targets, 10))


@for_all(st.lists(st.integers(0, 12), min_size=1, max_size=8), st.integers(0, 3))
def test_holdout_loses_no_rating_and_keeps_one_target_of_two(counts: list[int], seed: int) -> None:
    offsets = np.concatenate(([0], np.cumsum(counts)))
    columns = np.concatenate([np.arange(count) for count in counts]).astype(np.int32)
    rows = Rows(offsets, columns, np.arange(offsets[-1], dtype=np.float32))
    given, targets = holdout(rows, seed=seed)
    np.testing.assert_array_equal(given.counts + targets.counts, counts)
    assert sorted([*given.values, *targets.values]) == list(range(offsets[-1]))
    np.testing.assert_array_equal(targets.counts > 0, np.array(counts) > 1)


def test_popularity_orders_by_likes_and_ignores_dislikes() -> None:
    users, items = np.array([0, 1, 2, 0, 1]), np.array([0, 0, 0, 1, 1])
    train = Interactions.from_arrays(users, items, np.array([1.0, 1, 5, 5, 5]), ["a", "b"], scale=STARS)
    np.testing.assert_array_equal(Popularity(train)(row())[0], [1, 2])


def test_paired_difference_is_zero_for_the_same_scorer_and_positive_for_a_better_one() -> None:
    a = np.random.default_rng(0).random(200)
    assert paired_difference(a, a).mean == 0
    better = paired_difference(a + 0.1 + np.random.default_rng(1).normal(0, 0.1, 200), a)
    assert 0.05 < better.low < better.mean < better.high < 0.15


def test_the_rating_error_of_a_model_without_taste_is_that_of_the_biases() -> None:
    train, validation = split(tastes())
    fit = Fit("linear", train, validation, FitOptions(), config={"factor_penalty": 1e9, "regularisation": 10.0})
    next(iter(fit))
    given, targets = holdout(validation.rows)
    error = rating_error(fit.best, given, targets)
    assert error.num_ratings == targets.num_ratings
    assert error.rmse == pytest.approx(float(np.std(targets.values)), rel=0.1)
