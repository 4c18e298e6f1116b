"""Layers pre-trained one by one, and a network that starts from them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from models.checkpoint import Loaded
from models.evaluation.ranking import evaluate, holdout
from models.fit import Fit, FitOptions
from models.fitting.fitter import FitTask
from models.kinds.deep import DeepConfig, DeepFitter
from models.networks.base import VALUE, Batch
from tests.models.helpers import split, tastes

TRAIN, VALIDATION = split(tastes(num_users=160))
GIVEN, TARGETS = holdout(VALIDATION.rows)
OPTIONS = FitOptions(epochs=30, learning_rate=0.01, batch_size=32, patience=30, device="cpu")
SMALL = {"num_hidden": 16, "num_layers": 2, "pretraining": 0.6}
BATCH = Batch.of(GIVEN, torch.device("cpu"))


def fitter(**config: Any) -> DeepFitter:
    return DeepFitter(FitTask(TRAIN, GIVEN, TARGETS, OPTIONS, config={**SMALL, **config}))


def pretrain(**config: Any) -> DeepFitter:
    fitting = fitter(**config)
    while fitting.is_preparing:
        fitting.run_epoch()
    return fitting


def weights(fitting: DeepFitter) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in fitting.network.named_parameters()}


def test_the_stages_are_the_layers_from_bottom_to_top_then_fine_tuning() -> None:
    fit = Fit("deep", TRAIN, VALIDATION, replace(OPTIONS, epochs=10), config={**SMALL, "num_layers": 3})
    reports = list(fit)
    assert [report.stage for report in reports] == [f"layer {n}" for n in (1, 1, 2, 2, 3, 3)] + ["fine-tuning"] * 4
    assert [report.is_preparing for report in reports] == [True] * 6 + [False] * 4
    assert all(("ndcg@10" in report.metrics) != report.is_preparing for report in reports)
    assert all(("reconstruction_error" in report.metrics) == report.is_preparing for report in reports)


def test_each_layer_reconstructs_what_it_sees_better_after_its_stage() -> None:
    fitting = fitter(num_layers=3)
    for layer in range(3):
        before = fitting.network.reconstruction_error(layer, BATCH).item()
        for _ in range(6):
            assert fitting.stage == f"layer {layer + 1}"
            fitting.run_epoch()
        assert fitting.figures["reconstruction_error"] == pytest.approx(
            fitting.network.reconstruction_error(layer, BATCH).item()
        )
        assert fitting.figures["reconstruction_error"] < 0.9 * before
    assert not fitting.is_preparing


def test_a_stage_trains_only_the_weights_of_its_layer() -> None:
    fitting = fitter(num_layers=3)
    outputs = {"preference_ID", "preference_I", "rating_ID", "rating_I"}
    unrolled = [outputs, {"layers.0.down_UV"}, {"layers.1.down_UV"}]
    for layer in range(3):
        before = weights(fitting)
        for _ in range(6):
            fitting.run_epoch()
        moved = {name for name, weight in weights(fitting).items() if not weight.equal(before[name])}
        assert moved == fitting.network.weight_names(layer) | unrolled[layer]


def test_pretraining_gives_fine_tuning_a_better_start_than_random_weights() -> None:
    figures, losses = [], []
    for share in (0.6, 0.0):
        fitting = pretrain(pretraining=share)
        model = fitting.model()
        figures.append(evaluate(model, GIVEN, TARGETS, TRAIN.scale).mean("ndcg@10"))
        batch = Batch.of(TRAIN.rows, torch.device("cpu"))
        with torch.no_grad():
            losses.append(fitting.network.loss(batch, torch.Generator().manual_seed(0)).item())
    assert figures[0] > figures[1] + 0.1
    assert losses[0] < losses[1] - 1


def test_the_number_of_gibbs_steps_grows_within_a_stage() -> None:
    long, short = fitter(gibbs_steps=4), fitter(gibbs_steps=1)
    for fitting in (long, short):
        for _ in range(2):
            fitting.run_epoch()
    assert all(weight.equal(weights(short)[name]) for name, weight in weights(long).items())
    for fitting in (long, short):
        for _ in range(2):
            fitting.run_epoch()
    assert not weights(long)["encoder_I3H"].equal(weights(short)["encoder_I3H"])


def test_an_unrolled_network_is_the_machines_up_and_down() -> None:
    fitting = pretrain(num_layers=3)
    network = fitting.network
    first, second = network.upper
    with torch.no_grad():
        code = network.first_machine().hidden(network.visible(BATCH))
        up = second.machine().hidden(first.machine().hidden(code))
        down = torch.sigmoid(torch.sigmoid(up @ second.up_VU.T + second.down_V) @ first.up_VU.T + first.down_V)
        found, _ = network.encode(BATCH)
        torch.testing.assert_close(found, 2 * down - 1)
        for channel, weight, bias in (
            (0, network.preference_ID, network.preference_I),
            (VALUE, network.rating_ID, network.rating_I),
        ):
            expected = down @ network.encoder_I3H[:, channel].T * fitting._scale + network.visible_I3[:, channel]
            torch.testing.assert_close(found @ weight.T + bias, expected)


def test_fine_tuning_changes_every_layer_and_unties_its_directions() -> None:
    fitting = pretrain()
    before = weights(fitting)
    assert before["layers.0.down_UV"].equal(before["layers.0.up_VU"].T)
    fitting.run_epoch()
    after = weights(fitting)
    assert {name for name, weight in after.items() if weight.equal(before[name])} == {"visible_I3"}
    assert (after["layers.0.down_UV"] - after["layers.0.up_VU"].T).abs().max() > 1e-3


def test_a_warm_start_fine_tunes_at_once() -> None:
    fit = Fit("deep", TRAIN, VALIDATION, OPTIONS, config=SMALL)
    list(fit)
    again = Fit("deep", TRAIN, VALIDATION, OPTIONS, warm=Loaded(fit.best, TRAIN.item_ids, {}))
    first = next(iter(again))
    assert (first.stage, first.is_preparing) == ("fine-tuning", False)
    other = Fit("deep", TRAIN, VALIDATION, OPTIONS, config={"num_hidden": 7}, warm=Loaded(fit.best, TRAIN.item_ids, {}))
    assert next(iter(other)).stage == "layer 1"


def test_a_fit_resumes_exactly_from_every_stage(tmp_path: Path, subtests: pytest.Subtests) -> None:
    options, config = replace(OPTIONS, epochs=24), {**SMALL, "pretraining": 0.75}
    whole = Fit("deep", TRAIN, VALIDATION, options, config=config)
    for report in whole:
        whole.save_checkpoint(tmp_path / str(report.epoch))
    for cut in (2, 9, 10, 18, 20):
        with subtests.test(cut=cut):
            resumed = Fit("deep", TRAIN, VALIDATION, options, config=config, checkpoint=tmp_path / str(cut))
            list(resumed)
            assert [(r.stage, r.loss, r.metrics) for r in resumed.reports] == [
                (r.stage, r.loss, r.metrics) for r in whole.reports
            ]
            np.testing.assert_array_equal(resumed.best.preference(GIVEN), whole.best.preference(GIVEN))


@pytest.mark.parametrize(("epochs", "expected"), [(1, 0), (2, 0), (3, 1), (10, 2), (50, 8)])
def test_few_epochs_leave_one_for_fine_tuning(epochs: int, expected: int) -> None:
    assert DeepConfig(num_items=3).epochs_per_layer(epochs) == expected


def test_new_layers_keep_centred_units_centred_and_pass_on_their_inputs() -> None:
    upper = fitter(num_hidden=50, num_layers=3).network.upper
    assert len(upper) == 2
    with torch.no_grad():
        for layer in upper:
            middle = torch.full((1, 50), 0.5)
            torch.testing.assert_close(layer.down(layer.up(middle)), middle)
            given = middle + 0.1 * torch.randn(200, 50, generator=torch.Generator().manual_seed(0))
            assert 0.5 < (layer.up(given).std(dim=0) / given.std(dim=0)).mean() < 2


@pytest.mark.parametrize(
    "config",
    [
        {"num_layers": 0},
        {"pretraining": 1.0},
        {"pretraining": -0.1},
        {"pretraining_rate": 0.0},
        {"gibbs_steps": 0},
        {"masking": 1.0},
    ],
)
def test_a_wrong_hyper_parameter_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(config))):
        DeepConfig(num_items=3, **config)
