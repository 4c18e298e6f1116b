from dataclasses import replace

import numpy as np
import pytest
from torch import Tensor

from app.training.judge.baseline import Baseline, linear_baseline
from app.training.judge.gate import Verdict, judge, over_vocabulary
from app.training.judge.gate_rules import Exposures, Figures, decide
from app.training.run.lease import Interrupted, Interruption
from models.core.interactions import Indices, Interactions, RatingScale, Rows, Values
from models.core.model import Model
from models.evaluation.exposure import Exposure
from models.evaluation.ranking import LOWEST, Difference, Scorer
from models.fit import Fit, FitOptions
from tests.models.helpers import split, tastes

WORSE = Difference(-0.1, 0.02, -0.14, -0.06)
EVEN = Difference(-0.01, 0.02, -0.05, 0.03)
BETTER = Difference(0.1, 0.02, 0.06, 0.14)
SCALE = RatingScale(minimum=1, maximum=5, step=0.5, like_threshold=4)


def figures(top: Difference, whole: Difference, popularity: Difference = BETTER, num_users: int = 20) -> Figures:
    against_popularity = {"ndcg@10": popularity, "ndcg@100": popularity}
    return Figures(num_users, {"ndcg@10": top, "ndcg@100": whole}, against_popularity)


def test_a_candidate_whose_interval_lies_below_zero_is_refused() -> None:
    activate, reason = decide(figures(WORSE, EVEN))
    assert not activate
    assert reason == ("refused: clearly worse than the live model, NDCG@10 -0.1000 (95 % interval -0.1400 to -0.0600)")


def test_a_candidate_that_may_be_as_good_is_activated() -> None:
    assert decide(figures(EVEN, EVEN))[0]


def test_a_clearly_worse_long_list_refuses_unless_its_top_is_clearly_better() -> None:
    assert not decide(figures(EVEN, WORSE))[0]
    assert decide(figures(BETTER, WORSE))[0]


def test_a_candidate_below_popularity_is_refused_unless_nothing_is_live() -> None:
    activate, reason = decide(figures(EVEN, EVEN, popularity=WORSE))
    assert not activate
    assert "clearly worse than popularity" in reason
    assert decide(Figures(20, None, {"ndcg@10": WORSE, "ndcg@100": WORSE})) == (True, "activated: nothing was live")


def test_with_too_few_users_to_judge_the_candidate_is_activated_and_the_gate_says_so() -> None:
    activate, reason = decide(figures(WORSE, WORSE, num_users=19))
    assert activate
    assert reason == "activated unjudged: 19 users to judge on, fewer than 20"


def trained(ratings: Interactions) -> Model:
    fit = Fit("linear", ratings, ratings.take(np.arange(0)), FitOptions(epochs=1))
    assert len(list(fit)) == 1
    return fit.best


def test_a_model_of_another_vocabulary_is_judged_by_what_it_knows() -> None:
    generator = np.random.default_rng(0)
    users, items = np.nonzero(generator.random((40, 4)) < 0.7)
    values = generator.choice([1.0, 5.0], len(users))
    model = trained(Interactions.from_arrays(users, items, values, ["a", "b", "c", "d"], scale=SCALE, num_users=40))
    # Ours lacks "b", has a new "x", and orders the rest differently.
    score = over_vocabulary(model, ["a", "b", "c", "d"], ["d", "x", "a", "c"])
    ours = Rows(np.array([0, 3]), np.array([0, 1, 2], np.int32), np.array([5, 5, 1], np.float32))
    theirs = Rows(np.array([0, 2]), np.array([0, 3], np.int32), np.array([1, 5], np.float32))

    expected = model.preference(theirs)[0]

    np.testing.assert_allclose(score(ours)[0], [expected[3], LOWEST, expected[0], expected[2]])


def test_a_candidate_below_linear_is_refused_with_advice_unless_clearly_better_than_the_live_model() -> None:
    below = {"ndcg@10": WORSE, "ndcg@100": EVEN}
    activate, reason = decide(replace(figures(EVEN, EVEN), against_linear=below))
    assert not activate
    assert reason == (
        "refused: clearly worse than linear, NDCG@10 -0.1000 (95 % interval -0.1400 to -0.0600); "
        "PALATE_MODEL_KIND=linear trains that"
    )
    activate, reason = decide(replace(figures(BETTER, BETTER), against_linear=below))
    assert activate
    assert "; but clearly worse than linear" in reason
    activate, reason = decide(Figures(20, None, below, below))
    assert activate
    assert reason.startswith("activated: nothing was live; but clearly worse than linear")
    assert decide(replace(figures(EVEN, EVEN), against_linear={"ndcg@10": EVEN, "ndcg@100": WORSE}))[0]


def seen(coverage: float, overlap: float) -> Exposure:
    return Exposure(num_lists=100, coverage=coverage, gini=0.9, popularity=0.1, overlap=overlap)


@pytest.mark.parametrize(
    ("candidate", "live", "activate"),
    [
        (seen(0.10, 0.2), seen(0.30, 0.2), True),
        (seen(0.09, 0.2), seen(0.30, 0.2), False),
        (seen(0.30, 0.72), seen(0.30, 0.2), True),
        (seen(0.30, 0.73), seen(0.30, 0.2), False),
        (seen(0.30, 0.74), seen(0.30, 0.73), True),  # the live model is no better in this
    ],
)
def test_the_limits_lie_at_a_third_of_the_coverage_and_four_fifths_of_popularitys_overlap(
    candidate: Exposure, live: Exposure, activate: bool
) -> None:
    exposures = Exposures(candidate, live, seen(0.01, 0.9))
    assert decide(replace(figures(EVEN, EVEN), exposures=exposures))[0] is activate
    assert decide(replace(figures(BETTER, BETTER), exposures=exposures))[0]


