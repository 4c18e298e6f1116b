"""How similar users are."""

import numpy as np
import pytest

from app.recommendations.state.repository import HotRow
from app.recommendations.state.user_similarity import ItemBaseline, UserVectors


def test_similarity_is_shrunk_when_few_items_are_in_common() -> None:
    def similarity(num_items: int) -> float:
        user = HotRow(0, 1, range(num_items), [3.0] * num_items)
        vectors = UserVectors.of(
            [user], {item: item for item in range(num_items)}, ItemBaseline(np.full(num_items, 3.0), 1.0)
        )
        return float(vectors.similarity(vectors)[0][0])

    assert similarity(1) == pytest.approx(1 / 11)
    assert similarity(90) == pytest.approx(0.9)
