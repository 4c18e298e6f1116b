"""Weights in 8 bits are close to the originals, and sums, products and single weights agree."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.inference.quantized import QuantizedMatrix

GENERATOR = np.random.default_rng(0)


def draw_matrix(num_rows: int = 40, num_columns: int = 300) -> NDArray[np.float32]:
    """Draw weights of columns whose sizes differ a thousandfold."""
    sizes = 10.0 ** GENERATOR.uniform(-2, 1, num_columns)
    return (GENERATOR.normal(0, 1, (num_rows, num_columns)) * sizes).astype(np.float32)


def all_of(rounded: QuantizedMatrix) -> NDArray[np.float32]:
    return rounded.weights(slice(None), slice(None))


@pytest.mark.parametrize("num_rows", [2, 40, 600])
def test_a_weight_is_rounded_by_less_than_a_step_of_its_columns_largest(num_rows: int) -> None:
    given = draw_matrix(num_rows)
    error = np.abs(all_of(QuantizedMatrix.of(torch.from_numpy(given))) - given)
    assert error.max() > 0
    assert (error <= np.abs(given).max(axis=0) / 127 * 1.01).all()


def test_an_empty_matrix_stays_empty() -> None:
    given = draw_matrix()
    given[GENERATOR.random(given.shape) < 0.9] = 0
    given[:, 5] = 0
    given[7] = 0
    rounded = all_of(QuantizedMatrix.of(torch.from_numpy(given)))
    np.testing.assert_allclose(rounded[given == 0], 0, atol=1e-7)
    assert not rounded[:, 5].any()


def test_sums_are_those_of_the_rounded_weights() -> None:
    rounded = QuantizedMatrix.of(torch.from_numpy(draw_matrix()))
    rows, factors = np.array([3, 0, 3, 39, 1]), GENERATOR.normal(0, 1, 5).astype(np.float32)
    sums = rounded.sums(torch.from_numpy(rows), torch.from_numpy(factors), torch.tensor([0, 2, 2]))
    terms = all_of(rounded)[rows] * factors[:, None].astype(np.float64)
    np.testing.assert_allclose(sums, [terms[:2].sum(0), np.zeros(300), terms[2:].sum(0)], rtol=1e-4, atol=1e-4)


def test_products_with_rows_are_those_of_the_rounded_weights() -> None:
    rounded = QuantizedMatrix.of(torch.from_numpy(draw_matrix()))
    vector, rows = GENERATOR.normal(0, 1, 300).astype(np.float32), np.array([39, 0, 7])
    np.testing.assert_allclose(rounded.products(rows, vector), all_of(rounded)[rows] @ vector, rtol=1e-4, atol=1e-3)


def test_selected_rows_and_columns_keep_their_weights() -> None:
    rounded = QuantizedMatrix.of(torch.from_numpy(draw_matrix()))
    rows, columns = np.array([39, 0, 7]), np.array([299, 3])
    part = rounded.select(rows, columns)
    assert (part.num_rows, part.num_columns) == (3, 2)
    np.testing.assert_array_equal(all_of(part), rounded.weights(rows, columns))
    np.testing.assert_array_equal(rounded.weights(rows, columns), all_of(rounded)[np.ix_(rows, columns)])


def test_half_precision_is_rounded_too() -> None:
    given = torch.from_numpy(draw_matrix())
    np.testing.assert_array_equal(
        all_of(QuantizedMatrix.of(given.half())), all_of(QuantizedMatrix.of(given.half().float()))
    )
