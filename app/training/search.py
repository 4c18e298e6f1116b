"""Hyper-parameters searched on validation users within a budget of time: what `kind: auto` does before it fits.

`auto` fits `hybrid`. Of its members `linear` chooses its own penalty while it is fitted, from one Gram matrix; the
shares of the members are chosen when they are fitted. What is searched here is `lowrank`, whose best hyper-parameters
differ most from one set of ratings to another (docs/explanation/experiments.md);
and with what is left of the budget the network.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from math import ceil
from time import monotonic
from typing import Any

import numpy as np
import optuna
import structlog
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from models.core.interactions import Interactions
from models.core.model import Model
from models.evaluation.ranking import holdout
from models.fit import Fit, FitOptions
from models.fitting.fitter import CheckCancelled
from models.kinds.blending import Candidates, PerUser, is_clearly_more, mixtures
from models.kinds.hybrid import ORDER_ONLY

log = structlog.get_logger()
Values = dict[str, Any]

MIN_JUDGED = 300  # validation users a trial is judged on, if need be in several folds
MAX_FOLDS = 3
MAX_RATINGS = 300_000  # of a fold's training users; of more, a part is drawn
PATIENCE = 12  # trials without a better one that end a search


@dataclass(frozen=True)
class Space:
    """What is searched of one kind.

    Attributes:
        kind: the kind.
        distributions: the hyper-parameters with their ranges.
        starts: what is tried first.
        pinned: hyper-parameters that make a trial quick without changing which is best.
        epochs: of a trial, at most.
        share: of the budget, 0..1.
    """

    kind: str
    distributions: Mapping[str, BaseDistribution]
    starts: tuple[Values, ...]
    pinned: Mapping[str, Any] = field(default_factory=dict)
    epochs: int = 3
    share: float = 1.0


LOW_RANK = Space(
    "lowrank",
    {
        "unrated_weight": FloatDistribution(0.01, 1.0, log=True),
        "regularisation": FloatDistribution(0.001, 0.05, log=True),
        "num_factors": CategoricalDistribution((64, 128, 256)),
    },
    (
        {"unrated_weight": 0.2, "regularisation": 0.005, "num_factors": 128},
        {"unrated_weight": 0.2, "regularisation": 0.01, "num_factors": 128},
        {"unrated_weight": 0.5, "regularisation": 0.005, "num_factors": 128},
        {"unrated_weight": 0.03, "regularisation": 0.01, "num_factors": 128},
        {"unrated_weight": 0.3, "regularisation": 0.007, "num_factors": 256},
    ),
    {"num_rating_factors": 1, "factor_penalty": 0.1},
    share=0.7,
)
DENOISING = Space(
    "denoising",
    {
        "masking": FloatDistribution(0.2, 0.7),
        "rating_weight": FloatDistribution(0.5, 8.0, log=True),
        "weight_decay": FloatDistribution(1e-6, 1e-3, log=True),
    },
    ({"masking": 0.5, "rating_weight": 1.0, "weight_decay": 1e-5},),
    epochs=50,
)


@dataclass(frozen=True)
class Found:
    """What a search came to.

    Attributes:
        config: hyper-parameters of `hybrid`.
        document: what was tried, and how good it was; stored with the version.
    """

    config: Values
    document: dict[str, Any]


@dataclass(frozen=True)
class Fold:
    """Users to train on and to judge on.

    Attributes:
        train: the training users.
        validation: other users.
        beside: models fitted to them already, beside which a trial's model is blended.
    """

    train: Interactions
    validation: Interactions
    beside: tuple[Model, ...] = ()


class BudgetSpent(Exception):
    """The time for the search is over."""


def search(
    train: Interactions,
    validation: Interactions,
    kinds: list[str],
    budget: timedelta,
    *,
    seed: int,
    before: Mapping[str, Mapping[str, Any]],
    check_cancelled: CheckCancelled,
) -> Found:
    """Search for hyper-parameters of the members.

    Args:
        train: the training users.
        validation: other users over the same vocabulary, to judge on.
        kinds: the members of the blend.
        budget: how long it may take, roughly.
        seed: repeats the random choices; what the clock lets be tried may still differ.
        before: hyper-parameters by kind that did best in an earlier search; they are tried first.
        check_cancelled: called between steps; what it raises goes through.
    """
    started, configs, searched = monotonic(), dict[str, Values](), dict[str, Any]()
    if validation.rows.num_ratings and budget:
        parts = list(folds(train, validation, seed))
        if "linear" in kinds:
            parts = [with_linear(fold, seed, check_cancelled) for fold in parts]
        for space in (space for space in (LOW_RANK, DENOISING) if space.kind in kinds):
            deadline = started + budget.total_seconds() * space.share
            study, gains = explore(
                space, parts, deadline, seed, before=before.get(space.kind, {}), check_cancelled=check_cancelled
            )
            if (best := best_of(study, gains)) is not None:
                configs[space.kind] = best
            searched[space.kind] = described(study)
            if len(study.trials) < len(space.starts):
                break  # too slow here to learn anything of a slower kind
    document = {"budget_s": budget.total_seconds(), "seconds": round(monotonic() - started, 2), "kinds": searched}
    return Found({"members": kinds, "configs": configs}, document)


def with_linear(fold: Fold, seed: int, check_cancelled: CheckCancelled) -> Fold:
    """Fit `linear` to a fold: what is searched is to be good beside it, which is not what is best alone."""
    return replace(
        fold, beside=(fitted("linear", fold, 1, dict(ORDER_ONLY), seed=seed, check_cancelled=check_cancelled),)
    )


def folds(train: Interactions, validation: Interactions, seed: int) -> Iterator[Fold]:
    """Return training and validation users; where validation users are few, others take their turn."""
    yield Fold(thinned(train, seed), validation)
    size = max(1, validation.num_users)
    num_folds = min(MAX_FOLDS, ceil(MIN_JUDGED / size), max(1, train.num_users // (2 * size)))
    turns = np.random.default_rng(seed).permutation(train.num_users)
    for turn in range(num_folds - 1):
        judged = np.zeros(train.num_users, bool)
        judged[turns[turn * size : (turn + 1) * size]] = True
        yield Fold(thinned(train.take(np.flatnonzero(~judged)), seed), train.take(np.flatnonzero(judged)))


def thinned(train: Interactions, seed: int) -> Interactions:
    """Draw so many users that a trial stays quick."""
    kept = MAX_RATINGS / max(1, train.rows.num_ratings)
    if kept >= 1:
        return train
    return train.take(np.flatnonzero(np.random.default_rng(seed).random(train.num_users) < kept))


def explore(
    space: Space,
    parts: list[Fold],
    deadline: float,
    seed: int,
    *,
    before: Mapping[str, Any],
    check_cancelled: CheckCancelled,
) -> tuple[optuna.Study, dict[int, PerUser]]:
    """Try values until the deadline, or until none has been better for a while; with the gains of every trial."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    known = {name: before[name] for name in space.distributions if before.get(name) is not None}
    for start in ([known] if len(known) == len(space.distributions) else []) + list(space.starts):
        study.enqueue_trial(start, skip_if_exists=True)

    def tock() -> None:
        check_cancelled()
        if monotonic() > deadline:
            raise BudgetSpent

    gains = dict[int, PerUser]()
    while not is_over(study):
        trial = study.ask(dict(space.distributions))
        try:
            gains_N = np.concatenate([gained(space, trial.params, part, seed, check_cancelled=tock) for part in parts])
        except BudgetSpent:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            break
        study.tell(trial, float(gains_N.mean()))
        gains[trial.number] = gains_N
        log.info("search_trial", kind=space.kind, worth=round(float(gains_N.mean()), 4), **trial.params)
    return study, gains


