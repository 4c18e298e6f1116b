"""What every kind of autoencoder owes the rest of Palate. A new kind is tested by being in KINDS."""

from pathlib import Path

import numpy as np
import pytest

from models import checkpoint
from models.base import Model
from models.evaluate import Popularity, evaluate, holdout
from models.fit import Fit, FitOptions
from models.interactions import Indices, Rows, Values
from models.kinds import KINDS
from tests.models.helpers import row, split, tastes

OPTIONS = FitOptions(epochs=12, learning_rate=0.02, batch_size=32, patience=12, seed=3, device="cpu")
TRAIN, VALIDATION = split(tastes())


def fitted(kind: str) -> Fit:
    fit = Fit(kind, TRAIN, VALIDATION, OPTIONS)
    for _ in fit:
        pass
    return fit


@pytest.fixture(scope="module", params=list(KINDS))
def fit(request: pytest.FixtureRequest) -> Fit:
    return fitted(request.param)


@pytest.fixture
def model(fit: Fit) -> Model:
    return fit.best


def one(rows: Rows, user: int) -> tuple[Indices, Values]:
    entries = slice(rows.offsets[user], rows.offsets[user + 1])
    return rows.columns[entries], rows.values[entries]


def test_a_saved_model_comes_back_the_same(model: Model, tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "v1", model, TRAIN.item_ids, {"watermark": 7})
    loaded = checkpoint.load(tmp_path / "v1")
    for name, tensor in model.tensors().items():
        assert loaded.model.tensors()[name].equal(tensor)
    np.testing.assert_allclose(loaded.model.preference(VALIDATION.rows), model.preference(VALIDATION.rows), rtol=1e-4)
    np.testing.assert_allclose(loaded.model.rating(VALIDATION.rows), model.rating(VALIDATION.rows), rtol=1e-4)
    assert loaded.manifest == {"watermark": 7}
    assert list(loaded.item_ids) == list(TRAIN.item_ids)


def test_one_user_alone_scores_as_in_a_batch(model: Model) -> None:
    preference, rating = model.preference(VALIDATION.rows), model.rating(VALIDATION.rows)
    everything = np.arange(TRAIN.num_items, dtype=np.int32)
    for user in range(len(VALIDATION.rows)):
        folded = model.fold_in(*one(VALIDATION.rows, user))
        np.testing.assert_allclose(folded.preference, preference[user], atol=1e-4)
        np.testing.assert_allclose(folded.rating(everything), rating[user], atol=1e-4)


@pytest.mark.parametrize("ratings", [(), ((0, 5.0),), ((0, 1.0),)], ids=["no rating", "one liked", "one disliked"])
def test_short_rows_score_finite_and_on_the_scale(model: Model, ratings: tuple[tuple[int, float], ...]) -> None:
    rows = row(*ratings)
    scores, stars = model.preference(rows), model.rating(rows)
    assert scores.shape == stars.shape == (1, TRAIN.num_items)
    assert np.isfinite(scores).all()
    assert stars.min() >= 1
    assert stars.max() <= 5


def test_unseen_users_get_what_their_camp_likes(model: Model) -> None:
    given, targets = holdout(VALIDATION.rows)
    learned = evaluate(model, given, targets, TRAIN.scale).mean("ndcg@10")
    assert learned > evaluate(Popularity(TRAIN), given, targets, TRAIN.scale).mean("ndcg@10") + 0.1


def test_predicted_ratings_tell_liked_from_disliked(model: Model) -> None:
    given, targets = holdout(VALIDATION.rows)
    predicted = model.rating(given)[targets.row_of_entry, targets.columns]
    liked = targets.values >= TRAIN.scale.like_threshold
    assert predicted[liked].mean() > predicted[~liked].mean() + 0.5


def test_the_same_seed_gives_the_same_model(fit: Fit) -> None:
    again = fitted(fit.kind)
    np.testing.assert_array_equal(again.best.preference(VALIDATION.rows), fit.best.preference(VALIDATION.rows))
    assert [r.metrics for r in again.reports] == [r.metrics for r in fit.reports]
