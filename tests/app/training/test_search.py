from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from app.registry.store import run_folder
from app.settings import Settings
from app.training.auto import members
from app.training.run import plan
from app.training.run.plan import Plan, search_if_due
from app.training.search import LOW_RANK, MAX_FOLDS, MAX_RATINGS, Found, best_of, explore, folds, search, thinned
from models.core.interactions import Interactions
from models.fit import FitOptions
from tests.models.helpers import split, tastes

TRAIN, VALIDATION = split(tastes(num_items=60))
BUDGET = timedelta(seconds=60)


def found(budget: timedelta = BUDGET, before: dict[str, dict[str, Any]] | None = None) -> Found:
    return search(TRAIN, VALIDATION, ["lowrank"], budget, seed=0, before=before or {}, check_cancelled=lambda: None)


def test_the_best_trial_is_used_and_is_no_worse_than_the_first() -> None:
    result = found(timedelta(seconds=5))
    tried = result.document["kinds"]["lowrank"]
    assert tried["trials"] >= 1
    best = tried["best"][0]
    assert best["worth"] >= tried["first"]
    chosen = result.config["configs"]["lowrank"]
    assert result.config == {"members": ["lowrank"], "configs": {"lowrank": chosen}}
    assert chosen in (
        {name: best[name] for name in LOW_RANK.distributions},  # clearly better than what was tried first, or that
        LOW_RANK.starts[0],
    )


def test_the_first_trial_wins_unless_another_is_clearly_better() -> None:
    study = optuna.create_study(direction="maximize")
    for number in range(3):
        study.enqueue_trial({"unrated_weight": 0.1 * (number + 1), "regularisation": 0.01, "num_factors": 64})
        study.tell(study.ask(dict(LOW_RANK.distributions)), 0.0)
    first, noise = np.full(50, 0.3), np.random.default_rng(0).normal(0, 0.2, 50)
    hardly, clearly = first + noise - noise.mean() + 0.001, first + 0.05
    assert best_of(study, {0: first, 1: hardly}) == study.trials[0].params
    assert best_of(study, {0: first, 1: hardly, 2: clearly}) == study.trials[2].params
    assert best_of(study, {}) is None


def test_the_best_trial_of_the_last_search_is_tried_first() -> None:
    before = {"unrated_weight": 0.07, "regularisation": 0.003, "num_factors": 64}
    parts = list(folds(TRAIN, VALIDATION, 0))[:1]
    trials: list[dict[str, Any]] = []

    def stop() -> None:
        if trials:
            raise InterruptedError
        trials.append({})

    with pytest.raises(InterruptedError):
        explore(LOW_RANK, parts, np.inf, 0, before=before, check_cancelled=stop)
    study, gains = explore(LOW_RANK, parts, 0.0, 0, before=before, check_cancelled=lambda: None)
    assert not gains
    assert study.trials[0].params == before


def test_a_search_without_time_or_validation_users_leaves_the_defaults() -> None:
    assert found(timedelta(0)).config["configs"] == {}
    no_users = VALIDATION.take(np.arange(0))
    assert (
        search(TRAIN, no_users, ["lowrank"], BUDGET, seed=0, before={}, check_cancelled=lambda: None).config["configs"]
        == {}
    )


def test_an_error_raised_by_the_tick_ends_the_search() -> None:
    def check_cancelled() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        search(TRAIN, VALIDATION, ["linear", "lowrank"], BUDGET, seed=0, before={}, check_cancelled=check_cancelled)


def test_where_validation_users_are_few_training_users_are_held_out_in_folds() -> None:
    train, validation = split(tastes(num_users=200))
    parts = list(folds(train, validation, 0))
    assert len(parts) == 2  # 170 training users are enough for one more turn of 30
    assert parts[0].validation is validation
    assert parts[1].validation.num_users == 30
    assert parts[1].train.num_users == 140
    many = list(folds(tastes(num_users=1_000), tastes(num_users=20), 0))
    assert len(many) == MAX_FOLDS
    assert len(list(folds(tastes(num_users=1_000), tastes(num_users=400), 0))) == 1


def test_a_trial_is_fitted_on_a_sample_of_a_large_set_of_ratings() -> None:
    users = np.repeat(np.arange(4_000), 100)
    items = np.tile(np.arange(100), 4_000)
    many = Interactions.from_arrays(
        users, items, np.full(len(users), 4.0), [f"{i}" for i in range(100)], scale=TRAIN.scale
    )
    assert thinned(TRAIN, 0) is TRAIN
    assert thinned(many, 0).rows.num_ratings == pytest.approx(MAX_RATINGS, rel=0.1)


@pytest.mark.parametrize(
    ("num_items", "kinds"),
    [
        (100, ["linear", "lowrank", "denoising"]),
        (101, ["lowrank", "denoising"]),
        (50_000, ["lowrank", "denoising"]),
        (50_001, ["lowrank"]),
    ],
)
def test_the_blend_leaves_out_kinds_for_which_the_catalogue_is_too_large(num_items: int, kinds: list[str]) -> None:
    assert members(num_items, linear_max_items=100) == kinds


def test_a_run_that_was_taken_over_uses_the_options_that_its_first_worker_found(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, tune_budget=timedelta(seconds=2))
    chosen = Plan("hybrid", FitOptions(), "cold", None, None, {"members": ["lowrank"]}, True, {}, searches=True)
    folder = run_folder(tmp_path, 1)
    first = search_if_due(chosen, settings, TRAIN, VALIDATION, folder=folder, check_cancelled=lambda: None)

    def never() -> None:
        raise AssertionError("searched again")

    again = search_if_due(chosen, settings, TRAIN, VALIDATION, folder=folder, check_cancelled=never)
    assert first.search is not None
    assert (again.carried, again.search) == (first.carried, first.search)
    (folder / plan.SEARCH).write_text("{")
    with pytest.raises(AssertionError, match="searched again"):
        search_if_due(chosen, settings, TRAIN, VALIDATION, folder=folder, check_cancelled=never)
