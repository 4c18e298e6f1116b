"""The rating factors: their prior mean is solved exactly, and it lowers the error."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.closed_form.als import Side, descend
from models.core.interactions import Interactions
from models.evaluation.ranking import holdout, squared_error
from models.fitting.fitter import FitOptions, FitTask
from models.rating_prediction import implicit_prior
from models.rating_prediction.biases import Biases
from models.rating_prediction.factors import LEGACY_PRIOR, PRIOR, Factors, cells_of, fit_factors
from models.rating_prediction.head import LinearRatings
from models.rating_prediction.implicit_prior import ImplicitPrior
from tests.models.helpers import STARS, split, tastes

DATA = tastes(num_users=40, seed=5)
ROWS = DATA.rows


def ignore() -> None:
    """Take no notice of progress."""


def dense(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Lay out a number for each rating of `DATA`: (U, I)."""
    table_UI = np.zeros((DATA.num_users, DATA.num_items))
    table_UI[ROWS.row_of_entry, ROWS.columns] = values
    return table_UI


def test_a_row_with_a_prior_mean_is_the_ridge_solve_that_shrinks_to_it() -> None:
    generator = np.random.default_rng(0)
    item_ID, mean_UD = generator.normal(size=(DATA.num_items, 3)), generator.normal(size=(DATA.num_users, 3))
    cells, ridge_U = cells_of(ROWS, ROWS.values, DATA.num_items), torch.rand(DATA.num_users) + 1
    side = Side(torch.tensor(item_ID).float(), torch.zeros(3))
    prior_mean_UD = torch.tensor(mean_UD).float()
    start_UD = torch.zeros(DATA.num_users, 3)
    found_UD = descend(
        cells, side, ridge_U, start_UD, steps=6, check_cancelled=ignore, prior_mean_BD=prior_mean_UD
    ).numpy()
    rated_UI, values_UI = dense(np.ones_like(ROWS.values)), dense(ROWS.values)
    for user, ridge in enumerate(ridge_U.tolist()):
        gram_DD = item_ID.T @ (rated_UI[user][:, None] * item_ID) + ridge * np.eye(3)
        wanted_D = np.linalg.solve(gram_DD, item_ID.T @ values_UI[user] + ridge * mean_UD[user])
        np.testing.assert_allclose(found_UD[user], wanted_D, rtol=1e-3, atol=1e-4)


def test_the_prior_mean_converges_to_the_ridge_regression() -> None:
    by_user = cells_of(ROWS, ROWS.values, DATA.num_items)
    by_item = by_user.transpose()
    ridge_I = torch.rand(DATA.num_items) + 1
    item_ID = torch.randn(DATA.num_items, 3, generator=torch.Generator().manual_seed(0))
    vectors = ImplicitPrior(by_user, by_item, ridge_I, 3)
    for _ in range(200):
        vectors.update(item_ID, torch.ones(3))
    means_ID = vectors.prior_mean.numpy()

    rated_IU = dense(np.ones_like(ROWS.values)).T
    scaled_IU = rated_IU / np.sqrt(rated_IU.sum(axis=1, keepdims=True))
    weighted_UI = scaled_IU.T * ridge_I.numpy()
    gram_UU = weighted_UI @ scaled_IU + implicit_prior.PENALTY * np.eye(DATA.num_users)
    wanted_ID = scaled_IU @ np.linalg.solve(gram_UU, weighted_UI @ item_ID.numpy())
    np.testing.assert_allclose(means_ID, wanted_ID, atol=1e-4)


def camps(seed: int) -> Interactions:
    """Two camps of users who rate what theirs like and, now and then, what it does not: few ratings an item."""
    generator = np.random.default_rng(seed)
    user_U, item_I = np.arange(400) % 2, np.arange(300) % 2
    rates_UI = generator.random((400, 300)) < np.where(user_U[:, None] == item_I, 0.06, 0.02)
    users, items = np.nonzero(rates_UI)
    values = np.where(user_U[users] == item_I[items], 4.0, 3.0) + generator.choice([-1, -0.5, 0, 0.5, 1], len(users))
    return Interactions.from_arrays(
        users, items, values, [str(item) for item in range(300)], scale=STARS, num_users=400
    )


def test_the_implicit_prior_lowers_the_error_of_users_not_in_the_training_data(monkeypatch: pytest.MonkeyPatch) -> None:
    train, test = split(camps(0), 100)
    given, targets = holdout(test.rows)
    biases = Biases.fit(train)

    def error() -> float:
        factors = fit_factors(train.rows, biases, num_factors=4, penalty=0.05, seed=0, check_cancelled=ignore)
        model = LinearRatings(*factors, STARS)
        return squared_error(model.predict, given, targets)

    with_prior = error()
    monkeypatch.setattr(implicit_prior, "PENALTY", 1e9)
    assert with_prior < 0.97 * error()


def test_factors_of_an_earlier_version_keep_the_prior_they_were_fitted_with() -> None:
    factors = Factors(np.ones((2, 3), np.float32), 0.1, PRIOR)
    tensors = factors.tensors()
    assert Factors.from_tensors(tensors).penalty_of(5) == pytest.approx(0.1 * (5 + PRIOR))
    earlier = tensors | {"factor_penalty": tensors["factor_penalty"][:1]}
    assert Factors.from_tensors(earlier).penalty_of(5) == pytest.approx(0.1 * (5 + LEGACY_PRIOR))


def test_a_new_item_gets_the_bias_of_the_new_ratings_and_the_others_keep_theirs() -> None:
    task = FitTask(DATA, *holdout(DATA.rows.take(np.arange(5))), FitOptions())
    fitted = LinearRatings.fit(task, 2, 0.05)
    ids = ["new", *DATA.item_ids]
    columns = np.append(ROWS.columns + 1, 0)
    users = np.append(ROWS.row_of_entry, 0)
    grown = Interactions.from_arrays(
        users, columns, np.append(ROWS.values, 5.0), ids, scale=STARS, num_users=DATA.num_users
    )
    model = LinearRatings.carry_over(replace(task, train=grown), fitted.tensors(), DATA.item_ids)
    np.testing.assert_array_equal(model.biases.item[1:], fitted.biases.item)
    assert model.biases.item[0] == pytest.approx(Biases.fit(grown).item[0])
    assert not model.factors.item[0].any()
