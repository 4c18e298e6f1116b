"""The penalty against the Jacobian computed by autograd."""

import numpy as np
import pytest
import torch

from models.core.model import Model
from models.fit import Fit, FitOptions
from models.kinds.contractive import ContractiveAutoencoder, ContractiveConfig, ContractiveNetwork
from models.networks.base import CHANNELS, Baseline, Batch
from tests.models.helpers import split, tastes

DATA = tastes(num_users=10, num_items=6)


def network() -> ContractiveNetwork:
    built = ContractiveNetwork(ContractiveConfig(num_items=6, num_hidden=9), Baseline.fit(DATA))
    built.init_weights(torch.Generator().manual_seed(0))
    with torch.no_grad():
        built.encoder_H.normal_(0, 1, generator=torch.Generator().manual_seed(1))
    return built


@pytest.mark.parametrize("user", [0, 3, 7])
def test_the_closed_form_is_the_norm_of_the_jacobian(user: int) -> None:
    built = network()
    batch = Batch.of(DATA.rows.take(np.array([user])), torch.device("cpu"))
    inputs, _ = built.inputs(batch)
    num_ratings = len(batch.item)
    row = torch.zeros(6 * CHANNELS)
    row[inputs.column] = inputs.weight * num_ratings**0.5  # the row as it is before the encoder scales it

    def encode(x: torch.Tensor) -> torch.Tensor:
        return built.code((x / num_ratings**0.5) @ built.encoder_I3H.flatten(0, 1) + built.encoder_H)

    code, _ = built.encode(batch)
    torch.testing.assert_close(encode(row)[None], code)
    jacobian = torch.autograd.functional.jacobian(encode, row)  # type: ignore[no-untyped-call]
    assert jacobian.shape == (9, 18)
    expected = jacobian.square().sum().item()
    assert built.jacobian_norms(code, batch.counts).item() == pytest.approx(expected, rel=1e-5)


def test_an_empty_row_has_a_finite_penalty() -> None:
    built = network()
    empty = Batch.of(DATA.rows.where(np.zeros(DATA.rows.num_ratings, bool)).take(np.array([0])), torch.device("cpu"))
    assert torch.isfinite(built.jacobian_norms(built.encode(empty)[0], empty.counts)).all()


def mean_norm(model: Model) -> float:
    assert isinstance(model, ContractiveAutoencoder)
    built = ContractiveNetwork(model.config, Baseline.fit(tastes()))
    built.load_state_dict(model.tensors(), strict=False)
    built.requires_grad_(False)
    batch = Batch.of(tastes().rows, torch.device("cpu"))
    return float(built.jacobian_norms(built.encode(batch)[0], batch.counts).mean())


def test_a_higher_lambda_leaves_a_smaller_jacobian() -> None:
    train, _ = split(tastes())
    options = FitOptions(epochs=15, learning_rate=0.02, batch_size=32, device="cpu")
    norms = []
    for contraction in (0.0, 1.0, 100.0):
        config = {"num_hidden": 16, "contraction": contraction}
        fit = Fit("contractive", train, train.take(np.arange(0)), options, config=config)
        list(fit)
        norms.append(mean_norm(fit.best))
    assert norms[0] > 2 * norms[1]
    assert norms[1] > 2 * norms[2]


def test_a_negative_lambda_is_refused() -> None:
    with pytest.raises(ValueError, match="contraction"):
        ContractiveConfig(num_items=3, contraction=-1)
