"""The penalty of the rating factors: chosen on a sample of users if there are many ratings, used for all."""

import numpy as np
import pytest

from models.evaluation.ranking import holdout
from models.fitting.fitter import FitOptions, FitTask
from models.rating_prediction import head
from models.rating_prediction.head import PENALTIES, LinearRatings
from tests.models.helpers import split, tastes

TRAIN, VALIDATION = split(tastes(num_users=300, seed=3))
TASK = FitTask(TRAIN, *holdout(VALIDATION.rows), FitOptions())


def test_a_penalty_chosen_on_a_sample_of_users_is_used_for_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head, "MAX_RATINGS", TRAIN.rows.num_ratings // 4)
    part = head.sample_users(TASK).train
    assert 0.8 * head.MAX_RATINGS < part.rows.num_ratings <= head.MAX_RATINGS
    chosen = LinearRatings.fit(TASK, 4, None)
    pinned = LinearRatings.fit(TASK, 4, chosen.factors.penalty)
    np.testing.assert_array_equal(chosen.factors.item, pinned.factors.item)
    np.testing.assert_array_equal(chosen.biases.item, pinned.biases.item)
    assert np.abs(chosen.factors.item).max() > 0.1


def test_a_sample_keeps_at_least_one_user_however_many_ratings_they_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head, "MAX_RATINGS", 1)
    assert head.sample_users(TASK).train.num_users == 1
    assert LinearRatings.fit(TASK, 4, None).factors.penalty in PENALTIES
