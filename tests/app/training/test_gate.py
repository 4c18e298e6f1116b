import numpy as np

from app.training.gate import Figures, decide, over_vocabulary
from models.base import Model
from models.evaluate import LOWEST, Difference
from models.fit import Fit, FitOptions
from models.interactions import Interactions, RatingScale, Rows

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


def test_too_few_users_to_judge_on_activate_the_candidate_and_it_is_said() -> None:
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
    model = trained(Interactions.from_arrays(users, items, values, ["a", "b", "c", "d"], SCALE, 40))
    # Ours lacks "b", has a new "x", and orders the rest differently.
    score = over_vocabulary(model, ["a", "b", "c", "d"], ["d", "x", "a", "c"])
    ours = Rows(np.array([0, 3]), np.array([0, 1, 2], np.int32), np.array([5, 5, 1], np.float32))
    theirs = Rows(np.array([0, 2]), np.array([0, 3], np.int32), np.array([1, 5], np.float32))

    expected = model.preference(theirs)[0]

    np.testing.assert_allclose(score(ours)[0], [expected[3], LOWEST, expected[0], expected[2]])
