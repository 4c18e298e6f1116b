import numpy as np
import pytest

from models.core.interactions import Rows, Values
from models.core.model import Model
from models.core.zscore import zscore
from models.evaluation.ranking import evaluate, holdout
from models.fit import Fit, FitOptions
from models.kinds.blending import PARTS, Candidates, mixtures, ranking_shares, rating_shares
from tests.models.helpers import split, tastes

TRAIN, VALIDATION = split(tastes(num_items=60))
GIVEN, TARGETS = holdout(VALIDATION.rows)


def fit_model(kind: str) -> Model:
    fit = Fit(kind, TRAIN, VALIDATION, FitOptions(epochs=3, device="cpu"))
    for _ in fit:
        pass
    return fit.best


LINEAR, LOW_RANK = fit_model("linear"), fit_model("lowrank")


class Contrary(type(LINEAR)):  # type: ignore[misc]
    """Recommends what `linear` would recommend last, and predicts the middle of the scale."""

    def __init__(self) -> None:
        pass

    def preference(self, rows: Rows) -> Values:
        return -LINEAR.preference(rows)

    def rating(self, rows: Rows) -> Values:
        return np.full((len(rows), TRAIN.num_items), 3, np.float32)


def test_scores_are_standardised_for_each_user_and_equal_ones_are_0() -> None:
    scores = np.array([[1, 2, 3], [10, 20, 30], [7, 7, 7]], np.float32)
    np.testing.assert_allclose(zscore(scores)[0], [-1.2247449, 0, 1.2247449], rtol=1e-6)
    np.testing.assert_allclose(zscore(scores)[1], zscore(scores)[0], rtol=1e-6)
    np.testing.assert_array_equal(zscore(scores)[2], 0)


def test_every_division_of_eight_parts_is_tried_once() -> None:
    shares = [tuple(each) for each in mixtures(3)]
    assert len(set(shares)) == len(shares) == 45
    assert all(sum(each) == 1 for each in shares)
    assert (1 / PARTS, 0, 1 - 1 / PARTS) in shares
    assert [tuple(each) for each in mixtures(1)] == [(1,)]


@pytest.mark.parametrize("shares", [(1, 0), (0, 1), (0.5, 0.5)])
def test_a_blend_has_the_metrics_of_full_ranking(shares: tuple[float, float]) -> None:
    def blend(rows: Rows) -> Values:
        parts = zscore(LINEAR.preference(rows)), zscore(LOW_RANK.preference(rows))
        return shares[0] * parts[0] + shares[1] * parts[1]

    candidates = Candidates.of([LINEAR, LOW_RANK], GIVEN, TARGETS, TRAIN.scale)
    judged = evaluate(blend, GIVEN, TARGETS, TRAIN.scale)
    expected = (judged.mean("ndcg@10") + judged.mean("ndcg@100")) / 2
    assert candidates.gains(np.array(shares)).mean() == pytest.approx(expected, abs=1e-6)


def test_a_member_that_ranks_and_predicts_badly_gets_no_share() -> None:
    models: list[Model] = [Contrary(), LINEAR]
    ranking = ranking_shares(models, GIVEN, TARGETS, TRAIN.scale)
    rating = rating_shares(models, GIVEN, TARGETS)
    assert ranking is not None
    assert ranking.tolist() == [0, 1]
    assert rating is not None
    assert rating[1] > 0.7


def test_members_that_rank_alike_have_similar_shares() -> None:
    class Same(Contrary):
        def preference(self, rows: Rows) -> Values:
            noise: Values = np.random.default_rng(0).normal(0, 1e-3, (len(rows), TRAIN.num_items)).astype(np.float32)
            return LINEAR.preference(rows) + noise

    shares = ranking_shares([LINEAR, Same()], GIVEN, TARGETS, TRAIN.scale)
    assert shares is not None
    assert shares.sum() == pytest.approx(1)
    assert 0.2 < shares[0] < 0.8


def test_shares_of_ratings_are_those_of_the_least_error() -> None:
    shares = rating_shares([LINEAR, Contrary()], GIVEN, TARGETS)
    assert shares is not None
    predicted = LINEAR.rating(GIVEN)[TARGETS.row_of_entry, TARGETS.columns]
    errors = [((w * predicted + (1 - w) * 3 - TARGETS.values) ** 2).mean() for w in np.arange(PARTS + 1) / PARTS]
    assert shares[0] == np.argmin(errors) / PARTS


def test_without_judged_users_there_are_no_shares() -> None:
    no_users = TARGETS.where(TARGETS.values < 0)
    assert ranking_shares([LINEAR, LOW_RANK], GIVEN, no_users, TRAIN.scale) is None
    assert rating_shares([LINEAR, LOW_RANK], GIVEN, no_users) is None
    disliked = TARGETS.where(TARGETS.values < TRAIN.scale.like_threshold)
    assert ranking_shares([LINEAR, LOW_RANK], GIVEN, disliked, TRAIN.scale) is None
