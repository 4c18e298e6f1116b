"""From the files of a split to the judge's figures: the peer sees no target, the figures are those of our own kinds."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.comparison.protocols import Split, unseen_users
from benchmarks.peers.judging import judge_lists
from benchmarks.peers.methods.__main__ import rank
from benchmarks.peers.methods.base import Method
from benchmarks.peers.methods.files import Matrix, Scores, TaskFiles
from benchmarks.peers.methods.popularity import METHOD as POPULARITY
from benchmarks.peers.methods.ranking import RankingTask, scored
from benchmarks.peers.tasks import write_unseen
from models.core.interactions import Interactions, Rows
from models.evaluation.ranking import Popularity, evaluate, holdout
from tests.app.comparison.helpers import dataset
from tests.models.helpers import STARS, row


def task_of(folder: Path, num_users: int = 120) -> RankingTask:
    write_unseen(folder, dataset(num_users), seed=0)
    return RankingTask(TaskFiles(folder))


def split_of(given: Rows, targets: Rows, num_items: int = 3) -> Split:
    """A split of which only the test users matter."""
    nobody = Interactions(given.take(np.arange(0)), [str(item) for item in range(num_items)], STARS)
    return Split(nobody, nobody, np.arange(len(given)), given, targets)


def test_the_files_hold_the_split_but_no_target_of_a_test_user(tmp_path: Path) -> None:
    data = dataset()
    split = write_unseen(tmp_path, data, seed=3)
    np.testing.assert_array_equal(split.users, unseen_users(data, 3).users)
    files = TaskFiles(tmp_path)
    written = {name.stem: files.rows(name.stem).nnz for name in tmp_path.glob("*.npz")}
    assert written == {
        "train": split.train.rows.num_ratings,
        "validation-given": holdout(split.validation.rows)[0].num_ratings,
        "validation-targets": holdout(split.validation.rows)[1].num_ratings,
        "test-given": split.given.num_ratings,
    }
    assert sum(written.values()) + split.targets.num_ratings == data.interactions.rows.num_ratings
    np.testing.assert_array_equal(files.rows("test-given").indices, split.given.columns)


def test_a_rating_of_zero_is_read_as_a_rating(tmp_path: Path) -> None:
    scale = {"minimum": 0, "maximum": 10, "step": 1, "like_threshold": 8}
    (tmp_path / "meta.json").write_text(json.dumps({"num_items": 3, "scale": scale}))
    np.savez(tmp_path / "train.npz", offsets=[0, 2], columns=[0, 2], values=np.array([0, 10], np.float32))
    assert TaskFiles(tmp_path).rows("train").nnz == 2
    assert TaskFiles(tmp_path).scale.like_threshold == 8


def liked_only(trial: Any) -> None:
    trial.suggest_categorical("positives", ("liked",))


def test_popularity_by_way_of_files_gets_the_figures_of_our_own(tmp_path: Path) -> None:
    split = write_unseen(tmp_path, dataset(), seed=0)
    method: Method[RankingTask, Any] = replace(POPULARITY, suggest=liked_only)
    rank(method, TaskFiles(tmp_path), tmp_path, budget_seconds=5)
    found = judge_lists(tmp_path, split)
    ours = evaluate(Popularity(split.train), split.given, split.targets, STARS)
    assert found.keys() == ours.metrics.keys()
    for name, values in ours.metrics.items():
        np.testing.assert_allclose(found[name][ours.users], values)
        assert np.isfinite(found[name]).sum() == len(ours.users)
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["best"]["params"] == {"positives": "liked"}


def test_the_judge_leaves_out_whoever_liked_no_target_and_counts_ties_against_the_peer(tmp_path: Path) -> None:
    targets = Interactions.from_arrays(
        np.array([0, 1, 1]), np.array([0, 0, 2]), np.array([5.0, 1, 5]), list("abc"), scale=STARS, num_users=3
    ).rows
    np.save(tmp_path / "scores.npy", np.array([[1, 1, 1], [0, 0, 2], [9, 9, 9]], np.float32))
    found = judge_lists(tmp_path, split_of(targets.where(np.zeros(3, bool)), targets))
    np.testing.assert_allclose(found["ndcg@10"], [1 / np.log2(4), 1, np.nan])


def test_scores_of_too_many_users_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "scores.npy", np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match="2 users, not of 1"):
        judge_lists(tmp_path, split_of(row((0, 5.0)), row((1, 5.0))))


@pytest.mark.parametrize("seed", range(20))
def test_the_peers_figure_on_validation_users_is_the_judges(tmp_path: Path, seed: int) -> None:
    task = task_of(tmp_path, num_users=40 + seed)
    generator = np.random.default_rng(seed)
    scores = generator.integers(0, 5, task.given.shape).astype(np.float32)
    scores[:, seed % 5] = np.nan
    np.save(tmp_path / "scores.npy", scores)
    given, targets = holdout(unseen_users(dataset(40 + seed), 0).validation.rows)
    judged = judge_lists(tmp_path, split_of(given, targets))
    assert task.judge(lambda _: scores) == pytest.approx(np.nanmean(judged["ndcg@100"]))


def test_who_liked_nothing_gets_what_is_popular(tmp_path: Path) -> None:
    task = task_of(tmp_path)
    rows = task.given[:2].copy()
    rows.data[: rows.indptr[1]] = STARS.minimum

    def score(positives: Matrix) -> Scores:
        return np.zeros(positives.shape, np.float32)

    found = task.scorer("liked", score)(rows)
    np.testing.assert_array_equal(found[0], task.popular)
    assert not found[1].any()


def test_scores_are_made_in_batches_in_the_order_of_the_users(tmp_path: Path) -> None:
    task = task_of(tmp_path, num_users=1_500)
    whole = scored(lambda rows: np.asarray(rows.toarray(), np.float32), task.test)
    np.testing.assert_array_equal(whole, task.test.toarray())
