"""Most weights are pruned for good, and the rest are stored and served as sparse tables."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models import checkpoint
from models.checkpoint import Loaded
from models.fit import Fit, FitOptions
from models.fitting.fitter import FitTask
from models.kinds.sparse import SparseConfig, SparseFitter, drop_neurons, drop_ratings
from models.networks.pruning import PRUNED_TABLES, largest_mask, pruned_share
from models.networks.sparse_ops import Bags
from tests.models.helpers import split, tastes

TRAIN, VALIDATION = split(tastes())
OPTIONS = FitOptions(epochs=20, learning_rate=0.02, batch_size=32, patience=20, seed=3, device="cpu")


def fit_model(**config: float) -> Fit:
    fit = Fit("sparse", TRAIN, VALIDATION, OPTIONS, config={"num_hidden": 32, **config})
    list(fit)
    return fit


@pytest.fixture(scope="module")
def fit() -> Fit:
    return fit_model()


def test_the_requested_share_of_weights_is_pruned(fit: Fit) -> None:
    assert fit.best_report is not None
    assert fit.best_report.metrics["weights_kept"] == pytest.approx(0.2, abs=0.002)
    tensors = fit.best.tensors()
    left = sum(len(tensors[f"{name}.values"]) for name in PRUNED_TABLES)
    assert left == pytest.approx(0.2 * 24 * 32 * 5, rel=0.01)
    assert all((tensors[f"{name}.values"] != 0).all() for name in PRUNED_TABLES)


def test_the_fit_passes_through_its_stages_and_only_the_last_counts(fit: Fit) -> None:
    stages = [report.stage for report in fit.reports]
    assert stages == ["fit"] * 4 + ["pruning"] * 6 + ["fine-tuning"] * 10
    assert fit.best_report is not None
    assert fit.best_report.stage == "fine-tuning"
    kept = [report.metrics["weights_kept"] for report in fit.reports]
    assert kept[:4] == [1.0] * 4
    assert kept[4:10] == sorted(kept[4:10], reverse=True)
    assert len(set(kept[9:])) == 1


def test_the_file_and_the_memory_are_smaller_than_those_of_the_dense_weights(fit: Fit, tmp_path: Path) -> None:
    dense = Fit("denoising", TRAIN, VALIDATION, replace(OPTIONS, epochs=1), config={"num_hidden": 32})
    list(dense)
    for name, model in (("sparse", fit.best), ("dense", dense.best)):
        checkpoint.save(tmp_path / name, model, TRAIN.item_ids, {})
    sizes = [(tmp_path / name / "weights.safetensors").stat().st_size for name in ("sparse", "dense")]
    assert sizes[0] < 0.6 * sizes[1]
    assert fit.best_report is not None
    assert fit.best_report.metrics["model_bytes"] == sum(tensor.nbytes for tensor in fit.best.tensors().values())


def test_predictions_are_the_same_before_and_after_storing(fit: Fit, tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "v", fit.best, TRAIN.item_ids, {})
    loaded = checkpoint.load(tmp_path / "v").model
    np.testing.assert_array_equal(loaded.preference(VALIDATION.rows), fit.best.preference(VALIDATION.rows))
    np.testing.assert_array_equal(loaded.rating(VALIDATION.rows), fit.best.rating(VALIDATION.rows))


def test_pruned_weights_stay_zero_in_fine_tuning() -> None:
    fitter = SparseFitter(FitTask(TRAIN, VALIDATION.rows, VALIDATION.rows, OPTIONS, config={"num_hidden": 32}))
    while fitter.is_preparing:
        fitter.run_epoch()
    pruned = [fitter.network.get_parameter(name) == 0 for name in PRUNED_TABLES]
    before = [fitter.network.get_parameter(name).detach().clone() for name in PRUNED_TABLES]
    for _ in range(3):
        fitter.run_epoch()
    for name, zero, old in zip(PRUNED_TABLES, pruned, before, strict=True):
        weight = fitter.network.get_parameter(name).detach()
        assert zero.float().mean() == pytest.approx(0.8, abs=0.01)
        assert (weight[zero] == 0).all()
        assert (weight[~zero] != old[~zero]).all()


def test_a_pruned_network_ranks_about_as_well_as_a_whole_one(fit: Fit) -> None:
    whole = fit_model(pruned=0.0)
    assert fit.best_report is not None
    assert whole.best_report is not None
    assert whole.best_report.metrics["weights_kept"] == 1.0
    assert fit.best_report.metrics["ndcg@100"] > whole.best_report.metrics["ndcg@100"] - 0.05


def test_a_warm_start_prunes_at_once(fit: Fit) -> None:
    again = Fit("sparse", TRAIN, VALIDATION, OPTIONS, warm=Loaded(fit.best, TRAIN.item_ids, {}))
    first = next(iter(again))
    assert first.stage == "pruning"
    assert first.metrics["weights_kept"] == pytest.approx(0.2, abs=0.002)


@pytest.mark.parametrize("cut", [2, 7, 14])
def test_a_fit_resumes_exactly_from_every_stage(fit: Fit, cut: int, tmp_path: Path) -> None:
    half = Fit("sparse", TRAIN, VALIDATION, OPTIONS, config={"num_hidden": 32})
    for report in half:
        if report.epoch == cut:
            break
    half.save_checkpoint(tmp_path)
    resumed = Fit("sparse", TRAIN, VALIDATION, OPTIONS, config={"num_hidden": 32}, checkpoint=tmp_path)
    list(resumed)
    assert [(r.stage, r.metrics) for r in resumed.reports] == [(r.stage, r.metrics) for r in fit.reports]


def test_the_schedule_is_cubic() -> None:
    assert [pruned_share(progress, 0.8) for progress in (-1, 0, 0.5, 1, 2)] == pytest.approx([0, 0, 0.7, 0.8, 0.8])


def test_the_largest_weights_are_kept_whatever_their_sign() -> None:
    assert largest_mask(torch.tensor([[0.1, -3], [2, -0.2]]), 2).tolist() == [[False, True], [True, False]]


def test_dropout_leaves_out_whole_ratings_and_keeps_the_mean_of_the_sums() -> None:
    generator = torch.Generator().manual_seed(0)
    row = torch.zeros(20_000, dtype=torch.int64)
    inputs = Bags(row, torch.arange(20_000), torch.ones(20_000), (1, 20_000))
    dropped = drop_ratings(inputs, 0.3, generator)
    assert len(dropped.row) == pytest.approx(14_000, rel=0.03)
    assert (dropped.column[0::2] + 1 == dropped.column[1::2]).all()
    assert dropped.weight.sum().item() == pytest.approx(20_000, rel=0.03)
    neurons = drop_neurons(torch.ones(100, 100), 0.3, generator)
    assert (neurons == 0).float().mean().item() == pytest.approx(0.3, abs=0.03)
    assert neurons.mean().item() == pytest.approx(1, abs=0.05)


def test_no_dropout_is_left_when_serving(fit: Fit) -> None:
    np.testing.assert_array_equal(fit.best.preference(VALIDATION.rows), fit.best.preference(VALIDATION.rows))


@pytest.mark.parametrize(
    "config", [{"pruned": 1.0}, {"input_dropout": -0.1}, {"hidden_dropout": 1.0}, {"prune_from": 0.6}]
)
def test_a_wrong_hyper_parameter_is_refused(config: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(config))):
        SparseConfig(num_items=3, **config)  # type: ignore[arg-type]
