"""What was measured, as JSON that `palate compare --peers` merges, and as a table."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.peers.catalogue import Peer
from benchmarks.peers.judging import RANKING
from models.evaluate import PerUser, mean_and_error


@dataclass(frozen=True)
class Measured:
    """One peer on one split: its metrics user by user, and what it said of its tuning."""

    peer: Peer
    seed: int
    metrics: dict[str, PerUser]
    result: dict[str, Any]


def write(path: Path, measured: list[Measured], budget_seconds: float) -> None:
    """Write the rows as docs/compare.md has them, and how each was tuned."""
    document = {"budget_seconds": budget_seconds, "rows": rows(measured), "tuning": tuning(measured)}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def rows(measured: list[Measured]) -> dict[str, Any]:
    """Give {name: {protocol: {metric: [the test users' values, split by split]}, "cpu_seconds": [split by split]}}."""
    found: dict[str, Any] = {}
    for each in measured:
        row = found.setdefault(each.peer.name, {each.peer.protocol: {}, "cpu_seconds": [], "peak_mib": []})
        for metric, values in each.metrics.items():
            row[each.peer.protocol].setdefault(metric, []).append(plain(values))
        row["cpu_seconds"].append(each.result["best"]["fit_seconds"])
        row["peak_mib"].append(each.result["peak_mib"])
    return found


def plain(values: PerUser) -> list[float | None]:
    """Write an array as JSON has it: null for NaN."""
    return [None if np.isnan(value) else value for value in values.tolist()]


def tuning(measured: list[Measured]) -> dict[str, Any]:
    """Say how each peer was tuned, split by split."""
    found: dict[str, Any] = {}
    for each in measured:
        best, trials = each.result["best"], each.result["trials"]
        said = {"trials": len(trials), "seconds": each.result["tuning_seconds"]}
        said |= {"validation": best["value"], "params": best["params"]}
        found.setdefault(each.peer.name, []).append({"seed": each.seed, **said})
    return found


def table(measured: list[Measured], title: str) -> Table:
    """Lay the figures out: mean over all judged users of all splits, with its standard error."""
    out = Table(title=title)
    out.add_column("peer")
    for name in (*RANKING, "trials", "tuning s", "fit s"):
        out.add_column(name, justify="right")
    out.add_column("chosen, last split")
    for name in dict.fromkeys(each.peer.name for each in measured):
        out.add_row(name, *cells([each for each in measured if each.peer.name == name]))
    return out


def cells(runs: list[Measured]) -> list[str]:
    """Format one peer's splits."""
    last = runs[-1].result
    pooled = {metric: np.concatenate([run.metrics[metric] for run in runs]) for metric in RANKING}
    figures = [mean_and_error(values[~np.isnan(values)]) for values in pooled.values()]
    costs = f"{len(last['trials'])}", f"{last['tuning_seconds']:,.0f}", f"{last['best']['fit_seconds']:,.1f}"
    return [*(f"{mean:.3f} ± {error:.3f}" for mean, error in figures), *costs, shown(last["best"]["params"])]


def shown(params: dict[str, Any]) -> str:
    """Write hyper-parameters in a line."""
    return ", ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in params.items())
