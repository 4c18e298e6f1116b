"""Means, standard errors and paired differences over the test users of all seeds.

A user who is judged in several splits is one user: their values are added up first, so that the errors hold. Every
metric is a ratio of two sums over users (values and their number; errors and ratings), the root of it for RMSE, and the
error of a ratio is that of its linear part (Cochran, "Sampling Techniques", 3rd edition, 1977, section 6.4).
Shape letters: U users of the data, N users who are judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from app.comparison.protocols import PROTOCOLS
from app.comparison.results import Results
from models.evaluation.ranking import Difference
from models.fitting.training_loop import ERRORS

ERROR_SUMS = {"rmse": "squared_error", "mae": "absolute_error"}  # metrics of ratings by the sums they are computed from

PerUser = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A metric of one row: its value, its standard error, and the influence of each user (N) on it."""

    mean: float
    error: float
    influence: PerUser


def estimate(results: Results, name: str, protocol: str, metric: str, *, seeds: list[int]) -> Estimate | None:
    """Compute a metric over some seeds (places in the list of tests); None if nothing was judged."""
    top_U, base_U = np.zeros(results.num_users), np.zeros(results.num_users)
    measured = results.values(name, protocol, ERROR_SUMS.get(metric, metric))
    for place in seeds:
        test, values = results.tests[protocol][place], np.asarray(measured[place])
        judged = ~np.isnan(values)
        top_U[test.users[judged]] += values[judged]
        base_U[test.users[judged]] += test.num_ratings[judged] if metric in ERROR_SUMS else 1
    top_N, base_N = top_U[base_U > 0], base_U[base_U > 0]
    return ratio(top_N, base_N, is_root=metric == "rmse") if len(base_N) else None


def ratio(top_N: PerUser, base_N: PerUser, *, is_root: bool) -> Estimate:
    """Compute a ratio of sums, or its root, with its standard error."""
    mean = float(top_N.sum() / base_N.sum())
    influence_N = (top_N - mean * base_N) / base_N.mean()
    if is_root:
        mean = float(np.sqrt(mean))
        influence_N = influence_N / (2 * mean) if mean else influence_N
    return Estimate(mean, standard_error(influence_N), influence_N)


def standard_error(influence_N: PerUser) -> float:
    """Return the standard error of a mean; 0 of one user."""
    return float(influence_N.std(ddof=1) / np.sqrt(len(influence_N))) if len(influence_N) > 1 else 0.0


def seeds_of(results: Results, protocol: str, metric: str, *names: str) -> list[int]:
    """List the seeds (places in the list of tests) for which all of the rows have a metric."""
    summed = ERROR_SUMS.get(metric, metric)
    entries = zip(*(results.values(name, protocol, summed) for name in names), strict=True)
    return [place for place, each in enumerate(entries) if all(values is not None for values in each)]


def overall(results: Results, name: str, protocol: str, metric: str) -> Estimate | None:
    """Compute a metric over all seeds that the row has."""
    return estimate(results, name, protocol, metric, seeds=seeds_of(results, protocol, metric, name))


def difference(results: Results, name: str, other: str, *, protocol: str, metric: str) -> Difference | None:
    """Compare two rows on the same users and seeds: name minus other, with a 95 % interval by paired t."""
    seeds = seeds_of(results, protocol, metric, name, other)
    a, b = (estimate(results, each, protocol, metric, seeds=seeds) for each in (name, other))
    if a is None or b is None or a.influence.shape != b.influence.shape:
        return None
    error = standard_error(a.influence - b.influence)
    half = error * float(stdtrit(len(a.influence) - 1, 0.975)) if len(a.influence) > 1 else float("inf")
    mean = a.mean - b.mean
    return Difference(mean, error, mean - half, mean + half)


def is_better(metric: str, mean: float, than: float) -> bool:
    """Return whether a figure is better than another."""
    return mean < than if metric in ERRORS else mean > than


def best(results: Results, protocol: str, metric: str) -> str | None:
    """Name the row with the best figure."""
    winner: tuple[str, float] | None = None
    for name in results.names(protocol, ERROR_SUMS.get(metric, metric)):
        found = overall(results, name, protocol, metric)
        if found and (winner is None or is_better(metric, found.mean, winner[1])):
            winner = name, found.mean
    return winner[0] if winner else None


def opponent(results: Results, protocol: str, metric: str, baseline: str | None) -> str | None:
    """Name the row to compare with: the baseline that was asked for, if it has the metric, or the best."""
    has_it = baseline in results.names(protocol, ERROR_SUMS.get(metric, metric))
    return baseline if has_it else best(results, protocol, metric)


def summary(results: Results, baseline: str | None) -> dict[str, Any]:
    """Return all figures and differences for the file, by protocol, metric and row."""
    figures: dict[str, Any] = {}
    for protocol in results.protocols:
        for metric in PROTOCOLS[protocol].metrics:
            other = opponent(results, protocol, metric, baseline)
            if other is not None:
                names = results.names(protocol, ERROR_SUMS.get(metric, metric))
                rows = {name: describe(results, name, other, protocol=protocol, metric=metric) for name in names}
                figures.setdefault(protocol, {})[metric] = {"differences_from": other, "rows": rows}
    return {"figures": figures}


def describe(results: Results, name: str, other: str, *, protocol: str, metric: str) -> dict[str, float] | None:
    """Return a figure, its error, and the difference from another row."""
    found = overall(results, name, protocol, metric)
    apart = difference(results, name, other, protocol=protocol, metric=metric)
    if found is None:
        return None
    figure = {"mean": found.mean, "error": found.error}
    if name == other or apart is None:
        return figure
    return figure | {"difference": apart.mean, "low": apart.low, "high": apart.high}
