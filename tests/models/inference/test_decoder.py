"""A quantized linear output multiplies by the rounded weights, for any number of codes."""

import numpy as np
import pytest
import torch

from models.inference.decoder import Decoder

GENERATOR = np.random.default_rng(0)
WEIGHTS = torch.from_numpy(GENERATOR.normal(0, 1, (300, 40)).astype(np.float32))


def test_scores_are_products_with_the_rounded_weights() -> None:
    bias = GENERATOR.normal(0, 1, 300).astype(np.float32)
    decoder = Decoder.of(WEIGHTS, torch.from_numpy(bias))
    codes = GENERATOR.normal(0, 1, (3, 40)).astype(np.float32)
    expected = codes.astype(np.float64) @ decoder.weights(slice(None)).T + bias
    np.testing.assert_allclose(decoder.scores(torch.from_numpy(codes)), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(decoder.weights(slice(None)), WEIGHTS, atol=0.05)


@pytest.mark.parametrize("num_users", [0, 1, 64, 65])
def test_a_row_does_not_depend_on_the_others_to_the_last_bit(num_users: int) -> None:
    decoder = Decoder.of(WEIGHTS)
    codes = GENERATOR.normal(0, 1, (num_users, 40)).astype(np.float32)
    scores = decoder.scores(torch.from_numpy(codes))
    assert scores.shape == (num_users, 300)
    for code, row in zip(codes, scores, strict=True):
        np.testing.assert_array_equal(decoder.row(code), row)
