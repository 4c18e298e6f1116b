"""An output in 8 bits a weight: close to what it was made from, and the same function whichever way it is asked."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.decoder import Decoder

GENERATOR = np.random.default_rng(0)


def weights(num_items: int = 300, num_units: int = 40) -> NDArray[np.float32]:
    """Draw weights of items whose sizes differ a thousandfold."""
    sizes = 10.0 ** GENERATOR.uniform(-2, 1, (num_items, 1))
    return (sizes * GENERATOR.normal(0, 1, (num_items, num_units))).astype(np.float32)


def test_an_items_weights_are_rounded_by_less_than_a_step_of_its_largest() -> None:
    given = weights()
    rounded = Decoder.of(torch.from_numpy(given)).weights(slice(None))
    assert np.abs(rounded - given).max() > 0
    assert (np.abs(rounded - given).max(axis=1) <= np.abs(given).max(axis=1) / 255 * 1.01).all()


def test_scores_are_products_with_the_rounded_weights() -> None:
    bias = GENERATOR.normal(0, 1, 300).astype(np.float32)
    decoder = Decoder.of(torch.from_numpy(weights()), torch.from_numpy(bias))
    codes = GENERATOR.normal(0, 1, (3, 40)).astype(np.float32)
    expected = codes.astype(np.float64) @ decoder.weights(slice(None)).T + bias
    np.testing.assert_allclose(decoder.scores(torch.from_numpy(codes)), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("num_users", [0, 1, 64, 65])
def test_a_row_does_not_depend_on_the_others_to_the_last_bit(num_users: int) -> None:
    decoder = Decoder.of(torch.from_numpy(weights()))
    codes = GENERATOR.normal(0, 1, (num_users, 40)).astype(np.float32)
    scores = decoder.scores(torch.from_numpy(codes))
    assert scores.shape == (num_users, len(decoder))
    for code, row in zip(codes, scores, strict=True):
        np.testing.assert_array_equal(decoder.row(code), row)


def test_some_items_weights_are_those_among_all() -> None:
    decoder = Decoder.of(torch.from_numpy(weights()))
    wanted = np.array([299, 0, 7])
    np.testing.assert_array_equal(decoder.weights(wanted), decoder.weights(slice(None))[wanted])


def test_an_item_without_weights_scores_its_bias() -> None:
    given = weights()
    given[5] = 0
    decoder = Decoder.of(torch.from_numpy(given), torch.full((300,), 2.0))
    assert decoder.row(np.ones(40, np.float32))[5] == 2.0
