"""The audience of benchmarks.ab clicks as its stated truth says, and the repeats count what they say."""

import numpy as np
import pytest

from benchmarks.ab.audience import Audience
from benchmarks.ab.repeats import people, repeat


@pytest.mark.parametrize("mean", [0.05, 0.3])
def test_the_stated_truth_is_what_a_large_audience_does(mean: float) -> None:
    audience = Audience(mean)
    shown, clicked = people(np.random.default_rng(0), audience, 400_000)
    assert clicked.sum() / shown.sum() == pytest.approx(audience.ctr, rel=0.01)
    assert audience.ctr > mean * 1.01  # who clicks readily comes more often


def test_what_cannot_be_missed_is_found_and_what_is_not_there_is_not() -> None:
    sure = repeat((Audience(0.05), Audience(0.4)), num_users=400, repeats=20, seed=0)
    assert (sure["p < 0.05"], sure["decided at any of 20 looks"]) == (1, 1)
    none = repeat((Audience(0.1), Audience(0.1)), num_users=400, repeats=100, seed=0)
    assert none["decided at any of 20 looks"] <= 0.05
    assert none["p < 0.05"] <= none["p < 0.05 at any of 20 looks"] < 0.5
