"""Made-up ratings: as many as asked for, of the shape asked for, the same ones every time."""

import numpy as np
import pytest

from benchmarks import synthetic
from benchmarks.synthetic import SCALE, Synthetic
from models.evaluation.ranking import Popularity, evaluate, holdout
from models.fit import Fit, FitOptions

SPEC = Synthetic(users=2_000, items=500, ratings=60_000)


def test_sizes_are_those_asked_for_and_nobody_rates_an_item_twice() -> None:
    data = SPEC.interactions()
    rows = data.rows
    assert (data.num_users, data.num_items) == (2_000, 500)
    assert rows.num_ratings == pytest.approx(60_000, rel=0.1)
    pairs = rows.row_of_entry * 500 + rows.columns
    assert (np.diff(pairs) > 0).all()
    assert rows.counts.min() >= 1


def test_blocks_make_up_the_whole_and_come_out_the_same_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic, "BLOCK_RATINGS", 7_000)
    whole = SPEC.interactions().rows
    blocks = list(SPEC.blocks())
    assert len(blocks) > 5
    assert sum(map(len, blocks)) == SPEC.users
    np.testing.assert_array_equal(np.concatenate([block.columns for block in blocks]), whole.columns)
    np.testing.assert_array_equal(np.concatenate([block.values for block in blocks]), whole.values)
    np.testing.assert_array_equal(np.concatenate([block.counts for block in blocks]), whole.counts)


def test_values_lie_on_the_scale_and_popularity_follows_its_power_law() -> None:
    rows = SPEC.interactions().rows
    steps = (rows.values - SCALE.minimum) / SCALE.step
    assert set(np.unique(steps)) == set(range(9))
    counts = np.sort(np.bincount(rows.columns, minlength=500))[::-1]
    slope = np.polyfit(np.log(np.arange(20, 400)), np.log(counts[20:400]), 1)[0]
    assert slope == pytest.approx(-SPEC.skew, abs=0.2)


def test_there_is_taste_to_be_learned() -> None:
    data = SPEC.interactions()
    train, test = data.take(np.arange(1_800)), data.take(np.arange(1_800, 2_000))
    given, targets = holdout(test.rows)
    fit = Fit("lowrank", train, test, FitOptions(epochs=3), config={"num_factors": 16})
    for _ in fit:
        pass
    learned = evaluate(fit.best, given, targets, SCALE).mean("ndcg@100")
    popular = evaluate(Popularity(train), given, targets, SCALE).mean("ndcg@100")
    assert learned > 1.1 * popular
