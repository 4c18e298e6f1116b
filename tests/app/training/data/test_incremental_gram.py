"""Runs of `linear` after a few changed ratings: an update of the kept Gram matrix, and the model of a full fit."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.ratings.conflict import RatingRow
from app.ratings.service import set_ratings
from app.registry import service as registry
from app.registry import store
from app.settings import Settings
from app.tables import Rating, RatingChange, User
from app.training.data.incremental_gram import StoredGram
from app.training.data.snapshot import load_interactions
from app.training.data.split import split_users
from app.training.service import Progress
from models.closed_form.encoding import Encoding
from models.closed_form.gram import Gram, PackedGram
from models.core.interactions import RatingScale
from models.fit import Fit, FitOptions
from models.kinds.linear import LinearAutoencoder, LinearConfig, LinearFitter
from models.resume import write_checkpoint
from tests.app.training.conftest import Instance

NUM_USERS, NUM_ITEMS = 150, 25


@pytest.fixture
def instance(settings: Settings) -> Iterator[Instance]:
    """An instance whose ratings have a history, and so many users that the items' side is solved; a worker works."""
    torch.set_num_threads(1)
    instance = Instance(settings)
    generator = np.random.default_rng(0)
    rows = [
        RatingRow(f"user-{user}", f"item-{item}", 5.0 if (user + item) % 3 == 0 else 1.5, 1)
        for user in range(NUM_USERS)
        for item in generator.choice(NUM_ITEMS, 10, replace=False)
    ]
    instance.write(set_ratings, rows, 1)
    instance.start_worker()
    yield instance
    instance.close()


def train(instance: Instance, **options: Any) -> Progress:
    progress = instance.wait_for_end(instance.request("linear", **options))
    assert progress.run.error is None
    return progress


def updated_users(progress: Progress) -> float | None:
    return progress.epochs[0].metrics.get("updated_users")


def model_of(instance: Instance, progress: Progress) -> LinearAutoencoder:
    model = store.load(instance.settings.model_store, str(progress.run.version)).model
    assert isinstance(model, LinearAutoencoder)
    return model


def assert_a_full_fit(instance: Instance, progress: Progress) -> None:
    """Compare a run's model with one fitted to the ratings that stand, with the same hyper-parameters."""
    model, snapshot = model_of(instance, progress), instance.read(load_interactions, instance.settings)
    split, table = split_users(snapshot.user_ids), snapshot.interactions
    config = {name: getattr(model.config, name) for name in LinearFitter.chooses}
    fit = Fit("linear", table.take(split.train), table.take(split.validation), FitOptions(), config=config)
    assert "updated_users" not in next(iter(fit)).metrics
    np.testing.assert_allclose(model.preference(table.rows), fit.best.preference(table.rows), atol=1e-4)
    np.testing.assert_allclose(model.rating(table.rows), fit.best.rating(table.rows), atol=1e-4)
    assert isinstance(fit.best.config, LinearConfig)
    assert fit.best.config.num_items == len(snapshot.item_numbers)


def test_a_run_after_a_few_changes_updates_the_kept_matrix_and_gives_the_model_of_a_full_fit(
    instance: Instance,
) -> None:
    first = train(instance)
    trained = [
        f"user-{n - 1}" for n in store.training_users(instance.settings.model_store, str(first.run.version)).trained
    ]
    edits = [RatingRow(trained[0], f"item-{item}", 4.0 + item % 2 / 2, None) for item in range(4)]
    edits += [RatingRow(trained[1], f"item-{item}", None, None) for item in range(NUM_ITEMS)]  # a user who leaves
    edits += [RatingRow(trained[2], "brand-new", 5.0, None)]
    instance.write(set_ratings, edits, 2)

    second = train(instance)

    assert updated_users(first) is None
    assert (first.gate or {})["start"] == "cold"
    assert (second.gate or {})["start"] == f"hyper-parameters of {first.run.version}"
    assert 3 <= (updated_users(second) or 0) < 10  # the share that is held out moves a little with the number of users
    assert_a_full_fit(instance, second)
    number, _ = instance.read(registry.versions_of_user, trained[1])
    assert store.role_of(instance.settings.model_store, str(second.run.version), number) is None


