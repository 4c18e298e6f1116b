"""What was measured, as tables for the terminal: all judged users of all splits together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from rich.table import Table

from app.comparison.protocols import RANKING
from benchmarks.peers.catalogue import RATINGS, UNSEEN
from benchmarks.peers.report import Measured
from models.evaluation.ranking import mean_and_error


def tables(measured: list[Measured], title: str) -> Iterator[Table]:
    """Lay the figures out, a table for each protocol."""
    for protocol, figures in FIGURES.items():
        of_protocol = [each for each in measured if each.peer.protocol == protocol]
        if of_protocol:
            yield _table(of_protocol, figures, f"{title}, {protocol}")


def _table(measured: list[Measured], figures: Callable[[list[Measured]], dict[str, str]], title: str) -> Table:
    """Lay out one protocol."""
    out = Table(title=title)
    names = dict.fromkeys(each.peer.name for each in measured)
    lines = {name: _line([each for each in measured if each.peer.name == name], figures) for name in names}
    out.add_column("peer")
    for column in next(iter(lines.values())):
        out.add_column(column, justify="left" if column.startswith("chosen") else "right")
    for name, line in lines.items():
        out.add_row(name, *line.values())
    return out


def _line(runs: list[Measured], figures: Callable[[list[Measured]], dict[str, str]]) -> dict[str, str]:
    """Format one peer's splits: figures, and the cost and choice of the last one."""
    result = runs[-1].result
    return {
        **figures(runs),
        "trials": f"{len(result['trials'])}",
        "tuning s": f"{result['tuning_seconds']:,.0f}",
        "fit s": f"{result['best']['fit_seconds']:,.1f}",
        "peak MiB": f"{result['peak_mib']:,.0f}",
        "chosen, last split": shown(result["best"]["params"]),
    }


def of_lists(runs: list[Measured]) -> dict[str, str]:
    """Format means with their standard errors."""
    pooled = {name: np.concatenate([run.metrics[name] for run in runs]) for name in RANKING}
    found = {name: mean_and_error(values[~np.isnan(values)]) for name, values in pooled.items()}
    return {name: f"{mean:.3f} ± {error:.3f}" for name, (mean, error) in found.items()}


def of_ratings(runs: list[Measured]) -> dict[str, str]:
    """Format errors over all hidden ratings."""
    num_ratings = sum(run.split.targets.num_ratings for run in runs)
    squared, absolute = (sum(run.metrics[name].sum() for run in runs) for name in ("squared_error", "absolute_error"))
    return {"rmse": f"{np.sqrt(squared / num_ratings):.4f}", "mae": f"{absolute / num_ratings:.4f}"}


FIGURES: Mapping[str, Callable[[list[Measured]], dict[str, str]]] = {UNSEEN: of_lists, RATINGS: of_ratings}


def shown(params: dict[str, Any]) -> str:
    """Write hyper-parameters in a line."""
    return ", ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in params.items())
