"""The low-rank kind against plain solves of the same equations."""

import numpy as np
import pytest
import torch

from models.checkpoint import Loaded
from models.closed_form.als import Cells, Side, descend, solve
from models.core.interactions import Interactions
from models.fit import Fit, FitOptions
from models.inference.decoder import Decoder
from models.kinds.lowrank import LowRankAutoencoder, default_config
from tests.models.helpers import STARS, row, split, tastes

TRAIN, VALIDATION = split(tastes())


def fit_model(data: Interactions = TRAIN, epochs: int = 6, **config: float) -> LowRankAutoencoder:
    fit = Fit("lowrank", data, VALIDATION, FitOptions(epochs=epochs, device="cpu"), config={"num_factors": 4, **config})
    for _ in fit:
        pass
    assert isinstance(fit.best, LowRankAutoencoder)
    return fit.best


def test_a_code_is_the_ridge_solve_over_all_items_with_the_unrated_ones_weighted() -> None:
    model = fit_model(unrated_weight=0.3, regularisation=0.02, constant_weight=0.5)
    factors = model.tensors()["decoder"].double().numpy()
    weights, targets = np.zeros(len(factors)), np.zeros(len(factors))
    for column, value in ((2, 5.0), (7, 2.0)):
        weights[column], targets[column] = 1, (value - 1) / 4
    weights[-1], targets[-1] = 0.5, 1
    ridge = 0.02 * (3 + 0.3 * len(factors))
    matrix = factors.T @ np.diag(weights + 0.3) @ factors + ridge * np.eye(4)
    code = np.linalg.solve(matrix, factors.T @ (weights * targets))
    decoder = Decoder.of(torch.from_numpy(factors[:-1]).float()).weights(slice(None))
    np.testing.assert_allclose(model.preference(row((2, 5.0), (7, 2.0)))[0], decoder @ code, atol=1e-4)


@pytest.mark.parametrize("num_factors", [2, 64], ids=["more ratings than factors", "fewer"])
def test_solving_a_row_by_entries_and_by_factors_agrees(num_factors: int) -> None:
    model = fit_model(num_factors=num_factors, epochs=2)
    for user in range(10):
        entries = slice(*VALIDATION.rows.offsets[user : user + 2])
        alone = model.preference_row(VALIDATION.rows.columns[entries], VALIDATION.rows.values[entries])
        np.testing.assert_allclose(alone, model.preference(VALIDATION.rows.take(np.array([user])))[0], atol=1e-4)


def test_the_highest_rating_raises_similar_items_and_the_lowest_does_not() -> None:
    model = fit_model()
    low, high = model.preference(row((0, 1.0)))[0], model.preference(row((0, 5.0)))[0]
    camp = np.arange(0, TRAIN.num_items, 2)
    assert high[camp].mean() > low[camp].mean() + 0.1


def test_an_empty_row_is_ordered_by_popularity() -> None:
    users, items = np.array([0, 1, 2, 3, 0, 1, 0]), np.array([0, 0, 0, 0, 1, 1, 2])
    data = Interactions.from_arrays(users, items, np.full(7, 5.0), ["a", "b", "c"], scale=STARS)
    fit = Fit("lowrank", data, data.take(np.arange(0)), FitOptions(device="cpu"), config={"num_factors": 2})
    for _ in fit:
        pass
    assert np.argsort(-fit.best.preference(row())[0]).tolist() == [0, 1, 2]


def test_the_total_weight_of_unrated_items_does_not_grow_with_the_catalogue() -> None:
    users = np.repeat(np.arange(2), 50)
    for num_items, weight in ((7_500, 0.2), (15_000, 0.1), (150_000, 0.01)):
        items = [str(item) for item in range(num_items)]
        data = Interactions.from_arrays(users, np.tile(np.arange(50), 2), np.full(100, 4.0), items, scale=STARS)
        assert default_config(data)["unrated_weight"] == pytest.approx(weight)


