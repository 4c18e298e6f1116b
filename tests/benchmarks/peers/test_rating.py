"""Predicted ratings, from the files to the errors and the JSON that `palate compare` merges."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.comparison import results as comparison
from app.comparison.output import peers as merging
from app.comparison.protocols import hidden_ratings, unseen_users
from benchmarks.peers import report
from benchmarks.peers.__main__ import has_answered, select_peers
from benchmarks.peers.catalogue import PEERS, RATINGS, UNSEEN, Peer
from benchmarks.peers.environments import REQUIREMENTS
from benchmarks.peers.judging import judge_ratings
from benchmarks.peers.methods.__main__ import predict
from benchmarks.peers.methods.base import Method, Params, Trial
from benchmarks.peers.methods.clock import Clock
from benchmarks.peers.methods.files import Cells, Scores, TaskFiles
from benchmarks.peers.methods.rating import Predictor, RatingTask
from benchmarks.peers.report import Measured
from benchmarks.peers.tables import tables
from benchmarks.peers.tasks import write_ratings
from models.core.interactions import Rows
from tests.app.comparison.helpers import dataset, entries

RESULT = {
    "best": {"params": {"x": 1.0}, "value": 0.5, "fit_seconds": 2.0},
    "trials": [{}],
    "tuning_seconds": 3.0,
    "peak_mib": 100.0,
}


def offset(trial: Trial) -> None:
    trial.suggest_categorical("offset", (0.0, 9.0, -1.0))


def mean_and(task: RatingTask, params: Params, _: Clock) -> Predictor:
    """Predict the mean of what is fitted on, and something on top."""
    mean = np.float32(task.train.values.mean() + params["offset"])

    def of_cells(cells: Cells) -> Scores:
        return np.full(len(cells), mean)

    return of_cells


MEAN = Method(first={"offset": 9.0}, suggest=offset, fit=mean_and)


def test_the_files_hold_every_rating_but_the_hidden_ones(tmp_path: Path) -> None:
    data = dataset()
    split = write_ratings(tmp_path, data, seed=1)
    np.testing.assert_array_equal(split.targets.values, hidden_ratings(data, 1).targets.values)
    files = TaskFiles(tmp_path)
    train, validation, test = (files.cells(name) for name in ("train", "validation", "test"))
    assert len(train) + len(validation) + split.targets.num_ratings == data.interactions.rows.num_ratings
    assert not test.values.any()
    np.testing.assert_array_equal(test.users, split.users[split.targets.row_of_entry])
    np.testing.assert_array_equal(test.items, split.targets.columns)
    seen = set(zip(train.users.tolist(), train.items.tolist(), strict=True))
    assert not seen & set(zip(test.users.tolist(), test.items.tolist(), strict=True))
    assert seen < entries(data.interactions.rows)


def test_the_best_on_validation_is_fitted_on_all_that_is_shown(tmp_path: Path) -> None:
    split = write_ratings(tmp_path, dataset(), seed=0)
    predict(MEAN, TaskFiles(tmp_path), tmp_path, budget_seconds=5)
    files = TaskFiles(tmp_path)
    mean = files.cells("train").joined(files.cells("validation")).values.mean()
    np.testing.assert_allclose(np.load(tmp_path / "ratings.npy"), mean, rtol=1e-6)
    judged = judge_ratings(tmp_path, split)
    assert judged["squared_error"].sum() == pytest.approx(((split.targets.values - mean) ** 2).sum(), rel=1e-5)
    assert len(json.loads((tmp_path / "result.json").read_text())["trials"]) == 3


def test_predictions_stay_on_the_scale(tmp_path: Path) -> None:
    write_ratings(tmp_path, dataset(), seed=0)
    task = RatingTask(TaskFiles(tmp_path))
    assert set(task.predicted(lambda cells: np.full(len(cells), 99.0, np.float32), task.test)) == {5.0}


def test_errors_are_added_up_user_by_user(tmp_path: Path) -> None:
    split = hidden_ratings(dataset(), 0)
    targets = Rows(np.array([0, 2, 3]), np.array([0, 1, 0], np.int32), np.array([1, 2, 5], np.float32))
    np.save(tmp_path / "ratings.npy", np.array([2, 4, 5], np.float32))
    judged = judge_ratings(tmp_path, replace(split, targets=targets))
    assert judged["squared_error"].tolist() == [5, 0]
    assert judged["absolute_error"].tolist() == [3, 0]


@pytest.mark.parametrize("predicted", [[1.0, 2.0], [1.0, 2.0, np.nan]])
def test_missing_predictions_are_refused(tmp_path: Path, predicted: list[float]) -> None:
    split = hidden_ratings(dataset(), 0)
    targets = Rows(np.array([0, 3]), np.arange(3, dtype=np.int32), np.ones(3, np.float32))
    np.save(tmp_path / "ratings.npy", np.array(predicted, np.float32))
    with pytest.raises(ValueError, match="3 finite predictions"):
        judge_ratings(tmp_path, replace(split, targets=targets))


def test_what_is_written_merges_into_a_comparison(tmp_path: Path) -> None:
    data = dataset()
    lists = [unseen_users(data, seed) for seed in (0, 1)]
    cells = [hidden_ratings(data, seed) for seed in (0, 1)]
    by_list = {name: [np.r_[np.nan, np.ones(len(split.users) - 1)] for split in lists] for name in ("ndcg@10",)}
    ranker, rater = Peer("R", "r", UNSEEN, "lists"), Peer("P", "p", RATINGS, "ratings")
    measured = [Measured(ranker, seed, lists[seed], {"ndcg@10": by_list["ndcg@10"][seed]}, RESULT) for seed in (0, 1)]
    measured += [
        Measured(rater, seed, cells[seed], {"squared_error": np.full(len(cells[seed].users), 4.0)}, RESULT)
        for seed in (0, 1)
    ]
    report.write(tmp_path / "peers.json", data, measured, budget_seconds=60)
    tests = {
        UNSEEN: [comparison.Test.of(data, seed, lists[seed]) for seed in (0, 1)],
        RATINGS: [comparison.Test.of(data, seed, cells[seed]) for seed in (0, 1)],
    }
    results = comparison.Results({}, data.interactions.num_users, tests)
    merging.merge(results, tmp_path / "peers.json")
    assert results.number("R", UNSEEN, "cpu_seconds") == 2
    np.testing.assert_array_equal(results.values("R", UNSEEN, "ndcg@10")[1], by_list["ndcg@10"][1])
    assert results.names(RATINGS, "squared_error") == ["P"]


def test_the_table_shows_the_root_of_the_mean_squared_error() -> None:
    split = hidden_ratings(dataset(), 0)
    squared = split.targets.counts.astype(np.float64) * 4
    peer = Peer("P", "p", RATINGS, "ratings")
    measured = Measured(peer, 0, split, {"squared_error": squared, "absolute_error": squared / 4}, RESULT)
    (table,) = tables([measured], "two camps")
    shown = {str(column.header): next(iter(column.cells)) for column in table.columns}
    assert (shown["peer"], shown["rmse"], shown["mae"], shown["trials"]) == ("P", "2.0000", "1.0000", "1")


def test_every_peer_has_its_module_and_its_pinned_packages() -> None:
    methods = Path(report.__file__).parent / "methods"
    for peer in PEERS:
        assert (methods / f"{peer.module}.py").exists()
        pins = (REQUIREMENTS / f"{peer.environment}.txt").read_text().splitlines()
        assert all("==" in pin for pin in pins if not pin.startswith("#"))
        assert any(pin.startswith("optuna==") for pin in pins)


def test_an_unknown_peer_is_named_with_those_there_are() -> None:
    with pytest.raises(SystemExit, match=r"--peers BPR: choose of .*, iALS"):
        select_peers("iALS,BPR")


def test_answers_are_taken_over_only_if_they_were_made_within_the_same_budget(tmp_path: Path) -> None:
    assert not has_answered(tmp_path, 60)
    write_ratings(tmp_path, dataset(), seed=0)
    predict(MEAN, TaskFiles(tmp_path), tmp_path, budget_seconds=60)
    assert has_answered(tmp_path, 60)
    assert not has_answered(tmp_path, 300)
