"""Fitting: stops early, keeps the best, repeats, resumes, starts warm."""

from pathlib import Path

import numpy as np
import pytest

from models import checkpoint
from models.checkpoint import DamagedModel, Loaded
from models.core.interactions import Interactions
from models.core.model import Model
from models.core.zscore import zscore
from models.fit import Fit, FitOptions
from models.kinds.registry import KINDS
from tests.models.helpers import narrow, split, tastes

TRAIN, VALIDATION = split(tastes())
OPTIONS = FitOptions(epochs=6, learning_rate=0.02, batch_size=32, patience=6, device="cpu")
SMALL = {"num_hidden": 8}


def same(a: Model, b: Model) -> bool:
    """Whether every weight is the same to the last bit."""
    return all(tensor.equal(b.tensors()[name]) for name, tensor in a.tensors().items())


def run(fit: Fit) -> Fit:
    for _ in fit:
        pass
    return fit


def denoising_with(options: FitOptions, **arguments: object) -> Fit:
    return Fit("denoising", TRAIN, VALIDATION, options, config=SMALL, **arguments)  # type: ignore[arg-type]


def denoising(**arguments: object) -> Fit:
    return Fit("denoising", TRAIN, VALIDATION, OPTIONS, config=SMALL, **arguments)  # type: ignore[arg-type]


def test_the_best_epochs_weights_are_kept() -> None:
    options = FitOptions(epochs=40, learning_rate=0.3, batch_size=8, patience=3, device="cpu")
    fit = run(Fit("denoising", TRAIN, VALIDATION, options, config=SMALL))
    figures = [report.metrics["ndcg@100"] for report in fit.reports]
    assert fit.best_report is not None
    assert fit.best_report.metrics["ndcg@100"] == max(figures)
    assert [report.epoch for report in fit.reports if report.is_best][-1] == int(np.argmax(figures)) + 1


@pytest.mark.parametrize("selected_by", ["rmse", "mae", "ndcg@10"])
def test_the_best_epoch_is_selected_by_the_given_metric(selected_by: str) -> None:
    options = FitOptions(epochs=12, learning_rate=0.3, batch_size=8, patience=12, device="cpu")
    fit = run(denoising_with(options, selected_by=selected_by))
    figures = [report.metrics[selected_by] for report in fit.reports]
    assert fit.best_report is not None
    assert fit.best_report.metrics[selected_by] == (max(figures) if selected_by == "ndcg@10" else min(figures))
    assert len(set(figures)) > 1


def test_a_fit_stops_after_patience_epochs_without_a_better_one() -> None:
    options = FitOptions(epochs=40, learning_rate=0.3, batch_size=8, patience=3, device="cpu")
    fit = run(Fit("denoising", TRAIN, VALIDATION, options, config=SMALL))
    assert fit.best_report is not None
    assert len(fit.reports) == min(40, fit.best_report.epoch + 3)
    assert len(fit.reports) < 40


@pytest.mark.parametrize("kind", list(KINDS))
def test_an_interrupted_and_resumed_fit_equals_an_uninterrupted_one(kind: str, tmp_path: Path) -> None:
    whole = run(Fit(kind, TRAIN, VALIDATION, OPTIONS, config=narrow(kind)))
    cut = Fit(kind, TRAIN, VALIDATION, OPTIONS, config=narrow(kind))
    for report in cut:
        cut.save_checkpoint(tmp_path)
        if report.epoch == 3:
            break
    resumed = run(Fit(kind, TRAIN, VALIDATION, OPTIONS, config=narrow(kind), checkpoint=tmp_path))
    assert [r.metrics for r in resumed.reports] == [r.metrics for r in whole.reports]
    assert same(resumed.best, whole.best)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_resumed_fit_keeps_the_best_epoch_before_the_cut(tmp_path: Path) -> None:
    options = FitOptions(epochs=40, learning_rate=0.3, batch_size=8, patience=3, device="cpu")
    fit = Fit("denoising", TRAIN, VALIDATION, options, config=SMALL)
    for report in fit:
        fit.save_checkpoint(tmp_path)
        if not report.is_best:
            break
    resumed = Fit("denoising", TRAIN, VALIDATION, options, config=SMALL, checkpoint=tmp_path)
    assert same(resumed.best, fit.best)
    assert same(run(resumed).best, run(fit).best)


