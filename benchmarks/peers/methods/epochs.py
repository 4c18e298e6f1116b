"""Networks fitted epoch by epoch: the best epoch on the validation users is kept, as for Palate's own kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.peers.methods.clock import Clock
from benchmarks.peers.methods.files import Matrix
from benchmarks.peers.methods.ranking import RankingTask, Scorer

PATIENCE = 10  # epochs without a better one
MAX_EPOCHS = 200
SHARE = 0.5  # of the budget that one trial may use, so that several are made


def best_of_epochs(
    task: RankingTask, network: nn.Module, scorer: Scorer, run_epoch: Callable[[], None], clock: Clock
) -> Scorer:
    """Run epochs while they help and the clock allows; leave the network as it was after the best one."""
    best, state, since = -1.0, network.state_dict(), 0
    allowed = min(clock.left_seconds, SHARE * clock.budget_seconds)
    mine = Clock(allowed)
    for epoch in range(1, MAX_EPOCHS + 1):
        network.train()
        run_epoch()
        network.eval()
        value, since = task.judge(scorer), since + 1
        if value > best:
            best, state, since = value, deepcopy(network.state_dict()), 0
        if since >= PATIENCE or mine.left_seconds < mine.used_seconds / epoch:
            break
    network.load_state_dict(state)
    return scorer


def batches(rows: Matrix, size: int) -> Iterator[Tensor]:
    """Cut the users who have a positive into batches, in random order: float32 (B, I)."""
    users = np.flatnonzero(np.diff(rows.indptr))[torch.randperm(int((np.diff(rows.indptr) > 0).sum())).numpy()]
    for start in range(0, len(users), size):
        yield dense(rows[users[start : start + size]])


def dense(rows: Matrix) -> Tensor:
    """Write rows out: float32 (B, I)."""
    return torch.from_numpy(np.asarray(rows.toarray(), np.float32))