def is_over(study: optuna.Study) -> bool:
    """Return whether none of the last trials was better than those before."""
    values = [trial.value for trial in study.trials if trial.value is not None]
    return len(values) > PATIENCE and max(values[:-PATIENCE]) >= max(values[-PATIENCE:])


def fitted(kind: str, fold: Fold, epochs: int, config: Values, *, seed: int, check_cancelled: CheckCancelled) -> Model:
    """Fit one kind."""
    options = FitOptions(epochs=epochs, patience=3, seed=seed)
    fit = Fit(kind, fold.train, fold.validation, options, config=config, check_cancelled=check_cancelled)
    for _ in fit:
        check_cancelled()
    return fit.best


def gained(space: Space, params: Values, fold: Fold, seed: int, *, check_cancelled: CheckCancelled) -> PerUser:
    """Fit with some values, and judge the best blend with what there is beside: float64 (users,), as `Candidates`."""
    model = fitted(
        space.kind, fold, space.epochs, {**space.pinned, **params}, seed=seed, check_cancelled=check_cancelled
    )
    given, targets = holdout(fold.validation.rows)
    models = [model, *fold.beside]
    candidates = Candidates.of(models, given, targets, fold.train.scale, check_cancelled=check_cancelled)
    return max(map(candidates.gains, mixtures(len(models))), key=np.mean)


def best_of(study: optuna.Study, gains: dict[int, PerUser]) -> Values | None:
    """Return the best values; the first ones where none are clearly better; None if no trial came to its end."""
    if not gains:
        return None
    first, best = min(gains), max(gains, key=lambda number: gains[number].mean())
    chosen = best if is_clearly_more(gains[best], gains[first]) else first
    return dict(study.trials[chosen].params)


def described(study: optuna.Study) -> dict[str, Any]:
    """Return trials as JSON, the best first."""
    finished = [trial for trial in study.trials if trial.value is not None]
    ranked = sorted(finished, key=lambda trial: -(trial.value or 0.0))
    return {
        "trials": len(finished),
        "first": round(finished[0].value or 0.0, 5) if finished else None,
        "best": [{"worth": round(trial.value or 0.0, 5), **trial.params} for trial in ranked[:5]],
    }
