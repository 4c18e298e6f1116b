"""Means, errors and paired differences, by hand."""

from math import sqrt
from typing import Any

import numpy as np
import pytest

from app.comparison.output import figures
from tests.app.comparison.helpers import results

Rows = dict[str, dict[str, list[Any]]]


def test_a_mean_and_its_error_are_those_over_users() -> None:
    made = results({"a": {"ndcg@10": [[0.2, 0.4, 0.9]]}})
    found = figures.overall(made, "a", "unseen", "ndcg@10")
    assert found is not None
    assert found.mean == pytest.approx(0.5)
    assert found.error == pytest.approx(np.std([0.2, 0.4, 0.9], ddof=1) / sqrt(3))


def test_who_liked_nothing_is_not_counted() -> None:
    found = figures.overall(results({"a": {"ndcg@10": [[0.2, np.nan, 0.4]]}}), "a", "unseen", "ndcg@10")
    assert found is not None
    assert found.mean == pytest.approx(0.3)
    assert found.error == pytest.approx(0.1)


def test_a_user_of_two_splits_is_one_user() -> None:
    """Users 0 and 1 in both splits: two users with the means .3 and .7, not four values."""
    made = results({"a": {"ndcg@10": [[0.2, 0.8], [0.6, 0.4]]}}, users=((0, 1), (1, 0)))
    found = figures.overall(made, "a", "unseen", "ndcg@10")
    assert found is not None
    assert found.mean == pytest.approx(0.5)
    assert found.error == pytest.approx(0.2)


def test_rmse_is_over_ratings_not_over_users() -> None:
    """Errors 1 and 1 of one user, 2 of the other: the root of 6 / 3; for MAE 4 / 3."""
    made = results(
        {"a": {"squared_error": [[2.0, 4.0]], "absolute_error": [[2.0, 2.0]]}}, users=((0, 1),), num_ratings=[[2, 1]]
    )
    rmse, mae = (figures.overall(made, "a", "unseen", metric) for metric in ("rmse", "mae"))
    assert rmse is not None
    assert rmse.mean == pytest.approx(sqrt(2))
    assert mae is not None
    assert mae.mean == pytest.approx(4 / 3)


def test_the_error_of_an_rmse_is_that_of_a_simulation() -> None:
    generator = np.random.default_rng(0)
    counts = generator.integers(1, 20, 400)
    squared = np.array([(generator.normal(0, 1, count) ** 2).sum() for count in counts])
    draws = generator.integers(400, size=(2_000, 400))
    simulated = np.sqrt(squared[draws].sum(axis=1) / counts[draws].sum(axis=1)).std()
    made = results({"a": {"squared_error": [squared.tolist()]}}, users=(range(400),), num_ratings=[counts.tolist()])
    found = figures.overall(made, "a", "unseen", "rmse")
    assert found is not None
    assert found.error == pytest.approx(simulated, rel=0.05)


def test_a_paired_difference_is_that_of_a_t_test_by_hand() -> None:
    """Differences .1, .2, .3: mean .2, error .1 / √3; t of 2 degrees of freedom is 4.3027."""
    made = results({"a": {"ndcg@10": [[0.3, 0.6, 0.4]]}, "b": {"ndcg@10": [[0.2, 0.4, 0.1]]}})
    found = figures.difference(made, "a", "b", protocol="unseen", metric="ndcg@10")
    assert found is not None
    assert found.mean == pytest.approx(0.2)
    assert found.error == pytest.approx(0.1 / sqrt(3))
    assert found.low == pytest.approx(0.2 - 4.3027 * 0.1 / sqrt(3), abs=1e-5)
    assert found.high == pytest.approx(0.2 + 4.3027 * 0.1 / sqrt(3), abs=1e-5)


def test_a_difference_is_over_the_seeds_that_both_have() -> None:
    rows: Rows = {"a": {"ndcg@10": [[0.5, 0.7], None]}, "b": {"ndcg@10": [[0.4, 0.6], [0.9, 0.9]]}}
    made = results(rows, users=((0, 1), (1, 2)))
    found = figures.difference(made, "a", "b", protocol="unseen", metric="ndcg@10")
    assert found is not None
    assert found.mean == pytest.approx(0.1)
    assert found.error == pytest.approx(0)
    only = results({"a": {"ndcg@10": [[0.5], None]}, "b": {"ndcg@10": [None, [0.9]]}}, users=((0,), (1,)))
    assert figures.difference(only, "a", "b", protocol="unseen", metric="ndcg@10") is None


def test_the_best_has_the_highest_ndcg_and_the_lowest_error() -> None:
    rows = {
        "a": {"ndcg@10": [[0.3, 0.4, 0.5]], "squared_error": [[1.0, 1.0, 1.0]]},
        "b": {"ndcg@10": [[0.4, 0.5, 0.6]], "squared_error": [[2.0, 2.0, 2.0]]},
    }
    made = results(rows)
    assert figures.best(made, "unseen", "ndcg@10") == "b"
    assert figures.best(made, "unseen", "rmse") == "a"
    assert figures.opponent(made, "unseen", "ndcg@10", "a") == "a"
    assert figures.best(made, "unseen", "mae") is None