@pytest.mark.parametrize(("num_items", "weight"), [(24, 0.03), (80, 0.2)], ids=["short rows", "long rows"])
def test_short_rows_and_long_ones_have_hyper_parameters_of_their_own(num_items: int, weight: float) -> None:
    data = tastes(num_users=60, num_items=num_items)
    fit = Fit("lowrank", data, data.take(np.arange(0)), FitOptions(epochs=1, device="cpu"))
    next(iter(fit))
    assert fit.best.config.unrated_weight == weight  # type: ignore[attr-defined]


def test_a_fit_can_start_from_a_model_with_a_smaller_vocabulary() -> None:
    old = fit_model(epochs=6)
    grown = Interactions(TRAIN.rows, [*TRAIN.item_ids[1:], "new"], STARS)
    warm = Loaded(old, TRAIN.item_ids, {})
    fit = Fit("lowrank", grown, VALIDATION.take(np.arange(0)), FitOptions(epochs=1, device="cpu"), warm=warm)
    next(iter(fit))
    assert len(fit.best.tensors()["decoder"]) == TRAIN.num_items + 1
    assert fit.best.tensors()["decoder"].shape[1] == 4


@pytest.mark.parametrize("name", ["num_factors", "unrated_weight", "regularisation", "constant_weight"])
def test_a_wrong_hyper_parameter_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Fit("lowrank", TRAIN, VALIDATION, FitOptions(), config={name: 0})


def test_enough_steps_of_conjugate_gradients_end_at_the_exact_solve() -> None:
    cells, side, ridge = problem()
    nothing = torch.zeros(len(ridge), 6)
    exact = solve(cells, side, ridge)
    torch.testing.assert_close(
        descend(cells, side, ridge, nothing, steps=30, check_cancelled=lambda: None), exact, atol=1e-4, rtol=1e-4
    )
    errors = [
        float((descend(cells, side, ridge, nothing, steps=n, check_cancelled=lambda: None) - exact).norm())
        for n in (1, 3, 6)
    ]
    assert errors[0] > errors[1] > errors[2]


def test_rows_without_entries_solve_to_zero() -> None:
    cells, side, ridge = problem()
    assert cells.counts[0] == 0
    assert solve(cells, side, ridge)[0].abs().max() == 0
    assert (
        descend(cells, side, ridge, torch.ones(len(ridge), 6), steps=2, check_cancelled=lambda: None)[0].abs().max()
        == 0
    )


def test_transposing_twice_returns_the_same_cells() -> None:
    cells, _, _ = problem()
    again = cells.transpose().transpose()
    np.testing.assert_array_equal(again.offsets, cells.offsets)
    assert again.columns.equal(cells.columns)
    assert again.targets.equal(cells.targets)


def test_a_cancelled_fit_ends_within_the_epoch() -> None:
    class Cancelled(Exception):
        pass

    def check_cancelled() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        next(iter(Fit("lowrank", TRAIN, VALIDATION, FitOptions(), check_cancelled=check_cancelled)))


def problem() -> tuple[Cells, Side, torch.Tensor]:
    """Rows of very different lengths, the first without any entry."""
    generator = np.random.default_rng(0)
    counts = np.array([0, 1, 2, 30, 5, 40, 1, 17])
    columns = np.concatenate([np.sort(generator.choice(50, count, replace=False)) for count in counts])
    weights = generator.uniform(0.5, 1, len(columns)).astype(np.float32)
    targets = generator.normal(size=len(columns)).astype(np.float32)
    entries = torch.from_numpy(columns.astype(np.int64)), torch.from_numpy(weights), torch.from_numpy(targets)
    side, _ = Side.diagonalise(torch.from_numpy(generator.normal(size=(50, 6)).astype(np.float32)), 0.1)
    return (
        Cells(np.concatenate(([0], np.cumsum(counts))), *entries, num_columns=50),
        side,
        torch.full((len(counts),), 0.7),
    )
