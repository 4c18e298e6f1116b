"""Exposure of items in lists: tiny lists with figures known by eye."""

from dataclasses import astuple, replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from models.core.interactions import Interactions, Rows, Values
from models.evaluation import ranking
from models.evaluation.exposure import Exposure, exposure, gini, overlap, rated_share
from tests.models.helpers import STARS, row, tastes


def nothing_rated(num_users: int) -> Rows:
    return Rows(np.zeros(num_users + 1, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))


def camps(num_items: int, num_camps: int) -> ranking.Scorer:
    """Show the first users the first items, the next users the next, and so on."""

    def score(rows: Rows) -> Values:
        camp_of_user = np.arange(len(rows)) * num_camps // len(rows)
        camp_of_item = np.arange(num_items) * num_camps // num_items
        return np.where(camp_of_user[:, None] == camp_of_item, np.float32(1), np.float32(0))

    return score


def test_the_same_list_for_all_users_covers_few_items_and_overlaps_fully() -> None:
    seen = exposure(camps(8, 1), nothing_rated(4), np.linspace(0.1, 0.8, 8), length=2)
    assert astuple(seen) == pytest.approx((4, 2 / 8, 6 / 8, 0.15, 1))


def test_a_different_list_for_each_user_covers_all_items_and_shares_none() -> None:
    seen = exposure(camps(8, 4), nothing_rated(4), np.full(8, 0.5), length=2)
    assert astuple(seen) == pytest.approx((4, 1, 0, 0.5, 0))


def test_rated_items_are_in_no_list_and_every_user_has_a_list() -> None:
    one_left = exposure(camps(3, 1), row((0, 5.0), (2, 1.0)), np.ones(3))
    assert astuple(one_left) == pytest.approx((1, 1 / 3, 2 / 3, 1, 0))
    none = Exposure(num_lists=1, coverage=0, gini=0, popularity=0, overlap=0)
    assert exposure(camps(1, 1), row((0, 5.0)), np.ones(1)) == none
    assert exposure(camps(3, 1), nothing_rated(0), np.ones(3)) == replace(none, num_lists=0)


def test_scores_do_not_depend_on_the_batch_size(monkeypatch: pytest.MonkeyPatch) -> None:
    data = tastes()
    weights = np.random.default_rng(0).random((data.num_items, data.num_items)).astype(np.float32)

    def score(rows: Rows) -> Values:
        dense = np.zeros((len(rows), data.num_items), np.float32)
        dense[rows.row_of_entry, rows.columns] = rows.values
        return dense @ weights

    at_once = exposure(score, data.rows, rated_share(data))
    monkeypatch.setattr(ranking, "CELLS_PER_BATCH", 7 * data.num_items)
    assert exposure(score, data.rows, rated_share(data)) == at_once


def test_popularity_is_the_share_of_users_who_rated_liked_or_not() -> None:
    users, items = np.array([0, 1, 2, 3, 0]), np.array([0, 0, 0, 1, 1])
    data = Interactions.from_arrays(
        users, items, np.array([1.0, 1, 5, 5, 5]), ["a", "b", "c"], scale=STARS, num_users=4
    )
    np.testing.assert_array_equal(rated_share(data), [3 / 4, 2 / 4, 0])


@for_all(st.lists(st.lists(st.integers(0, 5), min_size=3, max_size=3, unique=True), min_size=2, max_size=6))
def test_overlap_and_gini_are_what_plain_loops_give(lists: list[list[int]]) -> None:
    counts = np.bincount(np.concatenate(lists), minlength=6)
    shared = [len(set(a) & set(b)) / 3 for a, b in combinations(lists, 2)]
    assert overlap(counts, len(lists)) == pytest.approx(np.mean(shared))
    apart = [abs(a - b) for a in counts.tolist() for b in counts.tolist()]
    assert gini(counts) == pytest.approx(sum(apart) / (2 * 6 * counts.sum()))
