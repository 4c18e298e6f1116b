"""Pitfalls that sank published results, one test each."""

import numpy as np
import torch

from models.core.interactions import Interactions, RatingScale
from models.core.model import Model
from models.fit import Fit, FitOptions
from models.kinds.denoising import DenoisingAutoencoder
from models.networks.base import NARROW, WIDE
from tests.models.helpers import STARS, row, split, tastes

TEN = RatingScale(minimum=0, maximum=10, step=1, like_threshold=8)


def fit_model(data: Interactions, epochs: int = 15, **config: float) -> Model:
    train, validation = split(data)
    options = FitOptions(epochs=epochs, learning_rate=0.02, batch_size=32, patience=epochs, device="cpu")
    fit = Fit("denoising", train, validation, options, config={"num_hidden": 16, **config})
    for _ in fit:
        pass
    return fit.best


def test_a_true_zero_is_a_rating_and_not_an_absence() -> None:
    model = fit_model(tastes(scale=TEN))
    nothing, zero = model.preference(row()), model.preference(row((0, 0.0)))
    assert np.abs(nothing - zero).max() > 0.01
    assert model.rating(row((0, 0.0)))[0].mean() < model.rating(row())[0].mean()


def test_items_always_rated_zero_are_predicted_near_zero() -> None:
    data = tastes(scale=TEN)
    values = np.where(data.rows.columns < 4, 0, data.rows.values)
    rows = type(data.rows)(data.rows.offsets, data.rows.columns, values.astype(np.float32))
    model = fit_model(Interactions(rows, data.item_ids, TEN))
    predicted = model.rating(rows.take(np.arange(20)))
    assert predicted[:, :4].mean() < 2
    assert predicted[:, 4:].mean() > 4


def test_a_rating_that_equals_its_baseline_still_counts() -> None:
    model = fit_model(tastes())
    assert isinstance(model, DenoisingAutoencoder)
    baseline = float(model.tensors()["mean"]) + float(model.tensors()["item_bias"][5])
    assert np.abs(model.preference(row((5, baseline))) - model.preference(row())).max() > 0.01


def test_rows_that_the_noise_empties_do_not_spoil_the_weights() -> None:
    model = fit_model(tastes(), epochs=3, masking=0.98)
    assert all(torch.isfinite(tensor).all() for tensor in model.tensors().values())


def test_no_noise_is_left_when_serving() -> None:
    model, rows = fit_model(tastes()), tastes(seed=5).rows
    np.testing.assert_array_equal(model.preference(rows), model.preference(rows))


def test_short_rows_get_a_narrow_layer_and_long_ones_a_wide_one() -> None:
    assert width(tastes(num_users=32, num_items=24)) == NARROW
    assert width(tastes(num_users=32, num_items=80)) == WIDE


def width(data: Interactions) -> int:
    fit = Fit("denoising", data, data.take(np.arange(0)), FitOptions(epochs=1, device="cpu"))
    next(iter(fit))
    return len(fit.best.tensors()["encoder_H"])


def test_a_loaded_model_holds_its_weights_once() -> None:
    model = fit_model(tastes(), epochs=1)
    tensors = {name: tensor.clone() for name, tensor in model.tensors().items()}
    config: dict[str, object] = {"num_items": 24, "num_hidden": 16}
    again = DenoisingAutoencoder.from_tensors(config, STARS, tensors)
    before = again.preference(row((0, 5.0)))
    tensors["preference_I"] += 1
    np.testing.assert_allclose(again.preference(row((0, 5.0))), before + 1, atol=1e-6)


def test_residuals_that_do_not_help_unseen_users_are_not_added() -> None:
    data = tastes()
    noise = np.random.default_rng(0).choice([2.0, 3, 4, 5], data.rows.num_ratings).astype(np.float32)
    model = fit_model(Interactions(type(data.rows)(data.rows.offsets, data.rows.columns, noise), data.item_ids, STARS))
    assert float(model.tensors()["trust"]) < 0.3
    assert float(fit_model(data).tensors()["trust"]) > 0.8


def test_users_who_liked_nothing_leave_the_preference_output_alone() -> None:
    data = tastes()
    rows = type(data.rows)(data.rows.offsets, data.rows.columns, np.full_like(data.rows.values, 1))
    model = fit_model(Interactions(rows, data.item_ids, STARS), epochs=3, weight_decay=0.0)
    assert np.abs(model.tensors()["preference_I"].numpy()).max() == 0
