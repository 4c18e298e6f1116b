"""What every kind of autoencoder owes the rest of Palate. A new kind is tested by being in KINDS."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models import checkpoint
from models.checkpoint import Loaded
from models.core.interactions import Indices, Interactions, Rows, Values
from models.core.model import Model
from models.evaluation.ranking import Popularity, Scorer, evaluate, holdout
from models.fit import Fit, FitOptions
from models.kinds.registry import KINDS
from tests.models.helpers import STARS, hyper_parameters, narrow, row, small, split, tastes

OPTIONS = FitOptions(epochs=8, learning_rate=0.02, batch_size=32, patience=8, seed=3, device="cpu")
TRAIN, VALIDATION = split(tastes())


def fitted(kind: str, **config: float) -> Fit:
    fit = Fit(kind, TRAIN, VALIDATION, OPTIONS, config={**narrow(kind), **config})
    for _ in fit:
        pass
    return fit


# One process tests all of a kind, so each is fitted once.
@pytest.fixture(scope="module", params=[pytest.param(kind, marks=pytest.mark.xdist_group(kind)) for kind in KINDS])
def fit(request: pytest.FixtureRequest) -> Fit:
    return fitted(request.param)


@pytest.fixture
def model(fit: Fit) -> Model:
    return fit.best


def one(rows: Rows, user: int) -> tuple[Indices, Values]:
    entries = slice(rows.offsets[user], rows.offsets[user + 1])
    return rows.columns[entries], rows.values[entries]


def test_a_saved_model_is_loaded_unchanged(model: Model, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "num_hidden" in hyper_parameters(kind)])
def test_more_hidden_neurons_than_items_do_not_collapse_to_copying(kind: str) -> None:
    given, targets = holdout(VALIDATION.rows)
    figures = {width: judged(fitted(kind, num_hidden=width).best, given, targets) for width in (4, 120)}
    chance = judged(lambda rows: np.zeros((len(rows), TRAIN.num_items), np.float32), given, targets)
    assert figures[120] > figures[4] - 0.05
    assert figures[120] > chance + 0.15


def judged(scorer: Model | Scorer, given: Rows, targets: Rows) -> float:
    return evaluate(scorer, given, targets, TRAIN.scale).mean("ndcg@100")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].starts_warm])
def test_a_warm_start_keeps_what_was_learned_when_the_vocabulary_has_grown(kind: str) -> None:
    train, validation = carry_over(TRAIN), carry_over(VALIDATION)
    options = replace(OPTIONS, learning_rate=1e-6, epochs=1)
    fit = Fit(kind, train, validation, options, warm=Loaded(fitted(kind).best, TRAIN.item_ids, {}))
    next(iter(fit))
    given, targets = holdout(validation.rows)
    learned = evaluate(fit.best, given, targets, train.scale).mean("ndcg@10")
    assert learned > evaluate(Popularity(train), given, targets, train.scale).mean("ndcg@10") + 0.1


def carry_over(data: Interactions) -> Interactions:
    """The same users over a vocabulary turned round and with new items at both ends."""
    ids = ["new 1", *data.item_ids[::-1], "new 2"]
    columns = len(data.item_ids) - data.rows.columns
    return Interactions.from_arrays(
        data.rows.row_of_entry, columns, data.rows.values, ids, scale=data.scale, num_users=data.num_users
    )


@pytest.mark.parametrize("kind", list(KINDS))
def test_cancelling_ends_the_fit(kind: str) -> None:
    calls = iter((False, True))

    def check_cancelled() -> None:
        if next(calls):
            raise TimeoutError

    fit = Fit(kind, TRAIN, VALIDATION, OPTIONS, config=narrow(kind), check_cancelled=check_cancelled)
    with pytest.raises(TimeoutError):
        next(iter(fit))
    assert fit.reports == []


@pytest.mark.parametrize("num_epochs", [1, 2, 3])
@pytest.mark.parametrize("kind", list(KINDS))
def test_the_last_epoch_always_leaves_a_best_model(kind: str, num_epochs: int) -> None:
    fit = Fit(kind, TRAIN, VALIDATION, replace(OPTIONS, epochs=num_epochs), config=narrow(kind))
    stages = [report.stage for report in fit]
    assert all(stages)
    assert fit.best_report is not None
    assert np.isfinite(fit.best.preference(VALIDATION.rows)).all()


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_preparing_epoch_is_never_the_best_if_others_follow(kind: str) -> None:
    fit = Fit(kind, TRAIN, VALIDATION, replace(OPTIONS, patience=1), config=narrow(kind))
    reports = list(fit)
    assert not any(report.is_best for report in reports[:-1] if report.is_preparing)
    assert sum(not report.is_preparing for report in reports) >= 1


@pytest.mark.parametrize("kind", list(KINDS))
def test_fitting_many_users_holds_no_table_of_users_by_items(kind: str) -> None:
    num_users, num_items = 60_000, 1_000
    users = np.repeat(np.arange(num_users), 2)
    items = (users * 7 + np.tile([0, 1], num_users)) % num_items
    ids = [str(item) for item in range(num_items)]
    data = Interactions.from_arrays(users, items, np.full(len(users), 5.0), ids, scale=STARS)
    forget_peak()
    before = memory("VmRSS")
    options = FitOptions(batch_size=2_000, device="cpu")
    next(iter(Fit(kind, data, data.take(np.arange(100)), options, config=small(kind, 4))))
    assert memory("VmHWM") - before < num_users * num_items * 4 / 2


def forget_peak() -> None:
    """Have the kernel measure the peak from now on."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pytest.skip("the peak of memory can only be reset on Linux")


def memory(field: str) -> int:
    """Memory of this process in bytes, as the kernel says."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) * 1024


def test_items_liked_by_the_same_users_have_similar_vectors(model: Model) -> None:
    vectors = model.item_vectors()
    assert vectors.dtype == np.float32
    assert len(vectors) == TRAIN.num_items
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    cosine = vectors @ vectors.T
    camp = np.arange(TRAIN.num_items) % 2
    of_one = (camp[:, None] == camp) & ~np.eye(len(camp), dtype=bool)
    assert cosine[of_one].mean() > cosine[camp[:, None] != camp].mean() + 0.2
    np.testing.assert_array_equal(model.item_vectors(), vectors)