class Constructed(Model):
    """A model that scores as it is asked to; the gate asks batches only, so the rest is never called."""

    kind = "constructed"

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer

    def preference(self, rows: Rows) -> Values:
        return self.scorer(rows)

    def rating(self, rows: Rows) -> Values:
        return np.full((len(rows), NUM_ITEMS), 3, np.float32)

    def preference_row(self, columns: Indices, values: Values) -> Values:
        raise NotImplementedError

    def rating_row(self, columns: Indices, values: Values, wanted: Indices) -> Values:
        raise NotImplementedError

    def item_vectors(self) -> Values:
        raise NotImplementedError

    def tensors(self) -> dict[str, Tensor]:
        raise NotImplementedError

    @classmethod
    def from_tensors(cls, config: dict[str, object], scale: RatingScale, tensors: dict[str, Tensor]) -> "Constructed":
        raise NotImplementedError


NUM_ITEMS = 300
IDS = [f"item {i}" for i in range(NUM_ITEMS)]


def likes(num_users: int, among: int, seed: int) -> Interactions:
    """Users who each like 20 items, any of the first ``among``."""
    generator = np.random.default_rng(seed)
    items = np.concatenate([generator.choice(among, 20, replace=False) for _ in range(num_users)])
    users = np.repeat(np.arange(num_users), 20)
    return Interactions.from_arrays(users, items, np.full(len(items), 5.0), IDS, scale=SCALE, num_users=num_users)


def same_for_all(rows: Rows) -> Values:
    """Rank the items in the order of their columns, whoever asks."""
    return np.tile(-np.arange(NUM_ITEMS, dtype=np.float32), (len(rows), 1))


def one_of(num_lists: int) -> Constructed:
    """Give each user one of so many lists, by what they rated."""
    lists = np.random.default_rng(1).random((num_lists, NUM_ITEMS)).astype(np.float32)

    def score(rows: Rows) -> Values:
        sums = np.bincount(rows.row_of_entry, rows.columns, len(rows)).astype(np.int64)
        return lists[sums % num_lists]

    return Constructed(score)


def judged(candidate: Model, live: Model, among: int = NUM_ITEMS) -> Verdict:
    """Let the gate compare two models where the training users show no taste."""
    train, gate = likes(400, NUM_ITEMS, 2), likes(60, among, 5)
    return judge(
        candidate,
        train,
        gate.rows,
        ("live", live, IDS),
        no_live="",
        linear=Baseline(skipped="for once"),
        check_cancelled=lambda: None,
    )


def test_a_model_that_shows_few_of_the_items_is_refused_though_it_ranks_no_worse() -> None:
    verdict = judged(Constructed(same_for_all), one_of(1_000))
    assert not verdict.activate
    assert verdict.reason.startswith("refused: far narrower than the live model: ")
    exposures = verdict.details["exposure"]
    assert exposures["candidate"]["coverage"] < exposures["live"]["coverage"] / 3


def test_a_model_that_gives_all_the_same_list_is_refused_though_it_covers_enough() -> None:
    verdict = judged(Constructed(same_for_all), one_of(2))
    assert not verdict.activate
    assert verdict.reason.startswith("refused: nearly the same list for everybody: two users share 9")
    assert verdict.details["exposure"]["candidate"]["overlap"] > 0.8
    assert judged(one_of(2), one_of(2)).activate


def test_a_model_that_is_narrower_but_clearly_better_is_activated() -> None:
    verdict = judged(Constructed(same_for_all), one_of(1_000), among=30)
    assert verdict.activate
    assert verdict.details["against_live"]["ndcg@10"]["low"] > 0
    exposures = verdict.details["exposure"]
    assert exposures["candidate"]["coverage"] < exposures["live"]["coverage"] / 3


def test_the_baseline_is_fitted_for_other_kinds_or_says_why_it_is_not() -> None:
    train, validation = split(tastes())

    def baseline(kind: str = "denoising", num_judges: int = 20, max_items: int = 24) -> Baseline:
        return linear_baseline(kind, train, validation, num_judges, max_items=max_items, check_cancelled=lambda: None)

    fitted = baseline()
    assert fitted.model is not None
    assert (fitted.model.kind, fitted.skipped) == ("linear", None)
    assert baseline("linear").skipped == "the candidate is linear itself"
    assert baseline(num_judges=19).skipped == "19 users to judge on, fewer than 20"
    assert baseline(max_items=23).skipped == "24 rated items, more than the 23 of PALATE_LINEAR_MAX_ITEMS"


def test_the_baseline_and_the_gate_stop_when_cancelled() -> None:
    train, validation = split(tastes())
    stopped = Interruption()
    stopped.set()
    with pytest.raises(Interrupted):
        linear_baseline("denoising", train, validation, 20, max_items=24, check_cancelled=stopped.check_cancelled)
    with pytest.raises(Interrupted):
        judge(
            trained(train),
            train,
            validation.rows,
            None,
            no_live="",
            linear=Baseline(),
            check_cancelled=stopped.check_cancelled,
        )
