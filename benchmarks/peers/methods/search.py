"""Tuning within a budget: Optuna's tree-structured Parzen estimator, judged on what the task holds for validation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import optuna

from benchmarks.peers.methods.base import Method, Params
from benchmarks.peers.methods.clock import Clock

F = TypeVar("F")
REPEATS = 30  # proposals in a row that were tried before: the space is as good as exhausted


@dataclass(frozen=True)
class Trying:
    """One trial: its hyper-parameters, its figure (higher is better), processor seconds of the fit and of all of it."""

    params: Params
    value: float
    fit_seconds: float
    seconds: float


@dataclass(frozen=True)
class Tuned(Generic[F]):
    """What was fitted in the best trial, that trial, and all of them in order."""

    fitted: F
    best: Trying
    trials: list[Trying]


def tune(
    method: Method[Any, F], task: Any, judge: Callable[[F], float], budget_seconds: float, seed: int = 0
) -> Tuned[F]:
    """Try hyper-parameters while the budget holds another trial as long as they are on average; one at least.

    Args:
        method: the peer.
        task: what it is fitted on.
        judge: figure of what was fitted; higher is better.
        budget_seconds: processor seconds for all fits and judgements.
        seed: repeats the proposals.
    """
    clock, study = Clock(budget_seconds), _study(method, seed)
    tuned: Tuned[F] | None = None
    for trial, params in _proposals(method, study):
        started = time.process_time()
        fitted = method.fit(task, params, clock)
        fit_seconds = time.process_time() - started
        value = judge(fitted)
        study.tell(trial, value)
        this = Trying(params, value, fit_seconds, time.process_time() - started)
        trials = [*(tuned.trials if tuned else []), this]
        is_best = tuned is None or value > tuned.best.value
        tuned = Tuned(fitted, this, trials) if is_best or tuned is None else Tuned(tuned.fitted, tuned.best, trials)
        needed_seconds = clock.used_seconds / len(trials) if not method.watches_clock else 0
        if clock.left_seconds <= needed_seconds:
            break
    assert tuned is not None, "the first proposal is never a repeat"
    return tuned


def _study(method: Method[Any, Any], seed: int) -> optuna.Study:
    """Begin with the method's first hyper-parameters."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial(method.first)
    return study


def _proposals(method: Method[Any, Any], study: optuna.Study) -> Iterator[tuple[optuna.Trial, Params]]:
    """Return hyper-parameters that were not tried before, until there hardly are any."""
    known: list[Params] = []
    repeats = 0
    while repeats < REPEATS:
        trial = study.ask()
        method.suggest(trial)
        params = dict(trial.params)
        if params in known:
            repeats += 1
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            continue
        repeats = 0
        known.append(params)
        yield trial, params
