import numpy as np

from models.core.interactions import Interactions
from models.evaluation.split import hide_tenth, split_users
from tests.models.helpers import tastes


def ratings(data: Interactions) -> list[tuple[float, ...]]:
    return sorted(zip(data.rows.columns.tolist(), data.rows.values.tolist(), strict=True))


def test_every_user_is_in_exactly_one_part_and_a_seed_repeats_the_split() -> None:
    data = tastes()
    parts = split_users(data, seed=1)
    assert [part.num_users for part in parts] == [85, 15, 20]
    assert sorted(pair for part in parts for pair in ratings(part)) == ratings(data)
    again = split_users(data, seed=1)
    assert all(np.array_equal(a.rows.columns, b.rows.columns) for a, b in zip(parts, again, strict=True))
    assert not np.array_equal(parts[0].rows.columns, split_users(data, seed=2)[0].rows.columns)


def test_a_hidden_rating_is_not_among_the_shown_ones() -> None:
    data = tastes()
    shown, hidden = hide_tenth(data, seed=0)
    assert len(shown.rows) == len(hidden) == data.num_users
    assert 0.05 < hidden.num_ratings / data.rows.num_ratings < 0.15
    for user in range(data.num_users):
        kept = set(shown.rows.take(np.array([user])).columns)
        gone = set(hidden.take(np.array([user])).columns)
        assert not kept & gone
        assert kept | gone == set(data.rows.take(np.array([user])).columns)
