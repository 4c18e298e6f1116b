"""The item to ask about is the one whose rating changes the scores most."""

import numpy as np
import pytest

from models.core.interactions import Indices, Values
from models.core.model import Model
from models.evaluation.elicitation import expected_change, information, plausible_ratings
from models.fit import Fit, FitOptions
from tests.models.helpers import STARS, small, split, tastes

TRAIN, VALIDATION = split(tastes())
ALL = np.arange(TRAIN.num_items, dtype=np.int32)


@pytest.fixture(scope="module", params=["linear", "lowrank", "denoising"])
def model(request: pytest.FixtureRequest) -> Model:
    options = FitOptions(epochs=6, learning_rate=0.02, batch_size=32, seed=3, device="cpu")
    fit = Fit(request.param, TRAIN, VALIDATION, options, config=small(request.param))
    for _ in fit:
        pass
    return fit.best


def add_rating(columns: Indices, values: Values, item: int, rating: float) -> tuple[Indices, Values]:
    place = int(np.searchsorted(columns, item))
    return np.insert(columns, place, item), np.insert(values, place, np.float32(rating))


@pytest.mark.parametrize("count", [0, 1, 6])
def test_expected_change_equals_the_change_after_the_answers(model: Model, count: int) -> None:
    generator = np.random.default_rng(count)
    columns = np.sort(generator.choice(ALL, count, replace=False)).astype(np.int32)
    values = (generator.integers(2, 11, count) / 2).astype(np.float32)
    candidates = np.setdiff1d(ALL, columns)[::3]
    ratings = plausible_ratings(model.rating_row(columns, values, candidates), 0.9, STARS)
    compared = ALL[::2]
    found = expected_change(model, columns, values, candidates=candidates, ratings_CA=ratings, compared=compared)
    now = model.preference_row(columns, values)[compared]
    for place, item in enumerate(candidates.tolist()):
        then = [
            model.preference_row(*add_rating(columns, values, item, each))[compared] for each in ratings[place].tolist()
        ]
        other = ~np.isin(compared, [*columns, item])
        moved = [((scores - now)[other] ** 2).sum() / (~np.isin(compared, columns)).sum() for scores in then]
        assert found[place] == pytest.approx(np.mean(moved), rel=1e-3, abs=1e-8)


def test_plausible_answers_lie_on_the_scale_around_what_is_expected() -> None:
    ratings = plausible_ratings(np.array([3.0, 4.9, 1.0], np.float32), 1.0, STARS)
    np.testing.assert_array_equal(ratings, [[2.5, 3.5], [4.0, 5.0], [1.0, 1.5]])


def test_of_two_equally_informative_items_the_more_popular_comes_first() -> None:
    shares = information(np.array([1.0, 1.0, 4.0]), np.array([100.0, 25.0, 4.0]))
    np.testing.assert_allclose(shares, [1.0, 0.5, 0.8])
    assert information(np.zeros(2), np.zeros(2)).tolist() == [0, 0]
