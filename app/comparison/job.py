"""One kind on one split: fit it, score the test users once, and measure what it costs."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.comparison.dataset import Dataset
from app.comparison.protocols import PROTOCOLS, RANKING, Split
from app.training.auto import AUTO, FITTED, members
from app.training.search import search
from models.core.interactions import Rows, Values
from models.core.model import Model, clip_to_scale
from models.evaluation.exposure import exposure, rated_share
from models.evaluation.ranking import Popularity, Scorer, errors_of_users, evaluate
from models.fit import Fit, FitOptions
from models.fitting.training_loop import EpochReport
from models.rating_prediction.biases import Biases

POPULARITY, BIASES = "popularity", "biases"  # rows that learn no taste: of lists, of ratings
TIMED_USERS = 200

PerUser = NDArray[np.float64]


@dataclass(frozen=True)
class Job:
    """A kind, or one of the two baselines, on one split of one protocol."""

    name: str
    protocol: str
    seed: int
    options: FitOptions
    config: dict[str, Any] = field(default_factory=dict)
    tune_budget: timedelta = timedelta(0)
    linear_max_items: int = 20_000


@dataclass(frozen=True)
class Measurement:
    """The result of a job.

    Attributes:
        per_user: by metric, float64 (N,) over the split's test users; NaN for those it does not judge. Errors of
            ratings are sums over the user's held-out ratings: ``squared_error`` and ``absolute_error``.
        figures: one number each: exposure of the lists, cost of the fit.
        reports: the epochs.
    """

    per_user: dict[str, PerUser]
    figures: dict[str, float]
    reports: list[EpochReport]


def measure(job: Job, dataset: Dataset, on_epoch: Callable[[EpochReport], None]) -> Measurement:
    """Run a job; ``on_epoch`` is called with every epoch."""
    split = PROTOCOLS[job.protocol].split(dataset, job.seed)
    if job.name == POPULARITY:
        popularity = Popularity(split.train)
        return Measurement(lists_of(popularity, split), exposure_of(popularity, split), [])
    if job.name == BIASES:
        return Measurement(errors_of(bias_ratings(split), split), {}, [])
    fit, figures = run_fit(job, split, on_epoch)
    model = fit.best
    per_user = errors_of(model.rating, split)
    if set(RANKING) & set(PROTOCOLS[job.protocol].metrics):
        per_user |= lists_of(model, split)
        figures |= exposure_of(model, split) | {"score_us": microseconds(model, split.given)}
    return Measurement(per_user, figures, fit.reports)


def run_fit(job: Job, split: Split, on_epoch: Callable[[EpochReport], None]) -> tuple[Fit, dict[str, float]]:
    """Run a fit to its end; return it with its costs, validation included."""
    selected_by = PROTOCOLS[job.protocol].selected_by
    before, started, used = peak_memory(), time.perf_counter(), time.process_time()
    options = replace(job.options, seed=job.seed)
    kind, config = kind_to_fit(job, split)
    fit = Fit(kind, split.train, split.validation, options, config=config, selected_by=selected_by)
    for report in fit:
        on_epoch(report)
    costs = {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - used,
        "peak_mib": peak_memory(),
        "mib_before": before,
        "epochs": float(len(fit.reports)),
        "model_bytes": float(sum(tensor.nbytes for tensor in fit.best.tensors().values())),
    }
    return fit, costs


def kind_to_fit(job: Job, split: Split) -> tuple[str, dict[str, Any]]:
    """Return the kind to fit, and its hyper-parameters; those of `auto` are searched, on the validation users alone."""
    kinds = members(split.train.num_items, job.linear_max_items)
    if job.name == FITTED:
        return FITTED, {"members": kinds, **job.config}
    if job.name != AUTO:
        return job.name, job.config
    found = search(
        split.train, split.validation, kinds, job.tune_budget, seed=job.seed, before={}, check_cancelled=lambda: None
    )
    return FITTED, found.config


def lists_of(scorer: Model | Scorer, split: Split) -> dict[str, PerUser]:
    """Rank all items for the test users: each metric float64 (N,), NaN for users who liked no target."""
    judged = evaluate(scorer, split.given, split.targets, split.train.scale)
    per_user = {}
    for name, values in judged.metrics.items():
        per_user[name] = np.full(len(split.users), np.nan)
        per_user[name][judged.users] = values
    return per_user


def errors_of(predict: Scorer, split: Split) -> dict[str, PerUser]:
    """Add up the errors of the test users' predicted ratings."""
    squared, absolute = errors_of_users(predict, split.given, split.targets)
    return {"squared_error": squared, "absolute_error": absolute}


def bias_ratings(split: Split) -> Scorer:
    """Predict ratings from the mean and the biases of item and user alone."""
    biases, scale = Biases.fit(split.train), split.train.scale

    def predict(rows: Rows) -> Values:
        return clip_to_scale(biases.mean + biases.item[None, :] + biases.of_users(rows)[:, None], scale)

    return predict


def exposure_of(scorer: Model | Scorer, split: Split) -> dict[str, float]:
    """Measure the exposure of the test users' lists, taken together."""
    shown = exposure(scorer, split.given, rated_share(split.train))
    return {"coverage": shown.coverage, "gini": shown.gini, "popularity": shown.popularity, "overlap": shown.overlap}


def microseconds(model: Model, given: Rows) -> float:
    """Time the scores of one user after the other, as the API asks for them; the median."""
    taken = []
    for user in range(min(TIMED_USERS, len(given))):
        entries = slice(given.offsets[user], given.offsets[user + 1])
        started = time.perf_counter()
        model.preference_row(given.columns[entries], given.values[entries])
        taken.append(time.perf_counter() - started)
    return float(np.median(taken)) * 1e6 if taken else 0.0


def peak_memory() -> float:
    """Return the peak memory of this process, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
