"""Splits of ratings to evaluate a model: by user, or by hiding single ratings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.core.interactions import Interactions, Rows

MAX_VALIDATION, MAX_TEST = 500, 1_000


def split_users(
    data: Interactions, seed: int, test_share: float = 1 / 6
) -> tuple[Interactions, Interactions, Interactions]:
    """Split the users at random: train, validation (an eighth, at most 500), test (a sixth, at most 1,000)."""
    train, validation, test = (data.take(users) for users in draw_users(data.num_users, seed, test_share))
    return train, validation, test


def draw_users(
    num_users: int, seed: int, test_share: float = 1 / 6
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Draw the users for `split_users`: int64, ascending, train, validation, test."""
    users = np.random.default_rng(seed).permutation(num_users)
    num_validation = min(MAX_VALIDATION, num_users // 8)
    num_test = min(MAX_TEST, int(num_users * test_share))
    validation, test, train = np.split(users, (num_validation, num_validation + num_test))
    return np.sort(train), np.sort(validation), np.sort(test)


def hide_tenth(data: Interactions, seed: int) -> tuple[Interactions, Rows]:
    """Hide a random tenth of all ratings; return the shown ratings, and the hidden ones of the same users."""
    hidden = np.random.default_rng(seed).random(data.rows.num_ratings) < 0.1
    return Interactions(data.rows.where(~hidden), data.item_ids, data.scale), data.rows.where(hidden)
