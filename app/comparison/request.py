"""The request of a comparison: kinds, protocols, splits and options of the fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any, cast

import orjson

from app.comparison.job import BIASES, POPULARITY, Job
from app.comparison.problems import ComparisonProblem
from app.comparison.protocols import PROTOCOLS, RANKING, RATING
from app.settings import Settings
from app.training.auto import AUTO
from app.training.run.plan import fit_options
from models.fit import FitOptions
from models.kinds.registry import KINDS


@dataclass(frozen=True)
class Request:
    """A comparison to make. ``configs`` pins hyper-parameters by kind; no ``baseline`` means the best row."""

    kinds: tuple[str, ...]
    protocols: tuple[str, ...]
    seeds: tuple[int, ...]
    options: FitOptions
    configs: dict[str, dict[str, Any]] = field(default_factory=dict)
    baseline: str | None = None
    tune_budget: timedelta = timedelta(0)
    linear_max_items: int = 20_000

    def jobs(self) -> Iterator[Job]:
        """List the jobs: the baselines first, all kinds on one split before the next split."""
        for protocol in self.protocols:
            metrics = set(PROTOCOLS[protocol].metrics)
            baselines = [POPULARITY] * bool(metrics & set(RANKING)) + [BIASES] * bool(metrics & set(RATING))
            for seed in self.seeds:
                for name in (*baselines, *self.kinds):
                    config = self.configs.get(name, {})
                    yield Job(name, protocol, seed, self.options, config, self.tune_budget, self.linear_max_items)


def make_request(
    settings: Settings,
    kinds: str,
    protocols: str,
    *,
    seeds: Sequence[int],
    epochs: int | None,
    configs: Sequence[str],
    baseline: str | None,
) -> Request:
    """Build a request from a command's options; the settings of training apply to the rest.

    Raises:
        ComparisonProblem: if an option is invalid.
    """
    low, high, like = settings.rating_min, settings.rating_max, settings.like_threshold
    if like is not None and not low < like <= high:
        raise ComparisonProblem(f"--like {like:g}: give a rating above {low:g} and up to {high:g}.")
    return Request(
        parse_names(kinds, [*KINDS, AUTO], "--kinds"),
        parse_names(protocols, list(PROTOCOLS), "--protocols"),
        tuple(seeds),
        fit_options({} if epochs is None else {"epochs": epochs}, settings),
        parse_configs(configs),
        baseline,
        settings.tune_budget,
        settings.linear_max_items,
    )


def parse_names(text: str, known: Sequence[str], option: str) -> tuple[str, ...]:
    """Read names between commas; `all` is all of them.

    Raises:
        ComparisonProblem: if one is not known.
    """
    if text == "all":
        return tuple(known)
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise ComparisonProblem(f"{option} {', '.join(unknown) or 'is empty'}: choose all, or of {', '.join(known)}.")
    return names


def parse_configs(texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Read `KIND.NAME=VALUE` options; a value is JSON.

    Raises:
        ComparisonProblem: if one is not of that form or names no hyper-parameter.
    """
    configs: dict[str, dict[str, Any]] = {}
    for text in texts:
        place, _, value = text.partition("=")
        kind, _, name = place.partition(".")
        if kind not in KINDS or not name or not value:
            raise ComparisonProblem(f"--config {text}: write KIND.NAME=VALUE; kinds are {', '.join(KINDS)}.")
        known = [each.name for each in fields(cast("Any", KINDS[kind].config)) if each.name != "num_items"]
        if name not in known:
            raise ComparisonProblem(f"--config {text}: {kind} has {', '.join(known)}.")
        configs.setdefault(kind, {})[name] = parse_value(value)
    return configs


def parse_value(text: str) -> Any:
    """Read a value of JSON, or a text as it stands."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
