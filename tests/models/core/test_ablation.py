"""For every kind an ablation equals scoring the row without the ratings."""

import numpy as np
import pytest

from models.core.ablation import Groups
from models.core.interactions import Indices, Rows, Values
from models.core.model import Model
from models.core.zscore import zscore
from models.fit import Fit, FitOptions
from models.kinds.registry import KINDS
from tests.models.helpers import small, split, tastes

TRAIN, VALIDATION = split(tastes())
OPTIONS = FitOptions(epochs=6, learning_rate=0.02, batch_size=32, patience=6, seed=3, device="cpu")
WANTED = np.array([3, 0, 17, 8], np.int32)


# One process tests all of a kind, so each is fitted once.
@pytest.fixture(scope="module", params=[pytest.param(kind, marks=pytest.mark.xdist_group(kind)) for kind in KINDS])
def model(request: pytest.FixtureRequest) -> Model:
    fit = Fit(request.param, TRAIN, VALIDATION, OPTIONS, config=small(request.param))
    for _ in fit:
        pass
    return fit.best


def user(generator: np.random.Generator, count: int) -> tuple[Indices, Values]:
    columns = np.sort(generator.choice(TRAIN.num_items, count, replace=False)).astype(np.int32)
    return columns, (generator.integers(2, 11, count) / 2).astype(np.float32)


def remove_group(columns: Indices, values: Values, group: Groups) -> tuple[Indices, Values]:
    return np.delete(columns, group), np.delete(values, group)


@pytest.mark.parametrize("count", [1, 2, 5, 9, TRAIN.num_items])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_an_ablation_equals_scoring_the_row_without_the_ratings(model: Model, count: int, size: int) -> None:
    if size > count:
        return
    generator = np.random.default_rng(10 * count + size)
    columns, values = user(generator, count)
    groups = np.stack([generator.choice(count, size, replace=False) for _ in range(7)])
    asked = model.ablation(columns, values, WANTED)
    scores, ratings, standard = asked.scores(groups), asked.ratings(groups), asked.scores(groups, standard=True)
    assert scores.shape == ratings.shape == standard.shape == (7, len(WANTED))
    assert scores.dtype == ratings.dtype == np.float32
    for place, group in enumerate(groups):
        row = remove_group(columns, values, group)
        preference = model.preference_row(*row)
        np.testing.assert_allclose(scores[place], preference[WANTED], atol=2e-5)
        np.testing.assert_allclose(ratings[place], model.rating_row(*row, WANTED), atol=2e-5)
        np.testing.assert_allclose(standard[place], zscore(preference)[WANTED], atol=1e-4)


def test_one_group_of_three_differs_from_three_groups_of_one(model: Model) -> None:
    columns, values = user(np.random.default_rng(2), 3)
    groups = np.arange(3)
    asked = model.ablation(columns, values, WANTED)
    asked.ratings(groups[None])
    alone = asked.ratings(groups[:, None])
    for place in range(3):
        expected = model.rating_row(*remove_group(columns, values, groups[place : place + 1]), WANTED)
        np.testing.assert_allclose(alone[place], expected, atol=2e-5)


def test_no_groups_give_no_rows(model: Model) -> None:
    columns, values = user(np.random.default_rng(0), 4)
    none = np.empty((0, 1), np.int64)
    empty = model.ablation(np.empty(0, np.int32), np.empty(0, np.float32), WANTED)
    assert empty.scores(none).shape == empty.ratings(none).shape == (0, len(WANTED))
    asked = model.ablation(columns, values, WANTED)
    assert asked.scores(none).shape == asked.ratings(none).shape == (0, len(WANTED))


def test_an_ablation_does_not_change_the_row(model: Model) -> None:
    columns, values = user(np.random.default_rng(1), 6)
    before = columns.copy(), values.copy()
    asked, groups = model.ablation(columns, values, WANTED), np.arange(6)[:, None]
    asked.scores(groups), asked.ratings(groups)
    np.testing.assert_array_equal(columns, before[0])
    np.testing.assert_array_equal(values, before[1])
    assert isinstance(Rows(np.array([0, 6]), columns, values), Rows)
