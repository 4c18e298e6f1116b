"""Mean and standard deviation over all items equal those of all scores."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.closed_form.woodbury import Ridge
from models.core.zscore import zscore
from models.inference.moments import LEADING, Moments
from models.inference.quantized import QuantizedMatrix
from models.kinds.linear_ablation import RowMoments, WeightSum


@pytest.mark.parametrize("num_items", [7, 1_024, 3_000])
def test_standardised_scores_are_those_of_all_items(num_items: int) -> None:
    generator = np.random.default_rng(num_items)
    weights = generator.normal(0.3, 1, (num_items, 5)).astype(np.float32)
    codes = generator.normal(2, 0.01, (6, 5)).astype(np.float32)
    scores = codes @ weights.T
    wanted = generator.integers(0, num_items, 3)
    found = Moments.of(weights.__getitem__, num_items).standardise(scores[:, wanted], codes)
    np.testing.assert_allclose(found, zscore(scores)[:, wanted], atol=1e-4)


@pytest.mark.parametrize(("difference", "is_near"), [(0.001, True), (3.0, False)])
def test_codes_that_differ_little_are_standardised_by_leading_directions(difference: float, is_near: bool) -> None:
    generator = np.random.default_rng(5)
    along = np.linspace(2, 0.1, 3 * LEADING).astype(np.float32)
    weights = generator.normal(0.3, 1, (2_000, 3 * LEADING)).astype(np.float32) * along
    codes = (generator.normal(2, 1, 3 * LEADING) + difference * generator.normal(0, 1, (90, 3 * LEADING))).astype(
        np.float32
    )
    moments, scores = Moments.of(weights.__getitem__, 2_000), codes @ weights.T
    shared = codes.mean(axis=0)
    variance = np.full(len(codes), shared @ moments.covariance @ shared)
    assert moments.add_approximate(variance, codes - shared) == is_near
    np.testing.assert_allclose(moments.standardise(scores, codes), zscore(scores), atol=1e-4)


def test_a_sum_without_terms_is_the_sum_of_the_others() -> None:
    generator = np.random.default_rng(0)
    weights = QuantizedMatrix.of(torch.from_numpy(generator.normal(0, 0.1, (40, 300))))
    factors = np.append(generator.random(5), 0).astype(np.float32)
    wanted = np.array([299, 5, 17])
    whole = WeightSum(
        weights, np.array([3, 39, 1, 7, 20, 0]), factors, wanted=wanted, row_moments=lambda: RowMoments.of(weights)
    )
    for groups in (np.array([[0, 2], [1, 3], [4, 5]]), np.array([[0], [5]])):
        for place, group in enumerate(groups):
            left = replace(
                whole, rows=np.delete(whole.rows, group), factors=np.delete(factors, group), wanted=np.arange(300)
            )
            alone = left.without(np.empty((1, 0), np.int64))[0]
            np.testing.assert_allclose(whole.without(groups)[place], alone[wanted], atol=1e-7)
            mean, std = (each[place] for each in whole.moments_without(groups, 500))
            assert mean == pytest.approx(alone.sum() / 500, abs=1e-6)
            assert std == pytest.approx(np.append(alone, np.zeros(200)).std(), abs=1e-6)


def test_moments_of_a_small_remainder_are_computed_directly() -> None:
    generator = np.random.default_rng(3)
    weights = QuantizedMatrix.of(torch.from_numpy(generator.normal(0, 0.1, (6, 3_000))))
    factors = np.array([1, 1, 0, 1e-3], np.float32)
    whole = WeightSum(
        weights, np.array([3, 1, 0, 5]), factors, wanted=np.array([0]), row_moments=lambda: RowMoments.of(weights)
    )
    faint = weights.weights(np.array([5]), slice(None))[0] * factors[3]
    mean, std = (each[0] for each in whole.moments_without(np.array([[0, 1]]), 3_000))
    assert mean == pytest.approx(faint.mean(), rel=1e-4)
    assert std == pytest.approx(faint.std(), rel=1e-5)


@pytest.mark.parametrize(("num_rows", "precision"), [(9, np.float64), (3, np.float64), (9, np.float32)])
def test_a_ridge_solution_without_rows_is_solved_from_the_others(num_rows: int, precision: type) -> None:
    generator = np.random.default_rng(1)
    rows, targets = generator.normal(size=(num_rows, 4)), generator.normal(size=num_rows)
    penalty, shift = generator.random(4) + 0.1, generator.normal(size=3)
    row = Ridge(rows.astype(precision), targets.astype(precision))
    tolerance = 1e-9 if precision is np.float64 else 2e-5
    last = num_rows - 1
    for groups in (np.array([[0, last], [1, 2], [last, 1]]), np.array([[0], [last], [1]])):
        found = row.without(penalty.astype(precision), groups, shift.astype(precision))
        for place, group in enumerate(groups):
            left, wanted = np.delete(rows, group, 0), np.delete(targets, group) - shift[place]
            alone = np.linalg.solve(left.T @ left + np.diag(penalty), left.T @ wanted)
            np.testing.assert_allclose(found[place], alone, atol=tolerance)
