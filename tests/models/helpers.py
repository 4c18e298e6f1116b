"""Small data with two tastes, for the tests of the models."""

from dataclasses import fields
from typing import Any, cast

import numpy as np

from models.core.interactions import Interactions, RatingScale, Rows
from models.kinds.registry import KINDS

STARS = RatingScale(minimum=1, maximum=5, step=0.5, like_threshold=4)


def tastes(num_users: int = 120, num_items: int = 24, seed: int = 0, scale: RatingScale = STARS) -> Interactions:
    """Two camps of users: each likes one half of the items and dislikes the other."""
    generator = np.random.default_rng(seed)
    seen = generator.random((num_users, num_items)) < 0.5
    users, items = np.nonzero(seen)
    likes = (users % 2) == (items % 2)
    low, high = scale.minimum + scale.step, scale.maximum
    values = np.where(likes, high, low) - scale.step * generator.integers(0, 2, len(users))
    ids = [f"item {i}" for i in range(num_items)]
    return Interactions.from_arrays(users, items, values, ids, scale=scale, num_users=num_users)


def small(kind: str, num_hidden: int = 8) -> dict[str, Any]:
    """Hyper-parameters that keep a kind small."""
    return {**narrow(kind, num_hidden), **supported(kind, num_factors=4, regularisation=10.0)}


SHALLOW: dict[str, dict[str, Any]] = {"variational": {"num_layers": 2, "encoder_passes": 1}}


def narrow(kind: str, num_hidden: int = 64) -> dict[str, Any]:
    """Hyper-parameters that keep a network narrow and shallow and leave other kinds as they are."""
    return supported(kind, num_hidden=num_hidden, num_latent=16) | SHALLOW.get(kind, {})


def supported(kind: str, **wanted: float) -> dict[str, Any]:
    """Return the given hyper-parameters that a kind has."""
    return {name: value for name, value in wanted.items() if name in hyper_parameters(kind)}


def hyper_parameters(kind: str) -> list[str]:
    """Return the names of a kind's hyper-parameters."""
    return [each.name for each in fields(cast("Any", KINDS[kind].config))]


def row(*ratings: tuple[int, float]) -> Rows:
    """One user's row from (column, value) pairs."""
    columns = np.array([column for column, _ in ratings], np.int32)
    values = np.array([value for _, value in ratings], np.float32)
    return Rows(np.array([0, len(ratings)]), columns, values)


def split(data: Interactions, num_validation: int = 30) -> tuple[Interactions, Interactions]:
    """Split into the first users, to train on, and the last, to validate on."""
    users = np.arange(data.num_users)
    return data.take(users[:-num_validation]), data.take(users[-num_validation:])
