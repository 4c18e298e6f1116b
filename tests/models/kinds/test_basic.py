"""The loss of `basic` over whole rows, computed from the ratings only."""

import numpy as np
import pytest
import torch

from models.core.interactions import Interactions
from models.fit import Fit, FitOptions
from models.kinds.basic import BasicConfig, BasicNetwork
from models.networks.base import Baseline, Batch
from models.networks.losses import dense_squared_error, sum_squared_products
from models.networks.sparse_ops import Bags
from tests.models.helpers import tastes

GENERATOR = torch.Generator().manual_seed(0)


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=GENERATOR).double()


def test_sum_squared_products_is_that_of_the_dense_product() -> None:
    left, right = normal(6, 3), normal(50, 3)
    assert sum_squared_products(left, right).item() == pytest.approx(((left @ right.T) ** 2).sum().item())


@pytest.mark.parametrize("unrated", [0.05, 1.0])
def test_the_loss_over_whole_rows_and_its_gradient_are_those_of_the_dense_table(unrated: float) -> None:
    code, weight, bias = (tensor.float().requires_grad_() for tensor in (normal(3, 4), normal(7, 4), normal(7)))
    row, column = torch.tensor([0, 0, 2]), torch.tensor([1, 5, 5])
    value = torch.tensor([0.5, 0.0, 1.0])
    dense, importance = torch.zeros(3, 7), torch.full((3, 7), unrated)
    dense[row, column], importance[row, column] = value, 1.0
    expected = (importance * (code @ weight.T + bias - dense) ** 2).sum() / 3
    got = dense_squared_error(code, weight, bias, targets=Bags(row, column, value, (3, 7)), unrated=unrated)
    assert got.item() == pytest.approx(expected.item(), rel=1e-5)
    inputs = (code, weight, bias)
    for ours, theirs in zip(torch.autograd.grad(got, inputs), torch.autograd.grad(expected, inputs), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_nothing_is_random_in_a_step() -> None:
    data = tastes()
    network = BasicNetwork(BasicConfig(num_items=24, num_hidden=8), Baseline.fit(data))
    network.init_weights(torch.Generator().manual_seed(1))
    batch = Batch.of(data.rows, torch.device("cpu"))
    losses = [network.loss(batch, torch.Generator().manual_seed(seed)).item() for seed in (0, 1)]
    assert losses[0] == losses[1]


def score_of_a_rare_item(unrated: float) -> float:
    """Fit where only four users rated item 0, all highest; return its mean score relative to the others'."""
    data = tastes()
    rare = (data.rows.columns != 0) | (data.rows.row_of_entry < 8)
    train = Interactions(data.rows.where(rare), data.item_ids, data.scale)
    options = FitOptions(epochs=15, learning_rate=0.02, batch_size=32, patience=15, device="cpu")
    fit = Fit("basic", train, train.take(np.arange(0)), options, config={"num_hidden": 8, "unrated": unrated})
    list(fit)
    scores = fit.best.preference(train.rows).mean(axis=0)
    return float(scores[0] / scores[1:].mean())


def test_an_item_that_few_rated_scores_low_because_unrated_cells_are_in_the_loss() -> None:
    assert score_of_a_rare_item(1.0) < 0.5
    assert score_of_a_rare_item(1e-6) > 0.7


@pytest.mark.parametrize("unrated", [0.0, 1.5])
def test_a_wrong_weight_is_refused(unrated: float) -> None:
    with pytest.raises(ValueError, match="unrated"):
        BasicConfig(num_items=3, unrated=unrated)
