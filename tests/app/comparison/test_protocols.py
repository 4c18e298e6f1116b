"""The protocols: no user is judged on ratings that are trained on."""

import numpy as np
import pytest

from app.comparison.problems import ComparisonProblem
from app.comparison.protocols import PROTOCOLS, hidden_ratings, later_ratings, unseen_users
from models.evaluation.ranking import holdout
from models.fit import HOLDOUT_SEED
from tests.app.comparison.helpers import at, dataset, entries


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_same_seed_gives_the_same_split(protocol: str) -> None:
    data, split = dataset(), PROTOCOLS[protocol].split
    one, same, other = split(data, 1), split(data, 1), split(data, 2)
    assert entries(one.train.rows) == entries(same.train.rows)
    assert at(one, one.targets) == at(same, same.targets)
    assert entries(one.train.rows) != entries(other.train.rows)


def test_unseen_users_are_in_no_other_part() -> None:
    data = dataset()
    split = unseen_users(data, 0)
    assert split.train.num_users + split.validation.num_users + len(split.users) == data.interactions.num_users
    whole = entries(data.interactions.rows)
    assert at(split, split.given) | at(split, split.targets) == {pair for pair in whole if pair[0] in split.users}
    assert not at(split, split.given) & at(split, split.targets)


def test_hidden_ratings_are_neither_trained_on_nor_validated_on() -> None:
    data = dataset().interactions
    split = hidden_ratings(dataset(), 0)
    kept, chosen_on = holdout(split.validation.rows, seed=HOLDOUT_SEED)
    assert split.train.num_users == data.num_users
    total = split.train.rows.num_ratings + chosen_on.num_ratings + split.targets.num_ratings
    assert total == data.rows.num_ratings
    assert 0.05 < split.targets.num_ratings / data.rows.num_ratings < 0.15
    assert not at(split, split.given) & at(split, split.targets)
    last = np.arange(split.train.num_users - len(kept), split.train.num_users)
    np.testing.assert_array_equal(split.train.rows.take(last).columns, kept.columns)


def test_the_time_split_trains_on_earlier_ratings_and_predicts_later_ones() -> None:
    data = dataset()
    split = later_ratings(data, 0)
    pairs = zip(data.interactions.rows.row_of_entry.tolist(), data.interactions.rows.columns.tolist(), strict=True)
    date = dict(zip(pairs, data.rated_at_us.tolist(), strict=True))
    latest_given = max(date[pair] for pair in at(split, split.given))
    assert latest_given < min(date[pair] for pair in at(split, split.targets))
    learned = split.train.rows.num_ratings + split.validation.rows.num_ratings
    assert learned == sum(each <= latest_given for each in date.values())
    assert learned / len(date) == pytest.approx(0.8, abs=0.01)
    assert (split.given.counts > 0).all()
    assert (split.targets.counts > 0).all()


def test_without_dates_there_is_no_time_split() -> None:
    with pytest.raises(ComparisonProblem, match="The time split needs dates"):
        later_ratings(dataset(dated=False), 0)
