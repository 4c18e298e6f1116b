"""The closed form against a plain solve of the same equations."""

import numpy as np
import pytest

from models import ridge
from models.fit import Fit, FitOptions
from models.interactions import Interactions
from models.linear import LinearAutoencoder
from tests.models.helpers import STARS, row, split, tastes

DATA = tastes(num_users=40, num_items=8)
NOTHING = DATA.take(np.arange(0))


def solved(data: Interactions, **config: float) -> LinearAutoencoder:
    fit = Fit("linear", data, data.take(np.arange(0)), FitOptions(), config={"regularisation": 5.0, **config})
    next(iter(fit))
    assert isinstance(fit.best, LinearAutoencoder)
    return fit.best


def dense_features(data: Interactions) -> np.ndarray:
    encoded, _ = ridge.encode(data.rows, STARS.like_threshold, data.num_items)
    dense: np.ndarray = encoded.toarray().astype(np.float64)
    return dense


def test_weights_are_those_of_a_ridge_regression_without_the_items_own_channels() -> None:
    model, X = solved(DATA), dense_features(DATA)
    G = X.T @ X
    penalty = np.diag(G) * 0.4 / 0.6 + 5.0
    penalty[-1] = ridge.CONSTANT_PENALTY
    weights = model.tensors()["weights"].float().numpy()
    for item in range(DATA.num_items):
        others = [f for f in range(X.shape[1]) if f not in (item, DATA.num_items + item)]
        expected = np.linalg.solve((G + np.diag(penalty))[np.ix_(others, others)], G[others, item])
        np.testing.assert_allclose(weights[others, item], expected, atol=2e-3)
        assert weights[item, item] == weights[DATA.num_items + item, item] == 0


@pytest.mark.parametrize("value", [1.0, 5.0])
def test_rating_an_item_never_moves_its_own_score(value: float) -> None:
    model = solved(DATA)
    before, after = model.preference(row((3, 4.0))), model.preference(row((3, 4.0), (5, value)))
    assert before[0, 5] == pytest.approx(after[0, 5], abs=1e-6)
    assert np.abs(before - after).max() > 1e-3


def test_both_ways_to_invert_agree() -> None:
    few = tastes(num_users=6, num_items=20)
    encoded, inputs = ridge.encode(few.rows, STARS.like_threshold, few.num_items)
    pairs = ridge.Pairs.of(inputs, few.num_items)
    by_items = ridge.solve(ridge.gram(encoded, ignore), pairs, 0.4, 5.0, ignore)
    by_users = ridge.solve(ridge.gram(encoded, ignore), pairs, 0.4, 5.0, ignore, encoded)
    assert encoded.shape[0] * ridge.FEW_USERS < encoded.shape[1]
    np.testing.assert_allclose(by_items, by_users, atol=1e-5)


def ignore() -> None:
    """No tick."""


def test_inverting_in_place_works_beyond_one_block() -> None:
    size = ridge.BLOCK + 300
    low = np.random.default_rng(0).normal(size=(size, 50)).astype(np.float32)
    matrix = low @ low.T + 60 * np.eye(size, dtype=np.float32)
    inverse = matrix.copy()
    ridge.invert(inverse, ignore)
    np.testing.assert_allclose(inverse @ matrix, np.eye(size), atol=1e-3)


def test_an_item_nobody_liked_scores_zero_and_a_row_of_it_alone_is_answered() -> None:
    data = Interactions.from_arrays(
        np.array([0, 0, 1, 1]), np.array([0, 1, 0, 2]), np.array([5.0, 5, 5, 1]), ["a", "b", "c", "d"], STARS
    )
    model = solved(data)
    assert model.preference(row((0, 5.0)))[0, [2, 3]].tolist() == [0, 0]
    assert np.isfinite(model.preference(row((3, 5.0)))).all()


def test_an_empty_row_is_ordered_by_popularity() -> None:
    users, items = np.array([0, 1, 2, 3, 0, 1, 0]), np.array([0, 0, 0, 0, 1, 1, 2])
    data = Interactions.from_arrays(users, items, np.full(7, 5.0), ["a", "b", "c"], STARS)
    assert np.argsort(-solved(data).preference(row())[0]).tolist() == [0, 1, 2]


def test_the_penalty_chosen_on_validation_users_is_reported_and_reused() -> None:
    train, validation = split(tastes())
    fit = Fit("linear", train, validation, FitOptions())
    report = next(iter(fit))
    assert report.epochs == 1
    assert report.metrics["regularisation"] == fit.best.config.regularisation  # type: ignore[attr-defined]


@pytest.mark.parametrize("config", [{"dropout": 1.0}, {"regularisation": 0.0}, {"lambda": 3}])
def test_a_wrong_hyper_parameter_is_refused(config: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"dropout|regularisation"):
        Fit("linear", DATA, NOTHING, FitOptions(), config=config)
