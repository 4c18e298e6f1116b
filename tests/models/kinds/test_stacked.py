"""Residual layers and re-feeding."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from models.core.interactions import Interactions
from models.fit import Fit, FitOptions
from models.kinds.stacked import StackedConfig, StackedNetwork
from models.networks.base import VALUE, Baseline, Batch
from tests.models.helpers import split, tastes

OPTIONS = FitOptions(epochs=12, learning_rate=0.01, batch_size=32, patience=12, device="cpu")
DATA = tastes()


def network(**config: Any) -> StackedNetwork:
    built = StackedNetwork(StackedConfig(num_items=24, num_hidden=6, **config), Baseline.fit(DATA))
    built.init_weights(torch.Generator().manual_seed(0))
    return built


@pytest.mark.parametrize("num_layers", [1, 3])
def test_every_layer_changes_the_code(num_layers: int) -> None:
    built = network(num_layers=num_layers)
    sums = torch.randn(5, 6, generator=torch.Generator().manual_seed(2))
    before = built.code(sums)
    assert len(built.layers) == num_layers
    for n in range(num_layers):
        mix_HH = built.get_parameter(f"layers.{n}.mix_HH").requires_grad_(False)
        mix_HH.normal_(generator=torch.Generator().manual_seed(n))
        assert (built.code(sums) - before).abs().max() > 0.01
        mix_HH.zero_()


def test_a_layer_that_has_learned_nothing_passes_on_what_it_was_given() -> None:
    built = network(num_layers=3)
    sums = torch.randn(5, 6, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(built.code(sums), 2 * torch.sigmoid(sums) - 1)


def test_the_second_encoding_is_that_of_the_dense_row() -> None:
    built = network(refeeding=1.0)
    code = torch.randn(4, 6, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        built.rating_I.normal_(0, 1, generator=torch.Generator().manual_seed(4))
    dense = code @ built.rating_ID.T + built.rating_I
    again = built.code(dense @ built.encoder_I3H[:, VALUE] / 24**0.5 + built.encoder_H)
    expected = ((again @ built.rating_ID.T + built.rating_I - dense) ** 2).sum() / 4
    got = built.refeeding_loss(code)
    assert got.item() == pytest.approx(expected.item(), rel=1e-4)
    weights = (built.rating_ID, built.encoder_I3H, built.encoder_H)
    for ours, theirs in zip(torch.autograd.grad(got, weights), torch.autograd.grad(expected, weights), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


def test_refeeding_makes_the_output_a_fixed_point() -> None:
    values = np.random.default_rng(0).choice([1.0, 2, 3, 4, 5], DATA.rows.num_ratings).astype(np.float32)
    noise = Interactions(replace(DATA.rows, values=values), DATA.item_ids, DATA.scale)
    train, validation = split(noise)
    gaps = []
    for refeeding in (0.0, 3.0):
        no_users = validation.take(np.arange(0))  # the last epoch is kept: on noise the best is any
        fit = Fit("stacked", train, no_users, OPTIONS, config={"num_hidden": 6, "refeeding": refeeding})
        list(fit)
        built = network()
        built.load_state_dict(fit.best.tensors(), strict=False)
        built.requires_grad_(False)
        code, _ = built.encode(Batch.of(validation.rows, torch.device("cpu")))
        size = (code @ built.rating_ID.T + built.rating_I).square().sum() / len(code)
        gaps.append(built.refeeding_loss(code).item() / size.item())
    assert gaps[1] < gaps[0] / 2


@pytest.mark.parametrize("config", [{"num_layers": 0}, {"masking": 1.0}, {"refeeding": -1.0}])
def test_a_wrong_hyper_parameter_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(config))):
        StackedConfig(num_items=3, **config)
