"""Mult-VAE and the loop over epochs, on tastes that are easy to learn."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.peers.methods import multvae, popularity
from benchmarks.peers.methods.clock import Clock
from benchmarks.peers.methods.epochs import batches, best_of_epochs
from benchmarks.peers.methods.files import Matrix, Scores, TaskFiles
from benchmarks.peers.methods.ranking import RankingTask
from benchmarks.peers.tasks import write_unseen
from tests.app.comparison.helpers import dataset


@pytest.fixture
def task(tmp_path: Path) -> RankingTask:
    write_unseen(tmp_path, dataset(num_users=200, num_items=24), seed=0)
    return RankingTask(TaskFiles(tmp_path))


def test_the_loss_of_even_logits_is_the_log_of_the_items_for_each_positive() -> None:
    x = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]])
    found = multvae.loss(x, torch.zeros(2, 4), torch.tensor([2.0, 4.0]), kl_weight=0.5)
    assert float(found) == pytest.approx((3 * np.log(4) + 0.5 * 6) / 2)


def test_a_code_without_information_costs_nothing_and_is_the_same_when_asked_twice() -> None:
    network = multvae.MultVae(num_items=5, num_hidden=6, dropout=0.5).eval()
    for parameter in network.encoder[2].parameters():
        nn.init.zeros_(parameter)
    x = torch.ones(3, 5)
    logits, kl = network(x)
    assert not kl.any()
    torch.testing.assert_close(network(x)[0], logits)


def test_it_learns_tastes_that_popularity_cannot_tell_apart(task: RankingTask) -> None:
    params = {**multvae.FIRST, "learning_rate": 0.01, "batch_size": 20}
    learned = multvae.fit(task, params, Clock(20))
    counted = popularity.fit(task, popularity.METHOD.first, Clock(20))
    assert task.judge(learned) > task.judge(counted) + 0.1


def test_items_without_a_positive_rank_last(task: RankingTask) -> None:
    task.train.data[task.train.indices == 3] = task.scale.minimum
    scores = multvae.fit(task, multvae.FIRST, Clock(0))(task.given)
    assert np.isneginf(scores[:, 3]).all()
    assert np.isfinite(np.delete(scores, 3, axis=1)).all()


def test_the_best_epoch_is_kept(task: RankingTask) -> None:
    network = nn.Linear(1, 1, bias=False)
    weights = iter([1.0, 2.0, -1.0, -2.0, *[-3.0] * 20])
    tried: list[float] = []

    def run_epoch() -> None:
        tried.append(next(weights))
        nn.init.constant_(network.weight, tried[-1])

    def score(rows: Matrix) -> Scores:
        """Put what is liked first while the weight is 2, last otherwise."""
        sign = 1 if network.weight.item() == 2 else -1
        return np.asarray(task.liked.toarray()[: rows.shape[0]] * sign, np.float32)

    best_of_epochs(task, network, score, run_epoch, Clock(60))
    assert network.weight.item() == 2
    assert len(tried) == 12


def test_a_spent_clock_allows_one_epoch(task: RankingTask) -> None:
    epochs: list[int] = []
    best_of_epochs(
        task, nn.Linear(1, 1), lambda rows: np.zeros(rows.shape, np.float32), lambda: epochs.append(1), Clock(0)
    )
    assert epochs == [1]


def test_batches_hold_every_user_with_a_positive_once(task: RankingTask) -> None:
    rows = task.positives("liked")
    seen = torch.cat(list(batches(rows, 7))).numpy()
    written = rows.toarray()[np.diff(rows.indptr) > 0]
    assert sorted(map(tuple, seen)) == sorted(map(tuple, written))
