"""A sampled code, a composite prior, and two halves trained in turn."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from models.fit import Fit, FitOptions
from models.fitting.fitter import CheckCancelled, FitTask
from models.inference.decoder import Decoder
from models.kinds.variational import VariationalConfig, VariationalFitter, VariationalNetwork
from models.networks.base import Baseline, Batch
from tests.models.helpers import split, tastes

TRAIN, VALIDATION = split(tastes())
OPTIONS = FitOptions(epochs=6, learning_rate=0.01, batch_size=32, patience=12, device="cpu")
SMALL = {"num_hidden": 12, "num_latent": 5, "num_layers": 3}
BATCH = Batch.of(TRAIN.rows, torch.device("cpu"))


def fitter(check_cancelled: CheckCancelled = lambda: None, **config: Any) -> VariationalFitter:
    given, targets = VALIDATION.rows, VALIDATION.rows
    return VariationalFitter(
        FitTask(TRAIN, given, targets, OPTIONS, config={**SMALL, **config}, check_cancelled=check_cancelled)
    )


def network(**config: Any) -> VariationalNetwork:
    built = VariationalNetwork(VariationalConfig(num_items=24, **{**SMALL, **config}), Baseline.fit(TRAIN))
    built.init_weights(torch.Generator().manual_seed(0))
    return built


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def copy(weights: dict[str, Any]) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in weights.items()}


def same(a: dict[str, Tensor], b: dict[str, Any]) -> bool:
    return all(a[name].equal(b[name]) for name in a)


def test_an_epoch_trains_the_encoder_for_three_passes_then_the_outputs_for_one() -> None:
    moved: list[str] = []
    before: dict[str, dict[str, Tensor]] = {}

    def check_cancelled() -> None:
        halves = {"encoder": copy(fitting.network.encoder), "decoder": copy(fitting.network.decoder)}
        if before:
            moved.append(" ".join(half for half in halves if not same(before[half], halves[half])))
        before.update(halves)

    fitting = fitter(check_cancelled)
    fitting.run_epoch()
    check_cancelled()
    steps = len(moved) // 4
    assert moved == ["encoder"] * 3 * steps + ["decoder"] * steps
    assert steps == 18


def test_every_weight_belongs_to_the_encoder_or_the_decoder() -> None:
    built = network()
    assert built.encoder.keys() | built.decoder.keys() == dict(built.named_parameters()).keys()
    assert not built.encoder.keys() & built.decoder.keys()


def test_the_prior_uses_the_encoder_of_the_previous_epoch() -> None:
    fitting = fitter()
    first = fitting.old_posterior(BATCH)
    assert torch.equal(first.mean_BD, fitting.network(BATCH)[0].mean_BD)
    fitting.run_epoch()
    second = fitting.old_posterior(BATCH)
    assert torch.equal(second.mean_BD, fitting.network(BATCH)[0].mean_BD)
    assert (second.mean_BD - first.mean_BD).abs().max() > 0.01
    with fitting.learning(fitting.network.encoder):
        fitting.descend(lambda batch: fitting.network.encoder_loss(batch, fitting.old_posterior(batch), generator()))
    assert torch.equal(fitting.old_posterior(BATCH).mean_BD, second.mean_BD)
    assert (fitting.network(BATCH)[0].mean_BD - second.mean_BD).abs().max() > 0.01


def code_change(**config: Any) -> float:
    """How far the codes go in the third epoch."""
    fitting = fitter(**config)
    for _ in range(2):
        fitting.run_epoch()
    before = fitting.old_posterior(BATCH)
    fitting.run_epoch()
    return float((fitting.old_posterior(BATCH).mean_BD - before.mean_BD).square().mean())


def test_a_prior_of_the_old_posterior_alone_keeps_the_codes_where_they_were() -> None:
    assert code_change(kl_weight=50.0, standard_prior=0.0, old_prior=1.0) < code_change(kl_weight=0.0) / 3


def test_a_higher_weight_of_the_divergence_pulls_the_codes_to_the_prior() -> None:
    distances = []
    for kl_weight in (0.0, 0.1, 10.0):
        fitting = fitter(kl_weight=kl_weight, standard_prior=1.0, old_prior=0.0)
        for _ in range(5):
            fitting.run_epoch()
        posterior = fitting.old_posterior(BATCH)
        variance = posterior.log_variance_BD.exp()
        exact = 0.5 * (posterior.mean_BD**2 + variance - 1 - posterior.log_variance_BD).sum(1)
        distances.append(float(exact.mean()))
    assert distances[0] > 1.5 * distances[1]
    assert distances[1] > 2 * distances[2]


def test_the_divergence_is_estimated_without_bias() -> None:
    built = network(num_latent=1, standard_prior=1.0, old_prior=0.0)
    with torch.no_grad():
        posterior, _ = built(Batch(BATCH.user[:0], BATCH.item[:0], BATCH.value[:0], 40_000))
        draws = built.divergence(posterior, posterior.sample(generator()), posterior)
    mean, log_variance = posterior.mean_BD[0], posterior.log_variance_BD[0]
    exact = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance)
    assert draws.mean().item() == pytest.approx(exact.item(), abs=0.01)


def test_the_code_is_sampled_in_training_and_the_mean_in_serving() -> None:
    built = network()
    losses = {built.loss(BATCH, generator(seed)).item() for seed in (1, 2)}
    assert len(losses) == 2
    fit = Fit("variational", TRAIN, VALIDATION, replace(OPTIONS, epochs=1), config=SMALL)
    next(iter(fit))
    served = network().requires_grad_(False)
    served.load_state_dict(fit.best.tensors(), strict=False)
    mean = served(Batch.of(VALIDATION.rows, torch.device("cpu")))[0].mean_BD
    expected = Decoder.of(served.preference_ID, served.preference_I).scores(mean.detach())
    for _ in range(2):
        np.testing.assert_allclose(fit.best.preference(VALIDATION.rows), expected, atol=1e-5)


def test_nothing_is_hidden_from_the_encoder_while_the_outputs_learn() -> None:
    built = network(masking=0.9, kl_weight=0.0)
    built.log_variance_D.requires_grad_(False).fill_(-60.0)  # no noise is left in the code
    old, bias = built(BATCH)
    whole = built.reconstruction_loss(BATCH, built(BATCH)[0].mean_BD, bias).item()
    assert built.loss(BATCH, generator()).item() == pytest.approx(whole, rel=1e-6)
    assert built.encoder_loss(BATCH, old, generator()).item() != pytest.approx(whole, rel=1e-4)


def test_the_weight_of_the_prior_grows_with_the_number_of_ratings() -> None:
    penalties = []
    for user in (BATCH.counts.argmin(), BATCH.counts.argmax()):
        batch = Batch.of(TRAIN.rows.take(np.array([int(user)])), torch.device("cpu"))
        losses = []
        for kl_weight in (0.0, 1.0):
            built = network(masking=0.0, kl_weight=kl_weight)
            losses.append(built.encoder_loss(batch, built(batch)[0], generator()).item())
        built = network()
        drawn = built(batch)[0].sample(generator_after_masking(batch))
        divergence = built.divergence(built(batch)[0], drawn, built(batch)[0]).item()
        penalties.append((losses[1] - losses[0]) / divergence)
    assert penalties == pytest.approx([BATCH.counts.min().item(), BATCH.counts.max().item()], rel=1e-2)


def generator_after_masking(batch: Batch) -> torch.Generator:
    after = generator()
    torch.rand(len(batch.item), generator=after)
    return after


def test_every_layer_reads_all_layers_below() -> None:
    built = network(num_layers=3)
    assert len(built.layers) == 2
    sums = torch.randn(5, 12, generator=generator())
    built.get_parameter("layers.0.mix_HH").requires_grad_(False).zero_()
    built.get_parameter("layers.1.mix_HH").requires_grad_(False).zero_()
    first = torch.nn.functional.layer_norm(torch.nn.functional.silu(sums), (12,), eps=0.1)
    second = torch.nn.functional.layer_norm(torch.nn.functional.silu(first), (12,), eps=0.1)
    third = torch.nn.functional.layer_norm(torch.nn.functional.silu(first + second), (12,), eps=0.1)
    torch.testing.assert_close(built.hidden(sums), third)


@pytest.mark.parametrize("cut", [1, 3])
def test_a_resumed_fit_has_the_old_encoder_again(cut: int, tmp_path: Path) -> None:
    config = {**SMALL, "kl_weight": 1.0}
    whole = Fit("variational", TRAIN, VALIDATION, OPTIONS, config=config)
    for report in whole:
        if report.epoch == cut:
            whole.save_checkpoint(tmp_path)
    resumed = Fit("variational", TRAIN, VALIDATION, OPTIONS, config=config, checkpoint=tmp_path)
    list(resumed)
    assert [r.metrics for r in resumed.reports] == [r.metrics for r in whole.reports]


@pytest.mark.parametrize(
    "config",
    [
        {"num_latent": 0},
        {"num_layers": 0},
        {"masking": 1.0},
        {"kl_weight": -1.0},
        {"standard_prior": 0.5, "old_prior": 0.6},
        {"old_prior": -0.1},
        {"encoder_passes": 0},
        {"decoder_passes": 0},
    ],
)
def test_a_wrong_hyper_parameter_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(config))):
        VariationalConfig(num_items=3, **config)
