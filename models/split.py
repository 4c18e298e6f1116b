"""How ratings are split to judge a model: users that it never saw, or ratings that were hidden from it."""

from __future__ import annotations

import numpy as np

from models.interactions import Interactions, Rows


def split_users(
    data: Interactions, seed: int, test_share: float = 1 / 6
) -> tuple[Interactions, Interactions, Interactions]:
    """Split the users at random: train, validation (an eighth, at most 500), test (a sixth, at most 1,000)."""
    users = np.random.default_rng(seed).permutation(data.num_users)
    num_validation = min(500, data.num_users // 8)
    num_test = min(1_000, int(data.num_users * test_share))
    parts = np.split(users, (num_validation, num_validation + num_test))
    validation, test, train = (data.take(np.sort(part)) for part in parts)
    return train, validation, test


def hide_tenth(data: Interactions, seed: int) -> tuple[Interactions, Rows]:
    """Hide a random tenth of all ratings; give what is shown, and what is hidden of the same users."""
    hidden = np.random.default_rng(seed).random(data.rows.num_ratings) < 0.1
    return Interactions(data.rows.where(~hidden), data.item_ids, data.scale), data.rows.where(hidden)