def carry_over(data: Interactions, dropped: int, added: int) -> Interactions:
    """The same users over a vocabulary turned round, without its first items and with new ones."""
    rows = data.rows.where(data.rows.columns >= dropped)
    ids = [*data.item_ids[dropped:][::-1], *(f"new {n}" for n in range(added))]
    columns = len(data.item_ids) - 1 - rows.columns
    return Interactions.from_arrays(
        rows.row_of_entry, columns, rows.values, ids, scale=data.scale, num_users=data.num_users
    )


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_fit_resumes_over_a_vocabulary_that_changed(kind: str, tmp_path: Path) -> None:
    fit = Fit(kind, TRAIN, VALIDATION, OPTIONS, config=narrow(kind))
    next(iter(fit))
    fit.save_checkpoint(tmp_path)
    train, validation = carry_over(TRAIN, 4, 3), carry_over(VALIDATION, 4, 3)
    resumed = Fit(kind, train, validation, OPTIONS, config=narrow(kind), checkpoint=tmp_path)
    before = fit.best.preference(VALIDATION.rows.where(VALIDATION.rows.columns >= 4))
    after = resumed.best.preference(validation.rows)
    assert after.shape == (30, 23)
    np.testing.assert_allclose(zscore(after[:, :20]), zscore(before[:, 4:][:, ::-1]), atol=0.15)
    assert len(run(resumed).reports) == fit.epochs


def test_a_warm_start_begins_with_the_old_weights() -> None:
    slow = FitOptions(epochs=6, learning_rate=1e-3, batch_size=32, device="cpu")
    cold = run(Fit("denoising", TRAIN, VALIDATION, slow, config=SMALL))
    warm = Fit("denoising", TRAIN, VALIDATION, slow, warm=Loaded(cold.best, TRAIN.item_ids, {}))
    first = next(iter(warm)).loss
    assert first is not None
    assert cold.reports[0].loss is not None
    assert first < cold.reports[0].loss - 0.1


def test_a_warm_start_with_another_width_starts_cold() -> None:
    cold = run(denoising())
    other = Fit(
        "denoising", TRAIN, VALIDATION, OPTIONS, config={"num_hidden": 5}, warm=Loaded(cold.best, TRAIN.item_ids, {})
    )
    next(iter(other))
    assert other.best.config.num_hidden == 5  # type: ignore[attr-defined]


def test_cancelling_ends_the_fit_between_batches_and_keeps_the_last_epoch() -> None:
    calls = 0

    def check_cancelled() -> None:
        nonlocal calls
        calls += 1
        if calls == 25:
            raise TimeoutError

    fit = denoising(check_cancelled=check_cancelled)
    with pytest.raises(TimeoutError):
        run(fit)
    assert [report.epoch for report in fit.reports] == [1]
    assert fit.best.config.num_items == TRAIN.num_items


def test_online_learning_takes_one_step_a_user() -> None:
    steps = 0

    def check_cancelled() -> None:
        nonlocal steps
        steps += 1

    options = FitOptions(epochs=1, batch_size=1, device="cpu")
    run(Fit("denoising", TRAIN, VALIDATION, options, config=SMALL, check_cancelled=check_cancelled))
    assert steps == TRAIN.num_users


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_fit_without_validation_users_runs_all_its_epochs_and_keeps_the_last(kind: str) -> None:
    fit = run(Fit(kind, TRAIN, VALIDATION.take(np.arange(0)), OPTIONS, config=narrow(kind)))
    assert len(fit.reports) == fit.epochs
    assert fit.best_report == fit.reports[-1]


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_fit_without_users_returns_a_model(kind: str) -> None:
    no_users = TRAIN.take(np.arange(0))
    model = run(Fit(kind, no_users, no_users, OPTIONS)).best
    assert np.isfinite(model.preference(VALIDATION.rows)).all()
    assert np.isfinite(model.rating(VALIDATION.rows)).all()


def test_an_unknown_kind_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="unknown kind magic; known are " + ", ".join(KINDS)):
        Fit("magic", TRAIN, VALIDATION, OPTIONS)


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    fit = denoising()
    next(iter(fit))
    fit.save_checkpoint(tmp_path)
    with pytest.raises(DamagedModel, match="not of linear"):
        Fit("linear", TRAIN, VALIDATION, OPTIONS, checkpoint=tmp_path)
    weights = next(tmp_path.glob("weights-*"))
    weights.write_bytes(weights.read_bytes()[:-10])
    with pytest.raises(DamagedModel, match="cut short or altered"):
        denoising(checkpoint=tmp_path)


def test_a_published_model_is_the_best_epochs(tmp_path: Path) -> None:
    fit = run(denoising())
    checkpoint.save(tmp_path / "v", fit.best, TRAIN.item_ids, {})
    assert same(checkpoint.load(tmp_path / "v").model, fit.best)
