"""A model so small that it is trained in an instant."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from app.database.engine import Database
from models.core.interactions import Interactions, RatingScale
from models.core.model import Model
from models.fit import Fit, FitOptions

OnDatabase = Callable[[Callable[[Database], Awaitable[Any]]], Any]
NOW = datetime(2026, 11, 23, 10, 15, tzinfo=UTC)
SCALE = RatingScale(minimum=1, maximum=5, step=0.5, like_threshold=4)
ITEMS = ["a", "b", "c"]


@pytest.fixture(scope="module")
def model() -> Model:
    cells = np.array([[0, 0, 5], [0, 1, 1], [1, 1, 5], [1, 2, 4], [2, 0, 3]])
    ratings = Interactions.from_arrays(cells[:, 0], cells[:, 1], cells[:, 2].astype(float), ITEMS, scale=SCALE)
    fit = Fit("linear", ratings, ratings.take(np.arange(0)), FitOptions(epochs=1))
    assert len(list(fit)) == 1
    return fit.best
