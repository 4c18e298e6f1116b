"""Tuning within a budget."""

import time

from benchmarks.peers.methods.base import Method, Params, Trial
from benchmarks.peers.methods.clock import Clock
from benchmarks.peers.methods.search import tune


def spin(seconds: float) -> None:
    """Use the processor."""
    started = time.process_time()
    while time.process_time() - started < seconds:
        pass


def of_numbers(seconds: float = 0.0) -> Method[None, float]:
    """A method whose fit is its one number."""

    def suggest(trial: Trial) -> None:
        trial.suggest_float("x", 0, 10)

    def fit(_: None, params: Params, __: Clock) -> float:
        spin(seconds)
        return float(params["x"])

    return Method(first={"x": 9.5}, suggest=suggest, fit=fit)


def test_the_first_trial_is_the_methods_own_and_the_best_one_is_kept() -> None:
    tuned = tune(of_numbers(), None, lambda x: -abs(x - 3), budget_seconds=0.5)
    assert tuned.trials[0].params == {"x": 9.5}
    assert tuned.best.value == max(trial.value for trial in tuned.trials)
    assert tuned.fitted == tuned.best.params["x"]
    assert abs(tuned.fitted - 3) < 0.5


def test_no_trial_is_begun_that_the_budget_does_not_hold() -> None:
    tuned = tune(of_numbers(seconds=0.2), None, lambda x: x, budget_seconds=1.0)
    assert 2 <= len(tuned.trials) <= 5
    assert sum(trial.seconds for trial in tuned.trials) < 1.2


def test_one_trial_is_made_whatever_the_budget() -> None:
    assert len(tune(of_numbers(), None, lambda x: x, budget_seconds=0).trials) == 1


def test_a_small_space_is_tried_once_each() -> None:
    def suggest(trial: Trial) -> None:
        trial.suggest_categorical("x", (1, 2, 3))

    def fit(_: None, params: Params, __: Clock) -> int:
        return int(params["x"])

    method: Method[None, int] = Method(first={"x": 1}, suggest=suggest, fit=fit)
    tuned = tune(method, None, float, budget_seconds=60)
    assert sorted(trial.params["x"] for trial in tuned.trials) == [1, 2, 3]
    assert tuned.fitted == 3