def test_a_user_whose_history_is_gone_too_is_unlearned_by_counting_anew(instance: Instance) -> None:
    first = train(instance)
    erased = int(store.training_users(instance.settings.model_store, str(first.run.version)).trained[0])
    instance.write(erase, erased)

    second = train(instance)

    assert updated_users(second) is None
    assert_a_full_fit(instance, second)
    assert erased not in store.training_users(instance.settings.model_store, str(second.run.version)).learned


def erase(session: Session, number: int) -> None:
    """Remove every trace of a user."""
    for column in (Rating.user_id, RatingChange.user_id, User.id):
        session.execute(delete(column.class_).where(column == number))


def test_a_cold_run_counts_anew_and_the_next_one_updates_what_it_kept(instance: Instance) -> None:
    train(instance)
    assert updated_users(train(instance, cold=True)) is None
    assert updated_users(train(instance)) == 0


def test_a_run_of_another_kind_leaves_no_matrix_behind_that_would_grow_old(instance: Instance) -> None:
    train(instance)
    folder = instance.settings.model_store / store.GRAM
    assert folder.exists()
    instance.wait_for_end(instance.request("denoising", epochs=1))
    assert not folder.exists()


def test_many_changes_are_counted_anew(instance: Instance) -> None:
    train(instance)
    instance.write(set_ratings, [RatingRow(f"user-{n}", "item-0", 3.0, None) for n in range(NUM_USERS // 2)], 2)
    progress = train(instance)
    assert updated_users(progress) is None
    assert_a_full_fit(instance, progress)


def test_a_damaged_matrix_is_counted_anew_and_replaced(instance: Instance, logged: list[Any]) -> None:
    train(instance)
    (kept,) = (instance.settings.model_store / store.GRAM).glob("*.safetensors")
    kept.write_bytes(kept.read_bytes()[:-8])
    assert updated_users(train(instance)) is None
    assert "kept_gram_unusable" in [line["event"] for line in logged]
    assert updated_users(train(instance)) == 0


def test_a_matrix_kept_by_an_earlier_release_is_not_used(tmp_path: Path) -> None:
    tensors = {name: torch.zeros(1) for name in ("inputs", "items", "users", "triangle")}
    write_checkpoint(tmp_path / "kept", tensors, {"watermark": 17, "like_threshold": 4.0})
    assert StoredGram.take(tmp_path / "kept") is None
    assert not (tmp_path / "kept").exists()


def test_a_kept_matrix_is_used_once_and_a_failure_to_keep_it_is_only_logged(tmp_path: Path, logged: list[Any]) -> None:
    encoding = Encoding(RatingScale(minimum=1, maximum=5, step=0.5, like_threshold=4), 3, graded=False)
    gram = Gram(encoding, np.array([0, 2, 6]), np.array([[2, 1, 2], [1, 3, 3], [2, 3, 4]], np.float32))
    kept = StoredGram(PackedGram.of(gram), np.array([5, 7, 9]), np.array([1, 2, 3, 4]), 17)
    for _ in range(2):
        kept.save(tmp_path / "kept")
    found = StoredGram.take(tmp_path / "kept")
    assert found is not None
    assert (found.watermark, found.gram.encoding) == (17, encoding)
    assert found.gram.triangle.tolist() == [2, 1, 3, 2, 3, 4]
    assert [each.tolist() for each in (found.items, found.users, found.gram.inputs)] == [
        [5, 7, 9],
        [1, 2, 3, 4],
        [0, 2, 6],
    ]
    assert StoredGram.take(tmp_path / "kept") is None
    (tmp_path / "file").touch()
    kept.save(tmp_path / "file" / "kept")
    assert [line["event"] for line in logged] == ["gram_not_kept"]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
